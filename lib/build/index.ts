export * from './build';
export type { BuiltImage, BuiltImages } from './built-image';
export * from './context';
export { DebianSource } from './debian';
export * from './encode';
export { HostFiles } from './host-files';
export { runInImage } from './run-in-image';
export type { SandboxChoice } from './sandbox';
export { sandboxOnce } from './sandbox-choice';
