export { StackError } from '../core';
export type { Listener, StackEvent } from '../core';
export { loadAssembly } from '../plan';
export type { Assembly } from '../plan';
export type { SandboxChoice } from '../build';
export type {
  ConfigField,
  Conflict,
  ConflictCode,
  ConflictCount,
  ConflictOwner,
  ConflictReport,
  ProvidedPath,
  ProvidedPaths,
  Provider,
  SettledConflict,
  Severity,
} from '../stack';
export type { BuildOptions } from './build-context';
export type { CopyOptions } from './copy';
export type { DeployedBlob, DeployedImage, DeployedTarget, DeployOptions, DeployResult, Transfer } from './deploy';
export * from './engine';
export type { FormatTags } from './named-images';
export type { GcItem, GcOptions, GcResult } from './gc';
export * from './inspect';
export type { ExplainOptions, ExplainResult } from './explain';
export * from './list';
export type { ImageOptions } from './parts';
export type { PlacedImage } from './place-image';
export type { PulledReference, PullOptions } from './pull';
export * from './select';
export type { ShellOptions } from './shell';
export type { RebaseOptions, SwapOptions } from './swap';
export * from './synth';
export type { UpdatedEntry, UpdateOptions } from './update';
