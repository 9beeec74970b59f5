import type { MergeProblem } from '../merger';
import { mergeRecords, mergeSets, type RecordConflict, type Records } from '../records';
import { listed } from '../settlement';
import { type ParsedVersions } from '../versions';
import { idOf, type Account, type AccountFile } from './account-file';

/** What an account file is together. */
export interface MergedAccounts {
  readonly accounts: Records<Account>;
  /** By name of the account, in byte order. */
  readonly problems: ReadonlyMap<string, MergeProblem>;
}

/**
 * Merges account files by name and field by field.
 * @param filesOf names files that those components have, owned by the id that each of them gives to the account
 */
export function mergeAccounts(
  file: AccountFile,
  { base, sides }: ParsedVersions<Records<Account>>,
  filesOf: (owners: ReadonlyMap<string, number>) => readonly string[],
): MergedAccounts {
  const merged = mergeRecords(
    base,
    sides.map(({ component, value }) => ({ component, records: value })),
    {
      isSame: (a, b) => a.join(':') === b.join(':'),
      settle: (conflict) => {
        const fields = mergeFields(file, conflict);
        return fields?.every((field) => field !== undefined) === true ? { record: fields } : undefined;
      },
    },
  );
  const problems = merged.conflicts.map((conflict) => [conflict.key, problemOf(file, conflict, filesOf)] as const);
  return { accounts: merged.records, problems: new Map(problems) };
}

/** The fields of an account, those undefined on which components differ; none when one of them removed it. */
function mergeFields(
  { fields, sets, days }: AccountFile,
  { base, changes }: RecordConflict<Account>,
): (string | undefined)[] | undefined {
  const accounts = changes.flatMap(({ record }) => (record === undefined ? [] : [record]));
  if (accounts.length < changes.length) return undefined;
  return fields.map((_name, at) => {
    const old = base?.[at];
    const all = accounts.map((account) => account[at] ?? '');
    const [changed, ...others] = new Set(all.filter((value) => value !== old));
    if (changed === undefined || others.length === 0) return changed ?? old;
    if (sets.includes(at)) return [...mergeSets(members(old ?? ''), all.map(members))].join(',');
    return days.includes(at) ? earliest([changed, ...others]) : undefined;
  });
}

function members(field: string): Set<string> {
  return new Set(field === '' ? [] : field.split(','));
}

/** Components are built on different days; an installation after another one finds the account, and leaves it. */
function earliest(days: readonly string[]): string | undefined {
  if (!days.every((day) => /^\d{1,9}$/.test(day))) return undefined;
  return days.reduce((a, b) => (Number(b) < Number(a) ? b : a));
}

function problemOf(
  file: AccountFile,
  conflict: RecordConflict<Account>,
  filesOf: (owners: ReadonlyMap<string, number>) => readonly string[],
): MergeProblem {
  const { path, noun } = file;
  const { key: name, changes } = conflict;
  const components = changes.map(({ component }) => component);
  const fields = mergeFields(file, conflict);
  if (fields !== undefined && file.id !== undefined && fields[file.id.field] === undefined) {
    const owners = new Map(
      changes.flatMap(({ component, record }) => (record === undefined ? [] : [[component, idOf(file, record) ?? 0]])),
    );
    const ids = [...owners].map(([component, id]) => `${String(id)} in ${component}`);
    return {
      code: 'ID_COLLISION',
      path,
      message: `${noun} '${name}' has the ${file.fields[file.id.field] ?? ''} ${listed(ids)}`,
      components,
      files: filesOf(owners),
      fix: `give '${name}' one fixed id in all components, or make it in a layer below that they share`,
    };
  }
  const differing = file.fields.filter((_field, at) => fields?.[at] === undefined);
  return {
    code: 'MERGE_CONFLICT',
    path,
    message:
      fields === undefined
        ? `${noun} '${name}' is removed by one component and changed by another one`
        : `${noun} '${name}' differs in: ${differing.join(', ')}`,
    components,
    fix: `make '${name}' alike in all components, or in a layer below that they share`,
  };
}
