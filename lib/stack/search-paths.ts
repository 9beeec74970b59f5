import { orderLayers } from './order';

/** Variables that list directories: a union keeps the entries of every component (stacking.md §2). */
const PATH_LIST =
  /^(PATH|LD_LIBRARY_PATH|MANPATH|INFOPATH|PKG_CONFIG_PATH|PYTHONPATH|PERL5LIB|NODE_PATH|GOPATH|CLASSPATH|XDG_[A-Z]+_DIRS)$/;

/** Reports whether a variable lists directories, separated by colons. */
export function isPathList(variable: string): boolean {
  return PATH_LIST.test(variable);
}

/** Entries of such a variable. */
export function entriesIn(value: string | undefined): readonly string[] {
  return value === undefined || value === '' ? [] : value.split(':');
}

/**
 * Unites lists of directories. The entries of the base stay in their order, and each new one stays behind the entry of the base
 * that it stands behind, or before all of them. Entries in one such gap keep the order of every list; where lists contradict each
 * other the first one counts. A list with nothing of the base comes last.
 *
 * Laws: a list that extends the base, united with itself, stays as it is; where no two lists add the same entry, any grouping of
 * them gives the same.
 * @param base what the lists were made from
 * @param values in the order of the components
 */
export function unitePathLists(base: string | undefined, values: readonly string[]): string {
  const spine = [...new Set(entriesIn(base))];
  const place = new Map(spine.map((entry, at) => [entry, at + 1]));
  const lists = values.map((value) => placed([...new Set(entriesIn(value))], place));
  const gaps = earliestGaps(lists);
  const united = [undefined, ...spine].flatMap((entry, gap) => {
    const inGap = lists.map((list, at) => ({
      name: String(at),
      layers: list.flatMap((each) => (gaps.get(each.entry) === gap ? [each.entry] : [])),
    }));
    return [...(entry === undefined ? [] : [entry]), ...orderLayers(inGap, () => true)];
  });
  return united.join(':');
}

interface PlacedEntry {
  readonly entry: string;
  /** 0 before the base's first entry, n behind its nth. */
  readonly gap: number;
}

/** The entries of a list that are not the base's. @param place of each entry of the base, from 1 */
function placed(list: readonly string[], place: ReadonlyMap<string, number>): readonly PlacedEntry[] {
  let gap = list.some((entry) => place.has(entry)) ? 0 : place.size;
  return list.flatMap((entry): PlacedEntry[] => {
    const at = place.get(entry);
    if (at === undefined) return [{ entry, gap }];
    gap = Math.max(gap, at);
    return [];
  });
}

/** An entry that lists put in several gaps belongs to the first. */
function earliestGaps(lists: readonly (readonly PlacedEntry[])[]): ReadonlyMap<string, number> {
  const gaps = new Map<string, number>();
  for (const { entry, gap } of lists.flat()) gaps.set(entry, Math.min(gap, gaps.get(entry) ?? gap));
  return gaps;
}

/** The entries that all lists have, in the order of the first. */
export function commonEntries([first, ...others]: readonly string[]): string {
  const sets = others.map((value) => new Set(entriesIn(value)));
  const isCommon = (entry: string): boolean => sets.every((entries) => entries.has(entry));
  return entriesIn(first).filter(isCommon).join(':');
}
