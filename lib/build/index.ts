export * from './build';
export type { BuiltImage, BuiltImages } from './built-image';
export * from './context';
export { DebianSource } from './debian';
export { Downloads, requireHashes } from './download';
export * from './encode';
export { HostFiles } from './host-files';
export { sandboxOnce } from './sandbox-choice';
