export * from './architecture';
export * from './deb';
export { debDigest } from './fetch';
export { lockKey, packageRequest } from './request';
export * from './source';
export type * from './store';
export * from './tree';
