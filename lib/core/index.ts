export * from './bytes';
export * from './codes';
export * from './errors';
export * from './events';
export * from './files';
export * from './json';
export * from './semaphore';
