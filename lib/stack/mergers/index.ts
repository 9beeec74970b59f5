import type { Merger } from './merger';

export type * from './merger';

/** The mergers of every combination, in the order in which they are asked. */
export const BUILT_IN_MERGERS: readonly Merger[] = [];
