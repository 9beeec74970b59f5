export { StackError } from '../core';
export type { Listener, StackEvent } from '../core';
export { loadAssembly } from '../plan';
export type { Assembly } from '../plan';
export type { SandboxChoice } from '../build';
export type {
  Conflict,
  ConflictCode,
  ConflictCount,
  ConflictOwner,
  ConflictReport,
  Provider,
  SettledConflict,
  Severity,
} from '../stack';
export type { BuildOptions } from './build-context';
export type { ConflictsOptions, ExplainOptions, ExplainResult } from './conflicts';
export type { DeployedImage, DeployedTarget, DeployOptions, DeployResult } from './deploy';
export * from './engine';
export type { GcItem, GcOptions, GcResult } from './gc';
export * from './inspect';
export * from './list';
export * from './select';
export type { ShellOptions } from './shell';
export * from './synth';
