import type { CachePlan } from './schema';

/** Where a script sees a cache. */
export function pathOfCache(cache: CachePlan): string {
  return typeof cache === 'string' ? cache : cache.path;
}
