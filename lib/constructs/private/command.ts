import * as fs from 'node:fs';
import { canonicalJson, messageOf, StackError } from '../../core';

/**
 * The handshake with the `stack` command, which starts the app with
 * - STACK_OUTDIR: where to synthesize to,
 * - STACK_CONTEXT_FILE: a file with the context, a JSON object,
 * - STACK_ERROR_FILE: where to leave what is wrong with the app, so that the command can tell it,
 * - STACK_DEBUG: not empty to get the stack trace of a failed synth, too.
 */
function variable(name: 'OUTDIR' | 'CONTEXT_FILE' | 'ERROR_FILE' | 'DEBUG'): string | undefined {
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
  const file = variable('CONTEXT_FILE');
  if (file === undefined) return {};
  const fail = (why: string, cause?: unknown): never => {
    throw new StackError('STACK1005', `the file that STACK_CONTEXT_FILE names ${why}`, { cause });
  };
  let context: unknown;
  try {
    context = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    return fail(`cannot be read: ${messageOf(error)}`, error);
  }
  if (typeof context === 'object' && context !== null && !Array.isArray(context)) return { ...context };
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
