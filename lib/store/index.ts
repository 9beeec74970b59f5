export type { CollectPlan, CollectPolicy } from './collect';
export type { StoreItem } from './inventory';
export * from './store';
