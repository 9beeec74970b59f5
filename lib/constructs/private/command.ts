import * as fs from 'node:fs';
import { canonicalJson, messageOf, StackError } from '../../core';
import { fromConstructs } from './constructs-error';

/**
 * The handshake with the `stack` command, which starts the app with
 * - STACK_OUTDIR: where to synthesize to,
 * - STACK_CONTEXT_FILE: a file with the context, a JSON object,
 * - STACK_CONTEXT_ORIGINS_FILE: a file that tells where each of its keys was set, a JSON object of texts,
 * - STACK_ERROR_FILE: where to leave what is wrong with the app, so that the command can tell it,
 * - STACK_DEBUG: not empty to get the stack trace of a failed synth, too.
 */
function variable(
  name: 'OUTDIR' | 'CONTEXT_FILE' | 'CONTEXT_ORIGINS_FILE' | 'ERROR_FILE' | 'DEBUG',
): string | undefined {
  const value = process.env[`STACK_${name}`];
  return value === '' ? undefined : value;
}

/** Where the command wants the output; undefined when no command runs the app. */
export function commandOutdir(): string | undefined {
  return variable('OUTDIR');
}

/**
 * The context the command passes.
 * @throws STACK1005 when its file cannot be read or holds no JSON object
 */
export function commandContext(): Readonly<Record<string, unknown>> {
  return objectIn('CONTEXT_FILE');
}

/**
 * Where the command has each key of its context from, such as `--context`.
 * @throws STACK1005 when its file cannot be read or holds no JSON object
 */
export function commandOrigins(): Readonly<Record<string, unknown>> {
  return objectIn('CONTEXT_ORIGINS_FILE');
}

function objectIn(name: 'CONTEXT_FILE' | 'CONTEXT_ORIGINS_FILE'): Readonly<Record<string, unknown>> {
  const file = variable(name);
  if (file === undefined) return {};
  const fail = (why: string, cause?: unknown): never => {
    throw new StackError('STACK1005', `the file that STACK_${name} names ${why}`, { cause });
  };
  let value: unknown;
  try {
    value = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    return fail(`cannot be read: ${messageOf(error)}`, error);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  return fail('does not hold a JSON object');
}

/**
 * Leaves an error to the command, which tells it, and lets the process end with status 1.
 * @returns false when the error is still to be thrown: nobody takes it, it is not one of ours, or a trace of it is wanted
 */
export function leaveToCommand(error: unknown): boolean {
  const file = variable('ERROR_FILE');
  if (file === undefined || !StackError.is(error)) return false;
  fs.writeFileSync(file, `${canonicalJson(error.toJSON(), 2)}\n`);
  process.exitCode = 1;
  return variable('DEBUG') === undefined;
}

let isReporting = false;

/**
 * Leaves an error that ends the app before it synthesizes to the command: one of ours, or one of the construct library. Every other
 * error ends the app as it would without us, and so does one that the app has a listener of its own for.
 */
export function reportUncaught(): void {
  if (isReporting || commandOutdir() === undefined) return;
  isReporting = true;
  process.on('uncaughtExceptionMonitor', (thrown) => {
    const error = StackError.is(thrown) ? thrown : fromConstructs(thrown);
    const isTaken = process.listenerCount('uncaughtException') > 0;
    // eslint-disable-next-line no-restricted-properties -- it is ending anyway; this way without Node's own report
    if (error !== undefined && !isTaken && leaveToCommand(error)) process.exit(1);
  });
}
