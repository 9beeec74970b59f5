import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { reopened } from '../core';
import { isDigest } from '../oci';
import {
  indexLine,
  parseIndexLine,
  readArchive,
  readSquashfs,
  type Archive,
  type Content,
  type Entry,
  type ReadArchiveOptions,
  type Stretch,
  type Tree,
} from '../pack';
import type { Store } from '../store';
import { hashFile } from './host-files';

/** Another number forgets all snapshots: their form, or the rules by which archives are read, have changed. */
const SNAPSHOT_VERSION = 5;
const RECORD = `snapshots-${String(SNAPSHOT_VERSION)}`;

/** An archive as the store keeps it: its contents in one file, and the tree whose contents are slices of that. */
export interface Snapshot {
  /** Digest of the uncompressed tar; of the blob itself for a filesystem image. */
  readonly diffId: string;
  /** @throws StackError STACK7004 when the store is damaged; reading its contents, too */
  readonly tree: () => Promise<Tree>;
}

interface SnapshotRecord {
  readonly diffId: string;
  /** Digest and size of the file of contents. */
  readonly copy: Archive['copy'];
  /** Digest of the index: one line an entry, `OFFSET[;DATA]<tab>INDEX LINE`. */
  readonly index: string;
}

/** The snapshot made under this key, if the store still has all of it. */
export async function findSnapshot(store: Store, key: string): Promise<Snapshot | undefined> {
  const record = await store.readRecord(RECORD, key);
  if (!isSnapshotRecord(record)) return undefined;
  const { diffId, index, copy } = record;
  if (!(await store.hasBlob(copy.digest, copy.size)) || !(await store.hasBlob(index))) return undefined;
  return snapshotOf(store, { diffId, index, copy });
}

/** How a snapshot is taken. */
type SnapshotOptions = Pick<ReadArchiveOptions, 'name' | 'layer' | 'isWhole' | 'limits'> & {
  /** What becomes of its tree before that is kept, which may get contents of its own; it is done once, when the snapshot is taken. */
  readonly settle?: (tree: Tree) => Tree;
};

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
  options: SnapshotOptions,
): Promise<Snapshot> {
  return take(store, key, options, (copy) => readArchive(chunks, { ...options, copy }));
}

/**
 * Reads a filesystem image of the store into the store, under its digest.
 * @throws StackError as `readSquashfs`, STACK7001, STACK7002
 */
export async function takeImageSnapshot(store: Store, digest: string, name: string): Promise<Snapshot> {
  const read = async (copy: string): Promise<Archive> => {
    return { ...(await readSquashfs(store.blobPath(digest), { name, copy, layer: 'overlay' })), diffId: digest };
  };
  return take(store, () => digest, { name, layer: 'overlay' }, read);
}

async function take(
  store: Store,
  key: () => string,
  options: SnapshotOptions,
  read: (copy: string) => Promise<Archive>,
): Promise<Snapshot> {
  return store.withTemporaryDirectory(async (directory) => {
    try {
      const file = path.join(directory, 'copy');
      const { tree: whole, diffId, copy: found } = await read(file);
      const { tree, copy } = await withContents(file, found, options.settle?.(whole) ?? whole);
      const index = await store.addBlob(tree.map(snapshotLine).join(''));
      await store.adopt(file, copy.digest, copy.size);
      const record: SnapshotRecord = { diffId, copy, index };
      await store.writeRecord(RECORD, key(), record);
      return snapshotOf(
        store,
        record,
        tree.map((entry) => moved(entry, store.blobPath(copy.digest))),
      );
    } catch (error) {
      throw store.writeFailure(`the content of ${options.name}`, error);
    }
  });
}

/** @param tree where it has just been made */
function snapshotOf(store: Store, { diffId, index, copy }: SnapshotRecord, tree?: Tree): Snapshot {
  return { diffId, tree: reopened(() => readIndex(store, index, store.blobPath(copy.digest)), tree) };
}

function isSnapshotRecord(value: unknown): value is SnapshotRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { diffId, index, copy } = value as Partial<SnapshotRecord>;
  return isDigest(diffId) && isDigest(index) && isDigest(copy?.digest) && Number.isSafeInteger(copy?.size);
}

/** Adds to the file of contents those that settling has made. */
async function withContents(
  file: string,
  copy: Archive['copy'],
  tree: Tree,
): Promise<{ readonly tree: Tree; readonly copy: Archive['copy'] }> {
  const made: Buffer[] = [];
  let size = copy.size;
  const sliced = tree.map((entry): Entry => {
    if (entry.type !== 'file' || entry.content.kind !== 'bytes') return entry;
    const offset = size;
    made.push(entry.content.bytes);
    size += entry.size;
    return { ...entry, content: { kind: 'slice', file, offset } };
  });
  if (made.length === 0) return { tree, copy };
  await fs.appendFile(file, Buffer.concat(made), { flush: true });
  return { tree: sliced, copy: { digest: `sha256:${await hashFile(file)}`, size } };
}

/** An entry whose content is in its final place. */
function moved(entry: Entry, file: string): Entry {
  if (entry.type !== 'file' || entry.content.kind !== 'slice') return entry;
  return { ...entry, content: { ...entry.content, file } };
}

function snapshotLine(entry: Entry): string {
  return `${placeOf(entry)}\t${indexLine(entry, entry.type === 'file' ? entry.sha256 : undefined)}\n`;
}

/** Where the content is in the file of contents; of a file with holes also where its data belongs, as `OFFSET+LENGTH,…`. */
function placeOf(entry: Entry): string {
  if (entry.type !== 'file' || entry.content.kind !== 'slice') return '0';
  const { offset, data } = entry.content;
  if (data === undefined) return String(offset);
  return `${String(offset)};${data.map((each) => `${String(each.offset)}+${String(each.length)}`).join(',')}`;
}

function parsePlace(text: string, file: string): Content {
  const [offset = '', map] = text.split(';');
  const stretches = map === '' ? [] : map?.split(',');
  const data = stretches?.map((each): Stretch => {
    const [at, length] = each.split('+');
    return { offset: Number(at), length: Number(length) };
  });
  return { kind: 'slice', file, offset: Number(offset), check: true, ...(data === undefined ? {} : { data }) };
}

/** The whole index at once: its entries are held in memory anyway. */
async function readIndex(store: Store, index: string, copy: string): Promise<Tree> {
  const text = await store.readBlob(index);
  const lines = text.toString('utf8').split('\n');
  return lines.slice(0, -1).map((line) => {
    const tab = line.indexOf('\t');
    return parseIndexLine(line.slice(tab + 1), () => parsePlace(line.slice(0, tab), copy));
  });
}
