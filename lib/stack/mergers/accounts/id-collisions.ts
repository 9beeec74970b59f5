import { compareNames } from '../../../core';
import type { Entry, WhiteoutEntry } from '../../../pack';
import type { Files, MergedComponent, MergeProblem } from '../merger';
import type { Records } from '../records';
import { listed } from '../settlement';
import { idOf, type Account, type AccountFile } from './account-file';

/** Files a problem names at most: enough to see what it is about. */
const MAX_FILES = 50;

type OwnedEntry = Exclude<Entry, WhiteoutEntry>;

/** Who has files to lose. */
export interface Owners {
  readonly base: Files;
  readonly components: readonly MergedComponent[];
}

/** Accounts as one sees them. */
export interface AccountsOf {
  readonly component: string;
  readonly accounts: Records<Account>;
}

/**
 * One id with two names, unless the base or a component has it so itself, as with root and toor.
 * @param sides what those components have that changed the file
 */
export function findIdCollisions(
  file: AccountFile,
  base: Records<Account>,
  sides: readonly AccountsOf[],
  merged: Records<Account>,
  owners: Owners,
): MergeProblem[] {
  const named = new Map<number, string[]>();
  for (const [name, account] of merged) {
    const id = idOf(file, account);
    if (id !== undefined) named.set(id, [...(named.get(id) ?? []), name]);
  }
  const has = (accounts: Records<Account>, name: string, id: number): boolean => {
    const account = accounts.get(name);
    return account !== undefined && idOf(file, account) === id;
  };
  const shared = [...named].filter(([, names]) => names.length > 1).sort(([a], [b]) => a - b);
  return shared.flatMap(([id, names]): MergeProblem[] => {
    if ([base, ...sides.map(({ accounts }) => accounts)].some((all) => names.every((name) => has(all, name, id)))) {
      return [];
    }
    const brought = sides.flatMap(({ component, accounts }) => {
      const own = names.filter((name) => has(accounts, name, id) && !has(base, name, id));
      return own.map((name) => ({ component, name }));
    });
    return [
      {
        code: 'ID_COLLISION',
        path: file.path,
        message: `${file.fields[file.id?.field ?? 0] ?? ''} ${String(id)} is ${listed(
          brought.map(({ component, name }) => `'${name}' in ${component}`),
        )}`,
        components: [...new Set(brought.map(({ component }) => component))],
        files: filesOwnedBy(owners, file, new Map(brought.map(({ component }) => [component, id]))),
        fix: 'give them ids of their own: by id lanes (idLane of Layer), or where those do not help as stacking.md says in "System users"',
      },
    ];
  });
}

/**
 * Files that the components have, and the base has not, of the id that each of them uses; of many those first that would
 * give rights away.
 * @param ids by component
 */
export function filesOwnedBy(owners: Owners, file: AccountFile, ids: ReadonlyMap<string, number>): string[] {
  const owner = file.id?.kind ?? 'uid';
  return filesWhere(owners, (entry, component) => ids.get(component) === entry[owner], owner);
}

/**
 * Files of components, unless the base has them with the same owner.
 * @param isMeant is asked with the name of the component
 */
export function filesWhere(
  { base, components }: Owners,
  isMeant: (entry: OwnedEntry, component: string) => boolean,
  owner: 'uid' | 'gid',
): string[] {
  const found = new Map<string, boolean>();
  for (const { name, files } of components) {
    for (const entry of files.under('')) {
      if (entry.type === 'whiteout' || !isMeant(entry, name)) continue;
      const old = base.get(entry.path);
      if (old !== undefined && old.type !== 'whiteout' && old[owner] === entry[owner]) continue;
      found.set(entry.path, (entry.mode & 0o6000) !== 0 || found.get(entry.path) === true);
    }
  }
  const paths = [...found].sort(([a, isPrivileged], [b, isOtherPrivileged]) =>
    isPrivileged === isOtherPrivileged ? compareNames(a, b) : isPrivileged ? -1 : 1,
  );
  return paths
    .slice(0, MAX_FILES)
    .map(([path]) => path)
    .sort(compareNames);
}
