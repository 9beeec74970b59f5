export * from './architecture';
export * from './deb';
export * from './fetch';
export * from './request';
export * from './source';
export * from './status';
export * from './store';
export * from './tree';
