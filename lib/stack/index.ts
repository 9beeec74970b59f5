export { envEntries } from './config';
export { orderLayers } from './order';
export * from './stack';
export * from './variant';
