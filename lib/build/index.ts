export * from './build';
export {
  requireImage,
  type BaseReference,
  type BuiltImage,
  type BuiltImages,
  type CombinedDeltas,
} from './built-image';
export { explainIn, explainPathsIn, type ExplainedPath } from './check-conflicts';
export * from './context';
export { DebianSource, lockKey, packageRequest } from './debian';
export * from './discard';
export { Downloads } from './download';
export * from './encode';
export { HostFiles } from './host-files';
export { LayoutImages } from './layout-images';
export { RegistryImages } from './registry-images';
export { Restacking, type ExistingCombination } from './restack';
export { runInImage } from './run-in-image';
export type { SandboxChoice } from './sandbox';
export { sandboxOnce } from './sandbox-choice';
export { isoSeconds } from './iso-seconds';
export { settleConflicts } from './settle-conflicts';
export { asTar, combinedConfiguration, combinedDeltas } from './stacked';
