import { decompress } from 'fzstd';
import { bytesToName } from '../../../lib/core';

/** What an image says about one path. */
interface ImageEntry {
  /** 1 directory, 2 file, 3 symlink, 4 block device, 5 character device, 6 fifo. */
  readonly type: number;
  readonly extended: boolean;
  readonly inode: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly links: number;
  readonly xattrs: Readonly<Record<string, string>>;
  readonly content?: Buffer;
  readonly size?: number;
  readonly sparse?: number;
  readonly start?: number;
  readonly blocks?: readonly number[];
  readonly fragment?: readonly [number, number];
  readonly target?: string;
  readonly device?: number;
  readonly parent?: number;
  readonly index?: readonly { readonly name: string; readonly first: string }[];
}

export interface Image {
  readonly superblock: Readonly<Record<string, number>>;
  /** By path, in the order of the listings. */
  readonly entries: ReadonlyMap<string, ImageEntry>;
  readonly fragments: readonly Buffer[];
}

export const ABSENT = 2 ** 64;
const NONE = 0xffffffff;
const PREFIXES = ['user.', 'trusted.', 'security.'];

/**
 * Reads a whole squashfs image into memory, and throws where it is not as the kernel wants it.
 * Written from the description of the format; it shares no code with the writer.
 */
export function readImage(image: Buffer): Image {
  const superblock = readSuperblock(image);
  const at = (name: string): number => superblock[name]!;
  const ids = readRows(image, at('idTable'), at('ids'), 4).map((row) => row.readUInt32LE(0));
  const fragments = readRows(image, at('fragmentTable'), at('fragments'), 16).map((row) =>
    readData(image, u64(row, 0), row.readUInt32LE(8)),
  );
  const firstRows = at('fragments') > 0 ? u64(image, at('fragmentTable')) : u64(image, at('idTable'));
  const inodes = new Table(image, at('inodeTable'), at('directoryTable'));
  const listings = new Table(image, at('directoryTable'), firstRows);
  const xattrs = at('xattrTable') === ABSENT ? [] : readXattrs(image, at('xattrTable'));
  const entries = new Map<string, ImageEntry>();

  const visit = (path: string, block: number, offset: number, type: number, number: number | undefined): void => {
    const entry = readInode(inodes, block, offset);
    if (entry.type !== type) throw new Error(`'${path}' has another type in its directory`);
    if (number !== undefined && entry.inode !== number) throw new Error(`'${path}' has another inode number`);
    const known = { ...entry, uid: ids[entry.uid]!, gid: ids[entry.gid]!, xattrs: xattrs[entry.xattr] ?? {} };
    if (entry.xattr !== NONE && xattrs[entry.xattr] === undefined) throw new Error(`'${path}' has unknown xattrs`);
    if (type === 2) {
      entries.set(path, { ...known, content: readContent(image, known, fragments) });
      return;
    }
    entries.set(path, known);
    if (type !== 1) return;
    const listing = listings.read(entry.block!, entry.offset!, entry.size! - 3);
    const { children, headers } = readListing(listing);
    const index = (entry.indexBytes ?? []).map((item) => {
      if (
        listings.place(item.block, (item.offset + entry.offset!) % 8192) !==
        listings.place(entry.block!, entry.offset!) + item.offset
      ) {
        throw new Error(`the index of '${path}' points to a wrong place`);
      }
      return { name: item.name, first: headers.get(item.offset)! };
    });
    entries.set(path, { ...known, index });
    for (const child of children) {
      visit(path === '' ? child.name : `${path}/${child.name}`, child.block, child.offset, child.type, child.number);
    }
  };
  const root = at('root');
  visit('', Math.floor(root / 65536), root % 65536, 1, undefined);
  return { superblock, entries, fragments };
}

function u64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

function readSuperblock(image: Buffer): Record<string, number> {
  if (image.readUInt32LE(0) !== 0x73717368) throw new Error('no squashfs image');
  return {
    inodes: image.readUInt32LE(4),
    time: image.readUInt32LE(8),
    blockSize: image.readUInt32LE(12),
    fragments: image.readUInt32LE(16),
    compressor: image.readUInt16LE(20),
    blockLog: image.readUInt16LE(22),
    flags: image.readUInt16LE(24),
    ids: image.readUInt16LE(26),
    major: image.readUInt16LE(28),
    minor: image.readUInt16LE(30),
    root: u64(image, 32),
    size: u64(image, 40),
    idTable: u64(image, 48),
    xattrTable: u64(image, 56),
    inodeTable: u64(image, 64),
    directoryTable: u64(image, 72),
    fragmentTable: u64(image, 80),
    exportTable: u64(image, 88),
  };
}

/**
 * The content of a frame. Throws for frames that are right but not for the kernel: a window larger than a block, or a last block
 * without content, which it does not get to when it lies in the next page.
 */
function unpack(frame: Buffer): Buffer {
  const content = Buffer.from(decompress(frame));
  const descriptor = frame[4]!;
  if ((descriptor & 0x3f) !== 0x20) throw new Error('a frame is not a single segment');
  const [size, header] = [
    [frame[5]!, 6],
    [frame.readUInt16LE(5) + 256, 7],
    [frame.readUInt32LE(5), 9],
  ][descriptor >> 6]!;
  if (size !== content.length || size > 131072) throw new Error('a frame has a wrong size');
  for (let at = header!, last = false; !last;) {
    const block = frame.readUIntLE(at, 3);
    last = (block & 1) === 1;
    if (block >> 3 === 0) throw new Error('a frame has an empty block');
    at += 3 + ((block & 6) === 2 ? 1 : block >> 3);
    if (last && at !== frame.length) throw new Error('something is behind a frame');
  }
  return content;
}

function readData(image: Buffer, position: number, size: number): Buffer {
  const bytes = image.subarray(position, position + (size & 0xffffff));
  return (size & 0x1000000) !== 0 ? bytes : unpack(bytes);
}

function readMetadataBlock(image: Buffer, position: number): { content: Buffer; next: number } {
  const header = image.readUInt16LE(position);
  const next = position + 2 + (header & 0x7fff);
  const bytes = image.subarray(position + 2, next);
  return { content: (header & 0x8000) !== 0 ? bytes : unpack(bytes), next };
}

/** The metadata blocks between two positions of the image as one piece. */
class Table {
  private readonly starts = new Map<number, number>();
  private readonly content: Buffer;

  public constructor(image: Buffer, start: number, end: number) {
    const parts: Buffer[] = [];
    let length = 0;
    for (let at = start; at < end;) {
      const { content, next } = readMetadataBlock(image, at);
      if (length % 8192 !== 0) throw new Error('a metadata block before the last one is not full');
      this.starts.set(at - start, length);
      parts.push(content);
      length += content.length;
      at = next;
    }
    this.starts.set(end - start, length);
    this.content = Buffer.concat(parts);
  }

  public place(block: number, offset: number): number {
    const start = this.starts.get(block);
    if (start === undefined) throw new Error('a reference does not point to a metadata block');
    return start + offset;
  }

  public read(block: number, offset: number, length = Infinity): Buffer {
    const at = this.place(block, offset);
    if (length !== Infinity && at + length > this.content.length) throw new Error('a table ends early');
    return this.content.subarray(at, at + length);
  }
}

/** Rows of a table behind an index of block positions. */
function readRows(image: Buffer, index: number, count: number, size: number): Buffer[] {
  const perBlock = 8192 / size;
  return Array.from({ length: count }, (_, row) => {
    const { content } = readMetadataBlock(image, u64(image, index + 8 * Math.floor(row / perBlock)));
    const at = (row % perBlock) * size;
    return content.subarray(at, at + size);
  });
}

function readXattrs(image: Buffer, index: number): Record<string, string>[] {
  const rows = readRows(image, index + 16, image.readUInt32LE(index + 8), 16);
  const table = new Table(image, u64(image, index), u64(image, index + 16));
  return rows.map((row) => {
    const set: Record<string, string> = {};
    const bytes = table.read(Math.floor(u64(row, 0) / 65536), u64(row, 0) % 65536);
    let [at, size] = [0, 0];
    for (let count = row.readUInt32LE(8); count > 0; count -= 1) {
      const nameEnd = at + 4 + bytes.readUInt16LE(at + 2);
      const name = PREFIXES[bytes.readUInt16LE(at)]! + bytes.toString('latin1', at + 4, nameEnd);
      const valueEnd = nameEnd + 4 + bytes.readUInt32LE(nameEnd);
      if (name in set) throw new Error('an xattr is there twice');
      set[name] = bytes.toString('latin1', nameEnd + 4, valueEnd);
      size += name.length + 1 + set[name].length;
      at = valueEnd;
    }
    if (row.readUInt32LE(12) !== size) throw new Error('the size of a set of xattrs is wrong');
    return set;
  });
}

interface RawInode extends Omit<ImageEntry, 'xattrs' | 'index'> {
  readonly xattr: number;
  readonly block?: number;
  readonly offset?: number;
  readonly indexBytes?: readonly { offset: number; block: number; name: string }[];
}

function readInode(inodes: Table, block: number, offset: number): RawInode {
  const bytes = inodes.read(block, offset);
  const stored = bytes.readUInt16LE(0);
  const extended = stored > 7;
  const head = {
    type: extended ? stored - 7 : stored,
    extended,
    mode: bytes.readUInt16LE(2),
    uid: bytes.readUInt16LE(4),
    gid: bytes.readUInt16LE(6),
    mtime: bytes.readUInt32LE(8),
    inode: bytes.readUInt32LE(12),
  };
  return { ...head, ...readBody(bytes.subarray(16), head.type, extended) };
}

type Body = Omit<RawInode, 'type' | 'extended' | 'mode' | 'uid' | 'gid' | 'mtime' | 'inode'>;

function readBody(body: Buffer, type: number, extended: boolean): Body {
  const u16 = (at: number): number => body.readUInt16LE(at);
  const u32 = (at: number): number => body.readUInt32LE(at);
  switch (type) {
    case 1: {
      if (!extended)
        return { block: u32(0), links: u32(4), size: u16(8), offset: u16(10), parent: u32(12), xattr: NONE };
      const indexBytes = [];
      for (let [left, at] = [u16(16), 24]; left > 0; left -= 1) {
        const end = at + 12 + u32(at + 8) + 1;
        indexBytes.push({ offset: u32(at), block: u32(at + 4), name: bytesToName(body.subarray(at + 12, end)) });
        at = end;
      }
      const place = { block: u32(8), offset: u16(18) };
      return { ...place, links: u32(0), size: u32(4), parent: u32(12), xattr: u32(20), indexBytes };
    }
    case 2: {
      const file = extended
        ? { start: u64(body, 0), size: u64(body, 8), sparse: u64(body, 16), links: u32(24), xattr: u32(36) }
        : { start: u32(0), size: u32(12), sparse: 0, links: 1, xattr: NONE };
      const fragment = extended ? ([u32(28), u32(32)] as const) : ([u32(4), u32(8)] as const);
      const count = fragment[0] === NONE ? Math.ceil(file.size / 131072) : Math.floor(file.size / 131072);
      const blocks = Array.from({ length: count }, (_, number) => u32((extended ? 40 : 16) + 4 * number));
      return { ...file, fragment, blocks };
    }
    case 3: {
      const end = 8 + u32(4);
      return { links: u32(0), target: bytesToName(body.subarray(8, end)), xattr: extended ? u32(end) : NONE };
    }
    case 4:
    case 5:
      return { links: u32(0), device: u32(4), xattr: extended ? u32(8) : NONE };
    case 6:
      return { links: u32(0), xattr: extended ? u32(4) : NONE };
    default:
      throw new Error(`unknown inode type ${String(type)}`);
  }
}

function readContent(image: Buffer, file: RawInode, fragments: readonly Buffer[]): Buffer {
  let position = file.start!;
  const parts = file.blocks!.map((size, number) => {
    const length = Math.min(131072, file.size! - 131072 * number);
    if (size === 0) return Buffer.alloc(length);
    const block = readData(image, position, size);
    if (block.length !== length) throw new Error('a data block has a wrong length');
    position += size & 0xffffff;
    return block;
  });
  const [fragment, offset] = file.fragment!;
  if (fragment !== NONE) {
    const end = fragments[fragment]!.subarray(offset, offset + (file.size! % 131072));
    if (end.length !== file.size! % 131072) throw new Error('a fragment is too short');
    parts.push(end);
  }
  return Buffer.concat(parts);
}

interface Child {
  readonly name: string;
  readonly block: number;
  readonly offset: number;
  readonly type: number;
  readonly number: number;
}

function readListing(listing: Buffer): { children: Child[]; headers: Map<number, string> } {
  const children: Child[] = [];
  const headers = new Map<number, string>();
  let last: Buffer = Buffer.alloc(0);
  for (let at = 0; at < listing.length;) {
    const [count, block, number] = [
      listing.readUInt32LE(at) + 1,
      listing.readUInt32LE(at + 4),
      listing.readUInt32LE(at + 8),
    ];
    if (count > 256) throw new Error('too many entries under one header');
    const header = at;
    at += 12;
    for (let left = count; left > 0; left -= 1) {
      const end = at + 8 + listing.readUInt16LE(at + 6) + 1;
      const bytes = listing.subarray(at + 8, end);
      if (Buffer.compare(last, bytes) >= 0) throw new Error('a listing is not sorted');
      last = bytes;
      const name = bytesToName(bytes);
      if (left === count) headers.set(header, name);
      children.push({
        name,
        block,
        offset: listing.readUInt16LE(at),
        type: listing.readUInt16LE(at + 4),
        number: number + listing.readInt16LE(at + 2),
      });
      at = end;
    }
  }
  return { children, headers };
}
