export { StackError } from '../core';
export type { Listener, StackEvent } from '../core';
export { loadAssembly } from '../plan';
export type { Assembly } from '../plan';
export * from './deploy';
export * from './inspect';
export * from './list';
export * from './select';
export * from './synth';
