import type { Package } from './package';

/** Packages by the keys they have in all lists that are compared. */
export type KeyedPackages = ReadonlyMap<string, Package>;

/**
 * Gives packages keys: their names, with the architecture only where there are, or may be, several of one name. So one that is
 * of another architecture in another version is still the same package.
 */
export function keyPackages(lists: readonly (readonly Package[])[]): KeyedPackages[] {
  const several = new Set<string>();
  for (const list of lists) {
    const seen = new Set<string>();
    for (const { name, multiArch } of list) {
      if (multiArch === 'same' || seen.has(name)) several.add(name);
      seen.add(name);
    }
  }
  const keyOf = ({ name, architecture }: Package): string => (several.has(name) ? `${name}:${architecture}` : name);
  return lists.map((list) => new Map(list.map((each) => [keyOf(each), each])));
}
