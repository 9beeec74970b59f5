import { StackError } from '../core';

/** Faults told at once: one broken generator can make thousands. */
const MAX_FAULTS = 10;

/** The error for an output directory that cannot be used. */
export function unusable(message: string, cause?: unknown): StackError {
  return new StackError('STACK1007', message, { hint: "run 'stack synth' to write it anew", cause });
}

/** The error for a file of an output directory that says something impossible. */
export function invalid(file: string, faults: readonly string[]): StackError {
  const more = faults.length - MAX_FAULTS;
  const told = [...faults.slice(0, MAX_FAULTS), ...(more > 0 ? [`and ${String(more)} more`] : [])];
  return unusable(`'${file}' is not valid: ${told.join('; ')}`);
}
