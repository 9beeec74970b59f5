import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import * as path from 'node:path';
import { run, StackError } from '../../core';
import { MISSING_TOOL_HINT, toolEnvironment } from './process';

/** A pipe from a child process to us. */
export interface Pipe<Name extends string> {
  readonly name: Name;
  /** The child's end. To be closed here once the child has it. */
  readonly descriptor: number;
  /** Our end. */
  readonly readable: Socket;
}

/**
 * Makes named pipes in a directory. What Node itself gives a child are sockets, and then `echo … > /dev/stderr` fails in a script.
 * @throws StackError STACK7001
 */
export async function makePipes<Name extends string>(
  directory: string,
  names: readonly Name[],
): Promise<readonly Pipe<Name>[]> {
  const files = names.map((name) => path.join(directory, name));
  // Whoever the script becomes may open its own output again.
  const { status, stderr } = await run('mkfifo', ['-m', '622', '--', ...files], {
    env: toolEnvironment(),
    missingHint: MISSING_TOOL_HINT,
  });
  if (status !== 0) throw new StackError('STACK7001', `cannot make pipes in '${directory}': ${stderr.trim()}`);
  return names.map((name) => ({ name, ...openPipe(path.join(directory, name)) }));
}

function openPipe(file: string): Omit<Pipe<string>, 'name'> {
  const ours = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  // With a reader there, this does not wait.
  const descriptor = openSync(file, constants.O_WRONLY);
  return { descriptor, readable: new Socket({ fd: ours, readable: true, writable: false }) };
}
