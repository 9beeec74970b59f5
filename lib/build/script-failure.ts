import { promises as fs } from 'node:fs';
import { constants } from 'node:os';
import { StackError } from '../core';
import type { RunOutput } from './run-output';

/** Bytes that a file system which a script has filled may still have. */
const NO_SPACE = 64 * 1024;

/** A directory that a script writes to, and what to do when its file system is full. */
export interface WrittenPlace {
  readonly directory: string;
  readonly name: string;
  readonly remedy: string;
}

/** A script that failed, and what there is to say about it. */
export interface FailedScript {
  readonly script: string;
  /** 128 + N when signal N ended it. */
  readonly status: number;
  readonly output: RunOutput;
  /** File with its whole output. */
  readonly log: string;
  /** Where its changes went. */
  readonly places: readonly WrittenPlace[];
}

/** The error for a script that failed: with what it did last, and what it said. */
export async function scriptFailure({ script, status, output, log, places }: FailedScript): Promise<StackError> {
  const command = script.startsWith('#!') ? undefined : output.lastCommand(script);
  const line = command === undefined ? undefined : lineOf(script, command);
  const at = line === undefined ? '' : ` in line ${String(line)}`;
  const last = command === undefined ? '' : `; its last command was: ${command}`;
  const tail = output.tail();
  const said = tail === '' ? '' : `\n${tail}`;
  const full = await firstFull(places);
  if (full !== undefined) {
    return new StackError('STACK7002', `no space is left in ${full.name}, and the script failed${last}${said}`, {
      hint: `free some space there${full.remedy}; nothing half-written was kept`,
    });
  }
  return new StackError('STACK4020', `the script ${howItEnded(status)}${at}${last}${said}`, {
    hint: `${output.saysCrossDevice ? CROSS_DEVICE : ''}the whole output is in ${log}`,
  });
}

/** overlayfs renames no directory of a layer below; what would allow it needs more rights than ordinary users have. */
const CROSS_DEVICE =
  'rename(2) cannot move a directory of the base (EXDEV): copy it with cp -a and remove it with rm -r, as mv does; ';

function howItEnded(status: number): string {
  const [signal] = Object.entries(constants.signals).find(([, number]) => number === status - 128) ?? [];
  if (signal === undefined) return `exited with status ${String(status)}`;
  return `was ended by ${signal}, itself or its last command (status ${String(status)})`;
}

async function firstFull(places: readonly WrittenPlace[]): Promise<WrittenPlace | undefined> {
  for (const place of places) {
    const space = await fs.statfs(place.directory).catch(() => undefined); // gone meanwhile
    if (space !== undefined && space.bavail * space.bsize < NO_SPACE) return place;
  }
  return undefined;
}

/**
 * The line of a script that a command of its trace stands in: the shell has expanded it, so that only its first word
 * may be the same. Undefined when that could be several.
 */
function lineOf(script: string, command: string): number | undefined {
  const lines = script.split('\n').map((line) => line.trim().replace(/\s+/g, ' '));
  const word = command.split(' ')[0] ?? '';
  const isWord = (line: string): boolean => line.split(/[ ;&|()]+/).includes(word);
  for (const matches of [(line: string) => line.includes(command), isWord]) {
    const found = lines.flatMap((line, index) => (matches(line) ? [index + 1] : []));
    if (found.length === 1) return found[0];
    if (found.length > 1) return undefined;
  }
  return undefined;
}
