import type { FrameCompressor } from '../zstd';
import { writeListing } from './directory';
import type { Fragment } from './file-data';
import { encodeDirectoryInode, encodeInode } from './inodes';
import { encodeIndex, MetadataWriter, packPosition, type MetadataPosition } from './metadata';
import type { NodeTree } from './node-tree';
import type { DirectoryNode } from './nodes';
import type { OutputFile } from './output';
import type { Superblock } from './superblock';

/** The part of the superblock that writing the tables determines. */
export type TablePlaces = Omit<Superblock, 'time' | 'level'>;

/**
 * Appends all tables to an image whose file contents are written: inodes, directories, fragments, ids, extended attributes.
 * Their order is fixed: readers take each to end where the next begins.
 */
export async function writeTables(
  tree: NodeTree,
  fragments: readonly Fragment[],
  output: OutputFile,
  compress: FrameCompressor,
): Promise<TablePlaces> {
  const inodes = new MetadataWriter(compress);
  const listings = new MetadataWriter(compress);
  const root = await writeDirectories(tree, inodes, listings);
  const inodeTable = output.position;
  await inodes.finish(output);
  const directoryTable = output.position;
  await listings.finish(output);
  const fragmentTable = await writeLookupTable(encodeFragments(fragments), output, compress);
  const idTable = await writeLookupTable(tree.ids.encode(), output, compress);
  const xattrTable = await tree.xattrs.write(output, compress);
  return {
    inodes: tree.inodes,
    fragments: fragments.length,
    ids: tree.ids.count,
    root: packPosition(root),
    size: output.position,
    idTable,
    xattrTable,
    inodeTable,
    directoryTable,
    fragmentTable,
  };
}

/**
 * Children come before their parents: a listing says where the inodes are, a directory's inode where its listing is.
 * @returns where the inode of the root is
 */
async function writeDirectories(
  tree: NodeTree,
  inodes: MetadataWriter,
  listings: MetadataWriter,
): Promise<MetadataPosition> {
  const { root } = tree;
  // By convention the root's parent has a number that no inode has.
  const parentOf = (directory: DirectoryNode): number => directory.parent?.number ?? tree.inodes + 1;
  for (const directory of tree.directories.slice(1).reverse()) {
    await writeDirectory(directory, parentOf(directory), inodes, listings);
  }
  return writeDirectory(root, parentOf(root), inodes, listings);
}

async function writeDirectory(
  directory: DirectoryNode,
  parent: number,
  inodes: MetadataWriter,
  listings: MetadataWriter,
): Promise<MetadataPosition> {
  for (const child of directory.children.values()) {
    // Directories are written by their own turn, a file of several names by its first.
    if (child.type === 'directory' || child.position !== undefined) continue;
    child.position = inodes.position;
    await inodes.write(encodeInode(child));
  }
  const listing = await writeListing(directory, listings);
  const { position } = inodes;
  directory.position = position;
  await inodes.write(encodeDirectoryInode(directory, listing, parent));
  return position;
}

/** @returns the position of the table's index */
async function writeLookupTable(rows: Buffer, output: OutputFile, compress: FrameCompressor): Promise<number> {
  const table = new MetadataWriter(compress);
  await table.write(rows);
  const positions = await table.finish(output);
  const { position } = output;
  await output.append(encodeIndex(positions));
  return position;
}

function encodeFragments(fragments: readonly Fragment[]): Buffer {
  const rows = Buffer.alloc(16 * fragments.length);
  fragments.forEach(({ position, size }, number) => {
    rows.writeBigUInt64LE(BigInt(position), 16 * number);
    rows.writeUInt32LE(size, 16 * number + 8);
  });
  return rows;
}
