import { StackError } from '../core';
import type { RunOutput } from './run-output';

/** The error for a script that failed: with what it did last, and what it said. */
export function scriptFailure(script: string, status: number, output: RunOutput, log: string): StackError {
  const command = script.startsWith('#!') ? undefined : output.lastCommand();
  const line = command === undefined ? undefined : lineOf(script, command);
  const place = line === undefined ? '' : ` in line ${String(line)}`;
  const last = command === undefined ? '' : `; its last command was: ${command}`;
  const tail = output.tail();
  const said = tail === '' ? '' : `\n${tail}`;
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
