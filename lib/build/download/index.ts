export * from './downloads';
export * from './require-hash';
