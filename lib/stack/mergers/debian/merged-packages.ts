import type { Records, Side } from '../records';
import type { Package } from './package';
import { isSamePackage } from './package-merge';

/** The packages of all components, and what they are together. */
export interface MergedPackages {
  readonly base: Records<Package>;
  readonly sides: readonly Side<Package>[];
  readonly records: Records<Package>;
}

/** The components that have a package as it is in the end: those that made it so, else all. */
export function ownersOf({ base, sides, records }: MergedPackages, key: string): string[] {
  const record = records.get(key);
  const having = sides.filter((side) => isSamePackage(side.records.get(key), record));
  const isOld = isSamePackage(base.get(key), record);
  // Where fields were merged nobody has it exactly so, and all have had a part in it.
  const owners = having.length > 0 || isOld ? having : sides.filter((side) => side.records.has(key));
  return owners.map(({ component }) => component);
}
