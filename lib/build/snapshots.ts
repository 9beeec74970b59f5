import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { writeFailure } from '../core';
import { isDigest } from '../oci';
import { indexLine, parseIndexLine, readArchive, type Entry, type ReadArchiveOptions, type Tree } from '../pack';
import type { Store } from '../store';

/** Another number forgets all snapshots: their form, or the rules by which archives are read, have changed. */
const SNAPSHOT_VERSION = 1;
const RECORD = `snapshots-${String(SNAPSHOT_VERSION)}`;

/** An archive as the store keeps it: the uncompressed tar, and the tree whose contents are slices of it. */
export interface Snapshot {
  /** Digest of the uncompressed tar. */
  readonly diffId: string;
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
  const record = (await store.readRecord(RECORD, key)) as Partial<SnapshotRecord> | undefined;
  if (!isDigest(record?.diffId) || !isDigest(record.index)) return undefined;
  const { diffId, index } = record;
  if (!(await store.hasBlob(diffId, record.size)) || !(await store.hasBlob(index))) return undefined;
  return snapshotOf(store, diffId, index);
}

/**
 * Reads an archive into the store.
 * @param key names the archive by content; equal keys must mean equal bytes
 *   (asked for at the end, since some are known only when all was read)
 * @param chunks the uncompressed tar
 * @throws StackError as `readArchive`, STACK7001, STACK7002
 */
export async function takeSnapshot(
  store: Store,
  key: () => string,
  chunks: AsyncIterable<Buffer>,
  options: Pick<ReadArchiveOptions, 'name' | 'layer'>,
): Promise<Snapshot> {
  return store.withTemporaryDirectory(async (directory) => {
    try {
      const copy = path.join(directory, 'tar');
      const { tree, diffId, size } = await readArchive(chunks, { ...options, copy });
      const index = await store.addBlob(tree.map(snapshotLine).join(''));
      await store.adopt(copy, diffId, size);
      await store.writeRecord(RECORD, key(), { diffId, size, index } satisfies SnapshotRecord);
      return snapshotOf(store, diffId, index);
    } catch (error) {
      throw writeFailure('STACK7001', `the content of ${options.name} to the store`, error);
    }
  });
}

function snapshotOf(store: Store, diffId: string, index: string): Snapshot {
  let tree: Promise<Tree> | undefined;
  return { diffId, tree: () => (tree ??= readIndex(store.blobPath(index), store.blobPath(diffId))) };
}

function snapshotLine(entry: Entry): string {
  const slice = entry.type === 'file' && entry.content.kind === 'slice' ? entry.content.offset : 0;
  return `${String(slice)}\t${indexLine(entry, entry.type === 'file' ? entry.sha256 : undefined)}\n`;
}

/** The whole index at once: its entries are held in memory anyway. */
async function readIndex(file: string, tar: string): Promise<Tree> {
  const lines = (await fs.readFile(file, 'utf8')).split('\n');
  return lines.slice(0, -1).map((line) => {
    const tab = line.indexOf('\t');
    const offset = Number(line.slice(0, tab));
    return parseIndexLine(line.slice(tab + 1), () => ({ kind: 'slice', file: tar, offset }));
  });
}
