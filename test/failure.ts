import { StackError } from '../lib/core';

/** The `StackError` that some work fails with. */
export async function failureOf(work: Promise<unknown> | (() => unknown)): Promise<StackError> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (StackError.is(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
