import { StackError } from '../../core';

/** The error for an image that breaks the format. @param what goes on from "the filesystem image …" */
export function damaged(what: string, cause?: unknown): StackError {
  return new StackError('STACK4001', `the filesystem image ${what}`, { cause });
}
