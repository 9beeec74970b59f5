import { mergeSets } from '../records';
import type { ParsedVersions } from '../versions';
import type { Library, LibraryCache } from './cache';
import { compareLibraries } from './order';

/** The libraries of merged caches, or those of which nobody knows which one ldconfig would take first. */
export type MergedLibraries = { readonly libraries: readonly Library[] } | { readonly unordered: readonly Library[] };

/** Merges the libraries, in the order of ldconfig. */
export function mergeLibraries({ base, sides }: ParsedVersions<LibraryCache>): MergedLibraries {
  const caches = [base, ...sides.map(({ value }) => value)];
  const byKey = new Map(
    caches.flatMap(({ libraries }) => libraries.map((library) => [keyOf(library), library] as const)),
  );
  const [old = new Set<string>(), ...changed] = caches.map(({ libraries }) => new Set(libraries.map(keyOf)));
  const merged = [...mergeSets(old, changed)].flatMap((key) => byKey.get(key) ?? []).sort(compareLibraries);
  const libraries: Library[] = [];
  for (let at = 0; at < merged.length;) {
    const first = merged[at];
    let end = at + 1;
    for (let next = merged[end]; first && next && compareLibraries(first, next) === 0; next = merged[end]) end += 1;
    const group = merged.slice(at, end);
    const ordered = group.length === 1 ? group : orderOf(group, old, changed, byKey);
    if (ordered === undefined) return { unordered: group };
    libraries.push(...ordered);
    at = end;
  }
  return { libraries };
}

/**
 * Libraries with one name in several directories, in the order that these have in /etc/ld.so.conf: as in the caches with all
 * of them, unless components have different ones that are not the base's.
 */
function orderOf(
  group: readonly Library[],
  base: ReadonlySet<string>,
  changed: readonly ReadonlySet<string>[],
  byKey: ReadonlyMap<string, Library>,
): Library[] | undefined {
  const keys = new Set(group.map(keyOf));
  const orderIn = (cache: ReadonlySet<string>): string[] => [...cache].filter((key) => keys.has(key));
  const orders = new Map(changed.map(orderIn).map((order) => [order.join('\n'), order]));
  const known = [...orders.values()].filter((order) => order.length === keys.size);
  const old = orderIn(base).join('\n');
  const [order, ...others] = known.length > 1 ? known.filter((each) => each.join('\n') !== old) : known;
  return others.length > 0 ? undefined : order?.flatMap((key) => byKey.get(key) ?? []);
}

function keyOf({ soname, path, flags, osVersion, hwcap, subdirectory }: Library): string {
  return [soname, path, flags, osVersion, hwcap, subdirectory ?? ''].join('\0');
}
