export * from './constructs';
export { StackError, type ErrorCode } from './core';
export type { Plan } from './plan';
