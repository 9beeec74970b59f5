import { writeSync } from 'node:fs';
import type * as core from '../core';

/** Exit status that shells show for a program whose reader has gone, as SIGPIPE would end it. */
const BROKEN_PIPE = 141;

/**
 * Lets the work go on when an output stream fails. Lost messages are no failure. A lost result is one: the process ends with 141
 * where the reader of standard output has gone, with 1 and STACK1012 where the result cannot be written, for example on a full disk.
 * A failure of the work itself keeps its own status.
 */
export function outliveOutput(): void {
  let failure: NodeJS.ErrnoException | undefined;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => (failure ??= error));
  process.stderr.on('error', () => undefined);
  // Writes fail after the call that made them; at the end of the process all of them are known.
  process.on('exit', (status) => {
    if (status === 0 && failure !== undefined) process.exitCode = statusOfLostResult(failure);
  });
}

/** Writes to standard error what must be said while the process ends; a reader that has gone does not keep it from ending. */
export function lastWords(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // There is no other place to say it.
  }
}

function statusOfLostResult(failure: NodeJS.ErrnoException): number {
  if (failure.code === 'EPIPE') return BROKEN_PIPE;
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a static import would delay `stack --version`
  const { ERROR_CODES } = require('../core') as typeof core;
  lastWords(`error STACK1012: the result cannot be written to standard output: ${failure.message}\n`);
  lastWords('  hint: the work itself is done; free some space, or send the output elsewhere\n');
  return ERROR_CODES.STACK1012.exit;
}
