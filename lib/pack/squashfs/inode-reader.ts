import { bytesToName } from '../../core';
import { damaged } from './damage';
import { EXTENDED, INODE_TYPE, MAX_SYMLINK, NONE } from './format';
import type { MetadataPosition } from './metadata';
import { readPosition, type MetadataCursor } from './metadata-reader';

/** What every inode has. Users, groups and extended attributes are numbers of rows in their tables. */
interface InodeHead {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly number: number;
  readonly xattrs: number;
}

export type Inode = DirectoryInode | FileInode | SymlinkInode | DeviceInode | FifoInode | SocketInode;

export interface DirectoryInode extends InodeHead {
  readonly type: 'directory';
  readonly listing: MetadataPosition;
  /** Bytes of the listing. */
  readonly size: number;
}

export interface FileInode extends InodeHead {
  readonly type: 'file';
  readonly size: number;
  /** Position of the first block in the image. */
  readonly start: number;
  /** Number of the fragment with the end of the file, NONE without one, and where in it that begins. */
  readonly fragment: number;
  readonly offset: number;
  /** Stands at the sizes of the blocks, 4 bytes each. */
  readonly blocks: MetadataCursor;
}

export interface SymlinkInode extends InodeHead {
  readonly type: 'symlink';
  readonly target: string;
}

export interface DeviceInode extends InodeHead {
  readonly type: 'char' | 'block';
  readonly major: number;
  readonly minor: number;
}

interface FifoInode extends InodeHead {
  readonly type: 'fifo';
}

interface SocketInode extends InodeHead {
  readonly type: 'socket';
}

/** By the type in directory entries. */
export const TYPES: ReadonlyMap<number, Inode['type']> = new Map([
  ...Object.entries(INODE_TYPE).map(([type, number]) => [number, type as Inode['type']] as const),
  [7, 'socket'],
]);

/** The inode at a place of the inode table. */
export async function readInode(cursor: MetadataCursor): Promise<Inode> {
  const bytes = await cursor.read(16);
  const stored = bytes.readUInt16LE(0);
  const extended = stored > EXTENDED;
  const type = TYPES.get(extended ? stored - EXTENDED : stored);
  if (type === undefined) throw damaged('has an inode of an unknown type');
  const head = {
    mode: bytes.readUInt16LE(2) & 0o7777,
    uid: bytes.readUInt16LE(4),
    gid: bytes.readUInt16LE(6),
    mtime: bytes.readUInt32LE(8),
    number: bytes.readUInt32LE(12),
  };
  switch (type) {
    case 'directory':
      return { type, ...head, ...(extended ? await extendedDirectory(cursor) : await basicDirectory(cursor)) };
    case 'file':
      return { type, ...head, ...(extended ? await extendedFile(cursor) : await basicFile(cursor)), blocks: cursor };
    case 'symlink': {
      const size = (await cursor.read(8)).readUInt32LE(4);
      if (size === 0 || size > MAX_SYMLINK) throw damaged('has a symbolic link of a wrong length');
      const target = await cursor.read(size);
      if (target.includes(0)) throw damaged('has a symbolic link with a NUL byte');
      return { type, ...head, target: bytesToName(target), xattrs: await xattrsOf(cursor, extended) };
    }
    case 'char':
    case 'block': {
      const device = (await cursor.read(8)).readUInt32LE(4);
      const xattrs = await xattrsOf(cursor, extended);
      return {
        type,
        ...head,
        major: (device >>> 8) & 0xfff,
        minor: (device & 0xff) | ((device >>> 12) & 0xfff00),
        xattrs,
      };
    }
    case 'fifo':
    case 'socket':
      await cursor.read(4);
      return { type, ...head, xattrs: await xattrsOf(cursor, extended) };
  }
}

type Body<T extends Inode> = Omit<T, 'type' | 'blocks' | Exclude<keyof InodeHead, 'xattrs'>>;

async function basicDirectory(cursor: MetadataCursor): Promise<Body<DirectoryInode>> {
  const bytes = await cursor.read(16);
  const listing = { block: bytes.readUInt32LE(0), offset: bytes.readUInt16LE(10) };
  return { listing, size: listingSize(bytes.readUInt16LE(8)), xattrs: NONE };
}

async function extendedDirectory(cursor: MetadataCursor): Promise<Body<DirectoryInode>> {
  const bytes = await cursor.read(24);
  const listing = { block: bytes.readUInt32LE(8), offset: bytes.readUInt16LE(18) };
  return { listing, size: listingSize(bytes.readUInt32LE(4)), xattrs: bytes.readUInt32LE(20) };
}

/** By convention 3 more are counted, for . and .. */
function listingSize(size: number): number {
  return Math.max(size - 3, 0);
}

async function basicFile(cursor: MetadataCursor): Promise<Body<FileInode>> {
  const bytes = await cursor.read(16);
  const [start, fragment, offset, size] = [0, 4, 8, 12].map((at) => bytes.readUInt32LE(at)) as [
    number,
    number,
    number,
    number,
  ];
  return { start, fragment, offset, size, xattrs: NONE };
}

async function extendedFile(cursor: MetadataCursor): Promise<Body<FileInode>> {
  const bytes = await cursor.read(40);
  return {
    start: readPosition(bytes, 0),
    size: readPosition(bytes, 8),
    fragment: bytes.readUInt32LE(28),
    offset: bytes.readUInt32LE(32),
    xattrs: bytes.readUInt32LE(36),
  };
}

async function xattrsOf(cursor: MetadataCursor, extended: boolean): Promise<number> {
  return extended ? (await cursor.read(4)).readUInt32LE(0) : NONE;
}
