export * from './graph';
export * from './limits';
export * from './load';
export * from './lock-file';
export type { LockedPackage } from './lock-schema';
export type * from './schema';
export * from './version';
export * from './write';
