import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { StackError, errnoOf, messageOf } from '../core';

/** What a shell command needs. */
export interface ShellOptions {
  /** Absolute; also where `node_modules/.bin` is looked for, and above it. */
  readonly directory: string;
  /** The whole environment but PATH, which gets `node_modules/.bin` in front. */
  readonly env: NodeJS.ProcessEnv;
  /** Receives standard output and standard error as they come. */
  readonly onOutput: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** How a shell command ended. */
export interface ShellEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last of its standard error, at most 64 KiB. */
  readonly tail: string;
}

const MAX_TAIL = 64 * 1024;
/** How long a cancelled command may take to end by itself. */
const GRACE_MS = 2000;
/** How long output is awaited after the command's end; a process it left behind may keep the pipes open for ever. */
const DRAIN_MS = 500;

/**
 * Runs a command by /bin/sh in a process group of its own, so that cancelling ends all of it.
 * @throws StackError STACK1008 when the signal aborts, STACK2001 when the shell cannot be started.
 */
export async function runShell(command: string, options: ShellOptions): Promise<ShellEnd> {
  throwIfAborted(options.signal);
  const bins = binDirectories(options.directory);
  const child = spawn('/bin/sh', ['-c', withoutNpx(command, bins)], {
    cwd: options.directory,
    env: {
      ...options.env,
      PATH: [...bins, options.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'].join(path.delimiter),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const cancel = (): void => {
    killGroup(child, 'SIGTERM');
    setTimeout(() => {
      killGroup(child, 'SIGKILL');
    }, GRACE_MS).unref();
  };
  const orphan = (): void => {
    killGroup(child, 'SIGKILL');
  };
  options.signal?.addEventListener('abort', cancel, { once: true });
  process.once('exit', orphan);
  try {
    const end = await ended(child, options.onOutput);
    if (options.signal?.aborted === true) orphan();
    throwIfAborted(options.signal);
    return end;
  } finally {
    options.signal?.removeEventListener('abort', cancel);
    process.removeListener('exit', orphan);
  }
}

/** The `node_modules/.bin` directories a command sees, nearest first, as npm run sets them. */
function binDirectories(directory: string): readonly string[] {
  const bins: string[] = [];
  for (let at = directory; ; at = path.dirname(at)) {
    const bin = path.join(at, 'node_modules', '.bin');
    if (fs.existsSync(bin)) bins.push(bin);
    if (at === path.dirname(at)) return bins;
  }
}

/** npx takes half a second to find what is already on the PATH. */
function withoutNpx(command: string, bins: readonly string[]): string {
  const match = /^\s*npx\s+([A-Za-z0-9_][A-Za-z0-9._-]*)(?=\s|$)/.exec(command);
  const name = match?.[1];
  if (match === null || name === undefined || !bins.some((bin) => fs.existsSync(path.join(bin, name)))) return command;
  return name + command.slice(match[0].length);
}

function ended(child: ChildProcess, onOutput: (text: string) => void): Promise<ShellEnd> {
  let tail = '';
  child.stdout?.setEncoding('utf8').on('data', onOutput);
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-MAX_TAIL);
    onOutput(text);
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(new StackError('STACK2001', `the app's command cannot be started: ${messageOf(error)}`, { cause: error }));
    });
    child.once('exit', (status, signal) => {
      const drained = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, DRAIN_MS);
      child.once('close', () => {
        clearTimeout(drained);
        resolve({ status, signal, tail });
      });
    });
  });
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // ESRCH: the whole group has ended, which is what was wanted.
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new StackError('STACK1008', 'cancelled before the app was synthesized');
}
