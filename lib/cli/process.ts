import { ERROR_CODES, EXIT, redactCredentials } from '../core';
import type { Io } from './io';
import { lastWords } from './output';
import { run } from './run';

const SIGNAL_STATUS = { SIGINT: 130, SIGTERM: 143 } as const;
/** How long a cancelled command may take to leave things in order. */
const GRACE_MS = 10_000;

/** Runs a command line in this process: signals cancel it, and the exit status tells how it ended. */
export function runInProcess(argv: readonly string[]): void {
  const controller = new AbortController();
  let isDone = false;
  let cancelledWith: number | undefined;
  const cancel = (signal: keyof typeof SIGNAL_STATUS): void => {
    const status = SIGNAL_STATUS[signal];
    // Whoever asks a second time does not want to wait.
    if (cancelledWith !== undefined) process.exit(status);
    cancelledWith = status;
    controller.abort(new Error(signal));
    setTimeout(() => process.exit(status), GRACE_MS).unref();
  };
  process.on('SIGINT', cancel);
  process.on('SIGTERM', cancel);
  process.on('uncaughtException', (error) => {
    lastWords(`error STACK9001: cdk-stack is at fault\n${redactCredentials(error.stack ?? error.message)}\n`);
    process.exit(EXIT.internal);
  });
  process.on('exit', (status) => {
    // A merger of the app runs in this process: it may end it, or wait for what never comes.
    if (isDone || status !== EXIT.ok) return;
    const { title, exit } = ERROR_CODES.STACK1011;
    lastWords(`error STACK1011: ${title}\n`);
    lastWords('  hint: see that no merger of the app ends the process, or waits for what never comes\n');
    process.exitCode = exit;
  });
  void run(argv, processIo(), controller.signal).then((status) => {
    isDone = true;
    process.exitCode = status === EXIT.ok ? status : (cancelledWith ?? status);
    process.removeListener('SIGINT', cancel);
    process.removeListener('SIGTERM', cancel);
  });
}

/** Some consoles take anything on standard error for a failure; STACK_STDERR_TO_STDOUT=1 is for them. */
function processIo(): Io {
  const { stdin, stdout, stderr, env } = process;
  return { stdin, stdout, stderr: env['STACK_STDERR_TO_STDOUT'] === '1' ? stdout : stderr, env, cwd: process.cwd() };
}
