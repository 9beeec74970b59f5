import { spawn, type ChildProcess } from 'node:child_process';
import { statSync } from 'node:fs';
import { constants } from 'node:os';
import { PassThrough, type Readable } from 'node:stream';
import { errnoOf, messageOf, StackError } from './errors';
import { redactCredentials } from './redact';

/** How a tool is run. There is no shell in between. */
export interface RunOptions {
  readonly cwd?: string | undefined;
  /** The whole environment of the tool; default: ours. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Ends the tool and everything it started. */
  readonly signal?: AbortSignal | undefined;
  /** What its standard input gives; default: nothing, it is closed. */
  readonly input?: string | undefined;
  /** What to do when the tool is not installed, in one line. */
  readonly missingHint?: string | undefined;
}

/** How a tool ended. */
export interface Exit {
  /** Exit status; 128 + N when signal N ended it, as shells count. */
  readonly status: number;
  /** The last 64 KiB of what it wrote to standard error, credentials in URLs hidden. */
  readonly stderr: string;
}

/** How a tool ended, and what it wrote. */
export interface RunResult extends Exit {
  readonly stdout: string;
}

const STDERR_TAIL = 64 * 1024;
const DEFAULT_MAX_OUTPUT = 64 * 1024 * 1024;
/** Milliseconds between asking a tool to end and killing it. */
const GRACE = 2000;

/**
 * Runs a tool to its end. A failing exit status is the caller's to judge.
 *
 * @param options.maxOutput most bytes its standard output may have, default 64 MiB; more ends it
 * @throws StackError STACK3013 when the tool is not installed, STACK3003 when it cannot be started or writes too much;
 * the signal's reason when aborted
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions & { readonly maxOutput?: number | undefined } = {},
): Promise<RunResult> {
  const tool = start(command, args, options);
  const limit = options.maxOutput ?? DEFAULT_MAX_OUTPUT;
  const chunks: Buffer[] = [];
  let bytes = 0;
  tool.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= limit) chunks.push(chunk);
    else tool.kill();
  });
  const exit = await tool.exit;
  if (bytes > limit) throw new StackError('STACK3003', `${command} wrote more than ${String(limit)} bytes`);
  return { ...exit, stdout: Buffer.concat(chunks).toString('utf8') };
}

/**
 * Runs a tool and gives its standard output as a stream, which fails if the tool does: nothing cut short looks complete.
 * Destroying the stream ends the tool.
 *
 * @param options.failure the error for an exit status other than 0
 */
export function runStream(
  command: string,
  args: readonly string[],
  options: RunOptions & { readonly failure: (exit: Exit) => Error },
): Readable {
  const tool = start(command, args, options);
  const output = new PassThrough();
  // Whoever reads gets the error; one who gave up before reading must not bring down the process.
  output.on('error', () => undefined);
  tool.stdout.pipe(output, { end: false });
  output.once('close', () => {
    tool.stdout.destroy();
    tool.kill();
  });
  tool.exit.then(
    (exit) => {
      if (exit.status === 0) output.end();
      else output.destroy(options.failure(exit));
    },
    (error: unknown) => output.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return output;
}

interface Tool {
  readonly stdout: Readable;
  /** Settles when the tool has ended and all its output was read. */
  readonly exit: Promise<Exit>;
  kill(): void;
}

function start(command: string, args: readonly string[], options: RunOptions): Tool {
  const { cwd, env, signal, input = '' } = options;
  signal?.throwIfAborted();
  // A process group of its own, so that what the tool starts ends with it.
  const child = spawn(command, args, { cwd, env, stdio: 'pipe', detached: true });
  child.stdin.on('error', () => undefined); // it ended without reading, or was never started
  child.stdin.end(input);
  const stderr = new Tail(STDERR_TAIL);
  child.stderr.on('data', (chunk: Buffer) => {
    stderr.push(chunk);
  });
  let running = true;
  const kill = (): void => {
    if (running) endGroup(child);
  };
  const exit = new Promise<Exit>((resolve, reject) => {
    child.once('error', (error) => {
      reject(startFailure(command, options, error));
    });
    child.once('close', (code, signalName) => {
      if (signal?.aborted === true) reject(abortReason(signal));
      else resolve({ status: code ?? 128 + signalNumber(signalName), stderr: redactCredentials(stderr.text()) });
    });
  }).finally(() => {
    running = false;
    signal?.removeEventListener('abort', kill);
    started.delete(child);
  });
  signal?.addEventListener('abort', kill);
  track(child);
  return { stdout: child.stdout, exit, kill };
}

/** Tools still running; they must not outlive this process. */
const started = new Set<ChildProcess>();
let watchingExit = false;

function track(child: ChildProcess): void {
  started.add(child);
  if (watchingExit) return;
  watchingExit = true;
  process.once('exit', () => {
    for (const each of started) signalGroup(each, 'SIGKILL');
  });
}

function endGroup(child: ChildProcess): void {
  signalGroup(child, 'SIGTERM');
  const timer = setTimeout(() => {
    signalGroup(child, 'SIGKILL');
  }, GRACE);
  child.once('close', () => {
    clearTimeout(timer);
  });
}

function signalGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error; // already gone
  }
}

function startFailure(command: string, options: RunOptions, error: Error): StackError {
  const place = options.cwd;
  if (errnoOf(error) === 'ENOENT' && place !== undefined && statSync(place, { throwIfNoEntry: false }) === undefined) {
    return new StackError('STACK3003', `cannot run ${command} in '${place}': there is no such directory`, {
      cause: error,
    });
  }
  if (errnoOf(error) === 'ENOENT') {
    return new StackError('STACK3013', `${command} is not installed`, {
      hint: options.missingHint ?? `install the package that has ${command}`,
      cause: error,
    });
  }
  return new StackError('STACK3003', `cannot run ${command}: ${messageOf(error)}`, { cause: error });
}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('cancelled');
}

function signalNumber(name: NodeJS.Signals | null): number {
  return name === null ? 0 : constants.signals[name];
}

/** Keeps the end of what is pushed. */
class Tail {
  private readonly chunks: Buffer[] = [];
  private bytes = 0;

  public constructor(private readonly limit: number) {}

  public push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    for (
      let first = this.chunks[0];
      first !== undefined && this.bytes - first.length >= this.limit;
      first = this.chunks[0]
    ) {
      this.bytes -= first.length;
      this.chunks.shift();
    }
  }

  public text(): string {
    return Buffer.concat(this.chunks).subarray(-this.limit).toString('utf8');
  }
}
