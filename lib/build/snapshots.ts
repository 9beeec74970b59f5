import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { damagedFile, writeFailure } from '../core';
import { digestOf, isDigest } from '../oci';
import { indexLine, parseIndexLine, readArchive, type Entry, type ReadArchiveOptions, type Tree } from '../pack';
import type { Store } from '../store';

/** Another number forgets all snapshots: their form, or the rules by which archives are read, have changed. */
const SNAPSHOT_VERSION = 2;
const RECORD = `snapshots-${String(SNAPSHOT_VERSION)}`;

/** An archive as the store keeps it: the uncompressed tar, and the tree whose contents are slices of it. */
export interface Snapshot {
  /** Digest of the uncompressed tar. */
  readonly diffId: string;
  /** @throws StackError STACK7004 when the store is damaged; reading its contents, too */
  tree(): Promise<Tree>;
}

interface SnapshotRecord {
  readonly diffId: string;
  readonly size: number;
  /** Digest of the index: one line an entry, `OFFSET<tab>INDEX LINE`. */
  readonly index: string;
}

/** The snapshot made under this key, if the store still has all of it. */
export async function findSnapshot(store: Store, key: string): Promise<Snapshot | undefined> {
  const record = await store.readRecord(RECORD, key);
  if (!isSnapshotRecord(record)) return undefined;
  const { diffId, index, size } = record;
  if (!(await store.hasBlob(diffId, size)) || !(await store.hasBlob(index))) return undefined;
  let tree: Promise<Tree> | undefined;
  return { diffId, tree: () => (tree ??= readIndex(store, index, diffId)) };
}

/**
 * Reads an archive into the store.
 * @param key names the archive by content; equal keys must mean equal bytes
 *   (asked for at the end, since some are known only when all was read)
 * @param chunks the uncompressed tar
 * @param options.settle what becomes of its tree before that is kept; it is done once, when the snapshot is taken
 * @throws StackError as `readArchive`, STACK7001, STACK7002
 */
export async function takeSnapshot(
  store: Store,
  key: () => string,
  chunks: AsyncIterable<Buffer>,
  options: Pick<ReadArchiveOptions, 'name' | 'layer'> & { readonly settle?: (tree: Tree) => Tree },
): Promise<Snapshot> {
  return store.withTemporaryDirectory(async (directory) => {
    try {
      const copy = path.join(directory, 'tar');
      const archive = await readArchive(chunks, { ...options, copy });
      const { diffId, size } = archive;
      const settled = options.settle?.(archive.tree) ?? archive.tree;
      const index = await store.addBlob(settled.map(snapshotLine).join(''));
      await store.adopt(copy, diffId, size);
      await store.writeRecord(RECORD, key(), { diffId, size, index } satisfies SnapshotRecord);
      const tree = settled.map((entry) => moved(entry, store.blobPath(diffId)));
      return { diffId, tree: () => Promise.resolve(tree) };
    } catch (error) {
      throw writeFailure('STACK7001', `the content of ${options.name} to the store`, error);
    }
  });
}

function isSnapshotRecord(value: unknown): value is SnapshotRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { diffId, index, size } = value as Partial<SnapshotRecord>;
  return isDigest(diffId) && isDigest(index) && Number.isSafeInteger(size);
}

/** An entry whose content is in the tar's final place. */
function moved(entry: Entry, tar: string): Entry {
  if (entry.type !== 'file' || entry.content.kind !== 'slice') return entry;
  return { ...entry, content: { ...entry.content, file: tar } };
}

function snapshotLine(entry: Entry): string {
  const slice = entry.type === 'file' && entry.content.kind === 'slice' ? entry.content.offset : 0;
  return `${String(slice)}\t${indexLine(entry, entry.type === 'file' ? entry.sha256 : undefined)}\n`;
}

/** The whole index at once: its entries are held in memory anyway. */
async function readIndex(store: Store, index: string, diffId: string): Promise<Tree> {
  const file = store.blobPath(index);
  let text: Buffer;
  try {
    text = await fs.readFile(file);
  } catch (error) {
    throw damagedFile(file, error);
  }
  if (digestOf(text) !== index) throw damagedFile(file);
  const tar = store.blobPath(diffId);
  const lines = text.toString('utf8').split('\n');
  return lines.slice(0, -1).map((line) => {
    const tab = line.indexOf('\t');
    const offset = Number(line.slice(0, tab));
    return parseIndexLine(line.slice(tab + 1), () => ({ kind: 'slice', file: tar, offset, check: true }));
  });
}
