export * from './build';
export * from './context';
export { DebianSource } from './debian';
export * from './encode';
export { HostFiles } from './host-files';
export type { BuiltImage, BuiltImages } from './image';
