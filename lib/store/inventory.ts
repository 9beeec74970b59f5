import { lstatSync, promises as fs, type Stats } from 'node:fs';
import * as path from 'node:path';
import { errnoOf } from '../core';
import { lastUseOf } from './last-use';
import { readTreeMark } from './tree-mark';

/** Something in the store that can be removed by itself. */
export interface StoreItem {
  /** `state` is what is neither blob nor record nor unpacked tree, such as package lists and logs. */
  readonly kind: 'blob' | 'record' | 'tree' | 'state';
  /** Digest of a blob, else its place in the store. */
  readonly name: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly lastUse: number;
  readonly path: string;
}

/** Everything a store has, least recently used first. */
export async function inventory(directory: string): Promise<readonly StoreItem[]> {
  const items: StoreItem[] = [];
  for (const file of await childrenOf(path.join(directory, 'blobs', 'sha256'))) {
    items.push(...(await itemOf('blob', `sha256:${path.basename(file)}`, file, sizeOf)));
  }
  const named = async (kind: StoreItem['kind'], room: string, measure: Measure = sizeOf): Promise<void> => {
    for (const file of await childrenOf(path.join(directory, room))) {
      items.push(...(await itemOf(kind, path.relative(directory, file), file, measure)));
    }
  };
  for (const kind of await childrenOf(path.join(directory, 'records'))) {
    await named('record', path.relative(directory, kind));
  }
  await named('tree', 'trees', sizeOfTree);
  for (const kind of await childrenOf(path.join(directory, 'state'))) {
    for (const file of await childrenOf(kind)) items.push(await stateItem(directory, file));
  }
  return items.sort((a, b) => a.lastUse - b.lastUse || (a.path < b.path ? -1 : 1));
}

type Measure = (file: string, stat: Stats) => number | Promise<number>;

/** None when it has just been removed. */
async function itemOf(
  kind: StoreItem['kind'],
  name: string,
  file: string,
  measure: Measure,
): Promise<readonly StoreItem[]> {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  return [{ kind, name, path: file, bytes: await measure(file, stat), lastUse: lastUseOf(stat) }];
}

function sizeOf(_: string, { size }: Stats): number {
  return size;
}

async function sizeOfTree(directory: string): Promise<number> {
  return (await readTreeMark(directory))?.bytes ?? 0;
}

/** Its last use is that of any file in it; looking for them is none. */
async function stateItem(directory: string, place: string): Promise<StoreItem> {
  const { bytes, lastUse } = await measured(place);
  return { kind: 'state', name: path.relative(directory, place), path: place, bytes, lastUse };
}

/** Bytes of the files below a place, and when one was last used. What we may not look into counts nothing. */
export async function measured(place: string): Promise<{ readonly bytes: number; readonly lastUse: number }> {
  const stat = lstatSync(place, { throwIfNoEntry: false });
  if (stat === undefined) return { bytes: 0, lastUse: 0 };
  if (!stat.isDirectory()) return { bytes: stat.size, lastUse: lastUseOf(stat) };
  let [bytes, lastUse] = [0, stat.mtimeMs];
  for (const child of await childrenOf(place)) {
    const each = await measured(child);
    bytes += each.bytes;
    lastUse = Math.max(lastUse, each.lastUse);
  }
  return { bytes, lastUse };
}

async function childrenOf(directory: string): Promise<readonly string[]> {
  try {
    return (await fs.readdir(directory)).map((name) => path.join(directory, name));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR' || errnoOf(error) === 'EACCES') return [];
    throw error;
  }
}
