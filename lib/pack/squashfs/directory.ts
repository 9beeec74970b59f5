import { compareNames, nameToBytes, StackError } from '../../core';
import { INODE_TYPE } from './format';
import type { MetadataPosition, MetadataWriter } from './metadata';
import type { DirectoryNode, Node } from './nodes';

/** Entries under one header at most (Linux, SQUASHFS_DIR_COUNT). */
const RUN_LENGTH = 256;
/** Inode numbers of a run are 16-bit signed differences to that of the header. */
const MIN_DELTA = -0x8000;
const MAX_DELTA = 0x7fff;
const HEADER_SIZE = 12;
const ENTRY_SIZE = 8;

/** A written directory listing. */
export interface Listing {
  readonly position: MetadataPosition;
  /** Bytes. */
  readonly size: number;
  /** Where to begin looking for a name in a listing of several metadata blocks; empty for one that lies in one block. */
  readonly index: readonly IndexEntry[];
}

interface IndexEntry {
  /** Bytes from the beginning of the listing to a header. */
  readonly offset: number;
  /** Where the metadata block of that header begins in the table. */
  readonly block: number;
  /** First name under that header. */
  readonly name: Buffer;
}

interface Item {
  readonly name: Buffer;
  readonly node: Node;
  readonly position: MetadataPosition;
}

/** Writes the listing of a directory whose children's inodes are all written. */
export async function writeListing(directory: DirectoryNode, table: MetadataWriter): Promise<Listing> {
  const { position } = table;
  const index: IndexEntry[] = [];
  let size = 0;
  let indexed = position.block;
  for (const run of runsOf(itemsOf(directory))) {
    const { block } = table.position;
    if (block !== indexed) index.push({ offset: size, block, name: run[0].name });
    indexed = block;
    const bytes = encodeRun(run);
    await table.write(bytes);
    size += bytes.length;
  }
  return { position, size, index };
}

function itemsOf(directory: DirectoryNode): Item[] {
  return [...directory.children]
    .sort(([a], [b]) => compareNames(a, b))
    .map(([name, node]) => {
      if (node.position === undefined) throw new StackError('STACK9001', `the inode of '${name}' is not written yet`);
      return { name: nameToBytes(name), node, position: node.position };
    });
}

/** Cuts the items into runs that one header can stand for: inodes in one metadata block, with numbers not far apart. */
function runsOf(items: readonly Item[]): [Item, ...Item[]][] {
  const runs: [Item, ...Item[]][] = [];
  let run: [Item, ...Item[]] | undefined;
  for (const item of items) {
    if (run !== undefined && run.length < RUN_LENGTH && fits(run[0], item)) run.push(item);
    else runs.push((run = [item]));
  }
  return runs;
}

function fits(first: Item, item: Item): boolean {
  const delta = item.node.number - first.node.number;
  return item.position.block === first.position.block && delta >= MIN_DELTA && delta <= MAX_DELTA;
}

function encodeRun(run: readonly [Item, ...Item[]]): Buffer {
  const [first] = run;
  const bytes = Buffer.allocUnsafe(run.reduce((sum, { name }) => sum + ENTRY_SIZE + name.length, HEADER_SIZE));
  bytes.writeUInt32LE(run.length - 1, 0);
  bytes.writeUInt32LE(first.position.block, 4);
  bytes.writeUInt32LE(first.node.number, 8);
  let at = HEADER_SIZE;
  for (const { name, node, position } of run) {
    bytes.writeUInt16LE(position.offset, at);
    bytes.writeInt16LE(node.number - first.node.number, at + 2);
    bytes.writeUInt16LE(INODE_TYPE[node.type], at + 4);
    bytes.writeUInt16LE(name.length - 1, at + 6);
    at += ENTRY_SIZE + name.copy(bytes, at + ENTRY_SIZE);
  }
  return bytes;
}
