import { DEBIAN_MERGERS } from './debian';
import type { Merger } from './merger';
import { SYSTEM_MERGERS } from './system';

export type * from './merger';
export { findDiverted } from './debian/diverted';
export { DIVERSIONS } from './debian/diversions';
export { lostPackages } from './debian/lost-packages';
export { STATUS } from './debian/package';

/** The mergers of every combination, in the order in which they are asked; that for all texts is the last one. */
export const BUILT_IN_MERGERS: readonly Merger[] = [...DEBIAN_MERGERS, ...SYSTEM_MERGERS];
