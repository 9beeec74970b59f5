export * from './downloads';
export * from './throttled';
