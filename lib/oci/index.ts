export * from './digest';
export { isDescriptor, MAX_DOCUMENT, parseConfig, parseDocument, parseIndex, parseManifest } from './documents';
export * from './layout';
export type * from './layout-index';
export * from './layout-writer';
export * from './media-types';
export * from './names';
export * from './platform';
export * from './types';
