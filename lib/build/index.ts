export * from './build';
export type { BuiltImage, BuiltImages } from './built-image';
export * from './context';
export { DebianSource } from './debian';
export * from './discard';
export * from './encode';
export { HostFiles } from './host-files';
export { sandboxOnce } from './sandbox-choice';
