export * from './downloads';
export * from './require-hash';
export * from './throttled';
