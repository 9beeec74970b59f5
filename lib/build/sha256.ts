import { StackError } from '../core';

/** @throws StackError STACK3001 unless a source has the sha256 that was asked for, if one was. */
export function requireSha256(name: string, expected: string | undefined, actual: string): void {
  if (expected === undefined || expected.toLowerCase() === actual) return;
  throw new StackError('STACK3001', `${name} has the sha256 ${actual}, not ${expected.toLowerCase()}`, {
    hint: 'check where it comes from; change the expected sha256 only if the new content is meant',
  });
}
