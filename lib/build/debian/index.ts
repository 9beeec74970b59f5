export * from './architecture';
export * from './deb';
export { debDigest } from './fetch';
export * from './source';
export type * from './store';
export * from './tree';
