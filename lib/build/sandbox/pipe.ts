import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import * as path from 'node:path';
import { run, StackError } from '../../core';
import { MISSING_TOOL_HINT, toolEnvironment } from './process';

/** A pipe from a child process to us. */
export interface Pipe {
  /** The child's end. To be closed here once the child has it. */
  readonly descriptor: number;
  /** Our end. */
  readonly readable: Socket;
}

/**
 * Makes a named pipe in a directory. Node itself gives a child sockets, and then `echo … > /dev/stderr` fails in a script.
 * @throws StackError STACK7001
 */
export async function makePipe(directory: string): Promise<Pipe> {
  const file = path.join(directory, 'output');
  // Programs of other users in the sandbox may open their own output again.
  const { status, stderr } = await run('mkfifo', ['-m', '622', '--', file], {
    env: toolEnvironment(),
    missingHint: MISSING_TOOL_HINT,
  });
  if (status !== 0) throw new StackError('STACK7001', `cannot make a pipe in '${directory}': ${stderr.trim()}`);
  const ours = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  // With a reader there, this does not wait.
  const descriptor = openSync(file, constants.O_WRONLY);
  return { descriptor, readable: new Socket({ fd: ours, readable: true, writable: false }) };
}
