export * from './graph';
export * from './limits';
export * from './load';
export * from './lock-file';
export type { LockedPackage } from './lock-schema';
export type * from './schema';
export * from './script-imports';
export * from './version';
export * from './write';
