export * from './constructs';
export { StackError, type ErrorCode } from './core';
export type { Plan } from './plan';
export type {
  Files,
  MergedComponent,
  MergedFile,
  MergeOutcome,
  MergeProblem,
  MergeProblemCode,
  MergeRequest,
} from './stack';
