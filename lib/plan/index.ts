export * from './graph';
export * from './limits';
export * from './load';
export * from './lock-file';
export type { LockedPackage, LockedUrl } from './lock-schema';
export type * from './schema';
export * from './source-url';
export * from './version';
export * from './write';
