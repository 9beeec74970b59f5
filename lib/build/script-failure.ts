import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { StackError } from '../core';
import type { RunOutput } from './run-output';

/** Bytes that a file system which a script has filled may still have. */
const NO_SPACE = 64 * 1024;

/** The error for a script that failed: with what it did last, and what it said. @param log in the store */
export async function scriptFailure(
  script: string,
  status: number,
  output: RunOutput,
  log: string,
): Promise<StackError> {
  const command = script.startsWith('#!') ? undefined : output.lastCommand();
  const line = command === undefined ? undefined : lineOf(script, command);
  const place = line === undefined ? '' : ` in line ${String(line)}`;
  const last = command === undefined ? '' : `; its last command was: ${command}`;
  const tail = output.tail();
  const said = tail === '' ? '' : `\n${tail}`;
  const { bavail, bsize } = await fs.statfs(path.dirname(log));
  if (bavail * bsize < NO_SPACE) {
    return new StackError('STACK7002', `no space is left in the store, and the script failed${last}${said}`, {
      hint: 'free some space, or set STACK_HOME to a directory on a larger file system; nothing half-written was kept',
    });
  }
  return new StackError('STACK4020', `the script exited with status ${String(status)}${place}${last}${said}`, {
    hint: `the whole output is in ${log}`,
  });
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
