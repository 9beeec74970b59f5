export { mergeConfigs, NOTHING_SETTLED, type Settled } from './config';
export { envEntries, envOf } from './env';
export * from './limits';
export { orderLayers } from './order';
export * from './stack';
export * from './variant';
