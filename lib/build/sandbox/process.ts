import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { errnoOf, messageOf, StackError } from '../../core';

/** Administrators' tools are in directories that are not on every user's PATH. */
const TOOL_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
/** Characters kept of what a tool wrote to standard error. */
const TAIL = 64 * 1024;

/** fcntl(2); Node has no name for it. */
const O_CLOEXEC = 0o2000000;

/** What to do about a missing tool of the host. */
export const MISSING_TOOL_HINT = 'install the packages util-linux, coreutils and tar';

/** Where the host's tools are looked for. */
export function toolPath(): string {
  return [process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin', ...TOOL_DIRECTORIES].join(':');
}

/** The whole environment of the host's tools: TAR_OPTIONS and the like of ours would change what they do. */
export function toolEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: toolPath(),
    LC_ALL: 'C',
    // The newer mount API takes 255 bytes an option (fsconfig(2)), too few for the layers of an overlay.
    LIBMOUNT_FORCE_MOUNT2: 'always',
  };
}

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** The command, made to be killed by the kernel when we die, however we die (prctl(2), PR_SET_PDEATHSIG). */
export function dyingWithUs(command: readonly string[]): Command {
  return ['setpriv', '--pdeathsig', 'KILL', ...command];
}

/** What a child gets for one of its file descriptors: nothing, a pipe, ours of the same number, or this one of ours. */
export type Stdio = 'ignore' | 'pipe' | 'inherit' | number;

/** How a process is started. */
export interface StartOptions {
  readonly stdio: readonly Stdio[];
  readonly signal?: AbortSignal | undefined;
  /** What to do when `signal` aborts; default: kill it. */
  readonly kill?: ((child: ChildProcess) => void) | undefined;
  /** Leaves it in our session, so that it can use our terminal; default: a session of its own. */
  readonly ownTerminal?: boolean | undefined;
}

/** A started process. */
export interface Started {
  readonly child: ChildProcess;
  /**
   * Exit status, 128 + N for signal N, once it has ended and its pipes are closed.
   * Fails with STACK3013 when the program is not installed, STACK3003 when it cannot be started, and with the signal's
   * reason when aborted.
   */
  readonly ended: Promise<number>;
}

/** Starts a program of the host, without a shell in between. */
export function start([program, ...args]: Command, options: StartOptions): Started {
  const { stdio, signal, kill = killProcess, ownTerminal = false } = options;
  signal?.throwIfAborted();
  const nothing = openSync('/dev/null', 'r+');
  const descriptors = [...stdio];
  for (const inherited of inheritedDescriptors()) descriptors[inherited] ??= nothing;
  const child = spawn(program, args, {
    stdio: Array.from(descriptors, (each) => each ?? 'ignore'),
    env: toolEnvironment(),
    detached: !ownTerminal,
  });
  closeSync(nothing);
  const abort = (): void => {
    kill(child);
  };
  signal?.addEventListener('abort', abort);
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (error) => {
      reject(startFailure(program, error));
    });
    child.once('close', (code, name) => {
      if (signal?.aborted === true) reject(reasonOf(signal));
      else resolve(code ?? 128 + (name === null ? 0 : constants.signals[name]));
    });
  }).finally(() => {
    signal?.removeEventListener('abort', abort);
  });
  return { child, ended };
}

function killProcess(child: ChildProcess): void {
  child.kill('SIGKILL');
}

/** Collects the end of a text stream; gives it when called. */
export function tailOf(stream: Readable | null | undefined): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-TAIL);
  });
  return () => text;
}

/** File descriptors, other than the standard ones, that somebody left open for us, and that our children would get as well. */
function inheritedDescriptors(): readonly number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((descriptor) => descriptor > 2 && !closesOnExec(descriptor));
}

function closesOnExec(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${String(descriptor)}`, 'utf8'))?.[1];
    return flags !== undefined && (parseInt(flags, 8) & O_CLOEXEC) !== 0;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true; // was that of the listing itself
    throw error;
  }
}

function startFailure(program: string, error: Error): StackError {
  if (errnoOf(error) === 'ENOENT') {
    return new StackError('STACK3013', `${program} is not installed`, { hint: MISSING_TOOL_HINT, cause: error });
  }
  return new StackError('STACK3003', `cannot run ${program}: ${messageOf(error)}`, { cause: error });
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('cancelled');
}
