import type { Merger } from '../stack';

/** A merger, and what tells whether it is the one that it was. */
export interface KeyedMerger extends Merger {
  /** Plain data. */
  readonly key: unknown;
}
