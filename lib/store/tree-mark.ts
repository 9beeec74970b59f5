import { createHash, type Hash } from 'node:crypto';
import { lstatSync, promises as fs, readdirSync } from 'node:fs';
import * as path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { errnoOf } from '../core';

/** Name of the mark beside an unpacked tree. It is written last, so that a tree without it is not complete. */
export const TREE_MARK = 'complete';

/** What a mark says of its tree. */
export interface TreeMark {
  /** Bytes of its files; not everyone can look into all of them. */
  readonly bytes: number;
  /** Digest of what the system says of all that is in it. */
  readonly state: string;
}

/** Marks a tree as complete. @param directory holds it under the name given */
export async function markTree(directory: string, tree: string, bytes: number): Promise<void> {
  const mark: TreeMark = { bytes, state: await stateOf(path.join(directory, tree)) };
  await fs.writeFile(path.join(directory, TREE_MARK), JSON.stringify(mark), { flush: true });
}

/** The mark of a tree; undefined when it has none. */
export async function readTreeMark(directory: string): Promise<TreeMark | undefined> {
  try {
    const mark = Object(JSON.parse(await fs.readFile(path.join(directory, TREE_MARK), 'utf8'))) as Partial<TreeMark>;
    const { bytes, state } = mark;
    return Number.isSafeInteger(bytes) && typeof state === 'string' ? { bytes: Number(bytes), state } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) !== undefined) return undefined;
    throw error;
  }
}

/** Whether a tree is as it was when it was marked: nothing in it was removed, changed or added. */
export async function isWhole(directory: string, tree: string): Promise<boolean> {
  const mark = await readTreeMark(directory);
  return mark !== undefined && mark.state === (await stateOf(path.join(directory, tree)));
}

/** Files looked at until others get a turn. */
const AT_A_TIME = 2000;

/**
 * A digest over names, inodes, modes, sizes and times of a tree. ctime is among them, which nothing can set: so a change shows
 * whatever it was. Contents are not read. An ordinary user may be unable to list a directory (no r) or to look at what is in it
 * (no x): then the directory itself stands for it, as names cannot come or go without its times changing, nor its mode without its ctime.
 */
async function stateOf(top: string): Promise<string> {
  const hash = createHash('sha256');
  const todo = [Buffer.from(top)];
  let looked = 0;
  for (let directory = todo.pop(); directory !== undefined; directory = todo.pop()) {
    for (const child of list(hash, directory)) {
      const file = Buffer.concat([directory, SLASH, child]);
      if (note(hash, file, child)) todo.push(file);
      looked += 1;
      if (looked % AT_A_TIME === 0) await turn();
    }
  }
  return hash.digest('hex');
}

const SLASH = Buffer.from('/');

function list(hash: Hash, directory: Buffer): readonly Buffer[] {
  const names = seen(hash, () => readdirSync(directory, { encoding: 'buffer' })) ?? [];
  return names.sort((a, b) => Buffer.compare(a, b));
}

/** @returns whether it is a directory */
function note(hash: Hash, file: Buffer, name: Buffer): boolean {
  hash.update(name);
  const stat = seen(hash, () => lstatSync(file, { throwIfNoEntry: false }));
  if (stat === undefined) return false;
  const { ino, mode, size, mtimeMs, ctimeMs } = stat;
  const isDirectory = stat.isDirectory();
  hash.update(`\0${[ino, mode, isDirectory ? 0 : size, mtimeMs, ctimeMs].join(' ')}\0`);
  return isDirectory;
}

/** What `look` gives; where the system refuses it, its reason is part of the digest instead. */
function seen<T>(hash: Hash, look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const reason = errnoOf(error);
    if (reason === undefined) throw error;
    hash.update(`\0${reason}\0`);
    return undefined;
  }
}
