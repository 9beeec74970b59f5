import { compareNames } from '../../core';

/** What a file says, by the keys of its records, in the order of the file. */
export type Records<R> = ReadonlyMap<string, R>;

/** The records of one component. */
export interface Side<R> {
  /** Construct path. */
  readonly component: string;
  readonly records: Records<R>;
}

/** What a component made of a record of the base; undefined where it removed it. */
export interface Change<R> {
  readonly component: string;
  readonly record: R | undefined;
}

/** Components that changed one record in different ways. */
export interface RecordConflict<R> {
  readonly key: string;
  /** Undefined where the base has no such record. */
  readonly base: R | undefined;
  /** Of all components that changed it, bottom to top; some may have made the same of it. */
  readonly changes: readonly Change<R>[];
}

/** How records are compared, and what is known about settling conflicts. */
export interface RecordRules<R> {
  isSame(a: R, b: R): boolean;
  /** What different changes are together, where that is known: a record, or none at all. */
  settle?(conflict: RecordConflict<R>): { readonly record: R | undefined } | undefined;
}

/** Merged records, and conflicts in byte order of their keys. */
export interface MergedRecords<R> {
  readonly records: Map<string, R>;
  readonly conflicts: readonly RecordConflict<R>[];
}

/**
 * Merges records three-way: what one component adds, changes or removes is taken over, and so is what several did alike.
 *
 * The result has the base's records in their order, then those that components added, bottom to top. So the order of the
 * components decides that order only, and callers that sort by key do not depend on it.
 */
export function mergeRecords<R>(base: Records<R>, sides: readonly Side<R>[], rules: RecordRules<R>): MergedRecords<R> {
  const keys = new Set([base, ...sides.map((side) => side.records)].flatMap((records) => [...records.keys()]));
  const isSame = (a: R | undefined, b: R | undefined): boolean =>
    a === b || (a !== undefined && b !== undefined && rules.isSame(a, b));
  const records = new Map<string, R>();
  const conflicts: RecordConflict<R>[] = [];
  for (const key of keys) {
    const old = base.get(key);
    const changes = sides.flatMap((side): Change<R>[] => {
      const record = side.records.get(key);
      return isSame(record, old) ? [] : [{ component: side.component, record }];
    });
    const [first] = changes;
    let settled: { readonly record: R | undefined } | undefined = first ?? { record: old };
    if (changes.some(({ record }) => !isSame(record, first?.record))) {
      const conflict = { key, base: old, changes };
      settled = rules.settle?.(conflict);
      if (settled === undefined) conflicts.push(conflict);
    }
    if (settled?.record !== undefined) records.set(key, settled.record);
  }
  return { records, conflicts: conflicts.sort((a, b) => compareNames(a.key, b.key)) };
}

/** Merges sets three-way: what one component adds or removes is taken over. */
export function mergeSets(base: ReadonlySet<string>, sides: readonly ReadonlySet<string>[]): Set<string> {
  const records = (set: ReadonlySet<string>): Records<true> => new Map([...set].map((each) => [each, true]));
  const merged = mergeRecords(
    records(base),
    sides.map((side) => ({ component: '', records: records(side) })),
    { isSame: () => true },
  );
  return new Set(merged.records.keys());
}
