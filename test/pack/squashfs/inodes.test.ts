import { NONE } from '../../../lib/pack/squashfs/format';
import { encodeDirectoryInode, encodeInode } from '../../../lib/pack/squashfs/inodes';
import { DirectoryNode, FileNode } from '../../../lib/pack/squashfs/nodes';

const METADATA = { mode: 0o644, uid: 0, gid: 0, mtime: 0, xattrs: NONE };
const DATA = { start: 96, blocks: [], sparse: 0, fragment: NONE, offset: 0 };
const BASIC_FILE = 2;
const EXTENDED_FILE = 9;
const BASIC_DIRECTORY = 1;
const EXTENDED_DIRECTORY = 8;

function typeOf(inode: Buffer): number {
  return inode.readUInt16LE(0);
}

test.each([
  [4294967295, 4294967295, BASIC_FILE],
  [4294967296, 96, EXTENDED_FILE],
  [1, 4294967296, EXTENDED_FILE],
])('a file of %d bytes that begins at %d is of type %d', (size, start, type) => {
  const inode = encodeInode(new FileNode(1, METADATA, size, { ...DATA, start }));
  expect(typeOf(inode)).toBe(type);
  const at = type === BASIC_FILE ? { start: inode.readUInt32LE(16), size: inode.readUInt32LE(28) } : undefined;
  const places = at ?? { start: Number(inode.readBigUInt64LE(16)), size: Number(inode.readBigUInt64LE(24)) };
  expect(places).toEqual({ start, size });
});

test('a file of 128 GiB has all its blocks', () => {
  const blocks = Array.from({ length: 2 ** 20 }, (_, number) => number);
  const inode = encodeInode(new FileNode(1, METADATA, 2 ** 37, { ...DATA, blocks }));
  expect(inode).toHaveLength(56 + 4 * blocks.length);
  expect(inode.readUInt32LE(inode.length - 4)).toBe(blocks.length - 1);
});

test.each([
  [65_532, BASIC_DIRECTORY],
  [65_533, EXTENDED_DIRECTORY],
])('a directory with a listing of %d bytes is of type %d', (size, type) => {
  const listing = { position: { block: 0, offset: 0 }, size, index: [] };
  const inode = encodeDirectoryInode(new DirectoryNode(1, METADATA, undefined), listing, 2);
  expect(typeOf(inode)).toBe(type);
  expect(type === BASIC_DIRECTORY ? inode.readUInt16LE(24) : inode.readUInt32LE(20)).toBe(size + 3);
});
