export * from './constructs';
export { StackError, type ErrorCode } from './core';
