import { readContent, type View } from '../pack';
import { FIRST_NAMED_ID, ID_NAMES } from './id-names';

const MAX_SIZE = 1024 * 1024;

/**
 * A pool of adduser.conf(5): users and groups that are not there yet, with the ids that their names have. Those are left out whose
 * id the base has given to another name: adduser would rather fail than take another one.
 */
export function namedIdPool(base: View): Buffer {
  const taken = new Map<number, Set<string>>();
  for (const [name = '', , id] of ['etc/passwd', 'etc/group'].flatMap((path) => accountsIn(base, path))) {
    taken.set(Number(id), (taken.get(Number(id)) ?? new Set()).add(name));
  }
  const lines = ID_NAMES.flatMap((name, position) => {
    const id = FIRST_NAMED_ID + position;
    return [...(taken.get(id) ?? [])].some((other) => other !== name) ? [] : [`${name}:${String(id)}\n`];
  });
  return Buffer.from(lines.join(''));
}

function accountsIn(base: View, path: string): string[][] {
  const entry = base.get(path);
  if (entry?.type !== 'file' || entry.size > MAX_SIZE) return [];
  return readContent(entry)
    .toString('latin1')
    .split('\n')
    .map((line) => line.split(':'));
}
