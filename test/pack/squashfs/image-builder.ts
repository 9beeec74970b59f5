import { nameToBytes } from '../../../lib/core';

/** Builds small images byte by byte, nothing compressed: what is under test must not make its own input. */

export const BLOCK = 4096;
export const NONE = 0xffffffff;
const ABSENT = 0xffff_ffff_ffff_ffffn;

/** Little-endian numbers of the given widths in bytes, one behind the other. */
export function fields(...values: readonly (readonly [width: 2 | 4 | 8, value: number | bigint])[]): Buffer {
  return Buffer.concat(
    values.map(([width, value]) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
      return bytes.subarray(0, width);
    }),
  );
}

interface Head {
  readonly number: number;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
}

/** An inode: its type and metadata, then what depends on the type. */
export function inode(type: number, head: Head, body: Buffer): Buffer {
  const { mode = 0o755, uid = 0, gid = 0, mtime = 7, number } = head;
  return Buffer.concat([fields([2, type], [2, mode], [2, uid], [2, gid], [4, mtime], [4, number]), body]);
}

/** A directory whose listing of `size` bytes begins at `offset`. */
export function directory(head: Head, offset: number, size: number): Buffer {
  return inode(1, head, fields([4, 0], [4, 2], [2, size + 3], [2, offset], [4, 1]));
}

interface FileBody {
  readonly size: number | bigint;
  readonly start?: number | bigint;
  readonly blocks?: readonly number[];
  readonly fragment?: number;
  readonly offset?: number;
  readonly xattrs?: number;
}

/** An extended file. */
export function file(head: Head, body: FileBody): Buffer {
  const { size, start = 96, blocks = [], fragment = NONE, offset = 0, xattrs = NONE } = body;
  const sizes = fields(...blocks.map((block): [4, number] => [4, block]));
  const rest = fields([8, start], [8, size], [8, 0], [4, 1], [4, fragment], [4, offset], [4, xattrs]);
  return inode(9, head, Buffer.concat([rest, sizes]));
}

export function symlink(head: Head, target: string, length = target.length): Buffer {
  return inode(3, head, Buffer.concat([fields([4, 1], [4, length]), Buffer.from(target)]));
}

/** A device, fifo or socket: type 4 to 7. */
export function special(type: 4 | 5 | 6 | 7, head: Head, device = 0): Buffer {
  return inode(type, head, type < 6 ? fields([4, 1], [4, device]) : fields([4, 1]));
}

export interface Name {
  readonly name: string;
  readonly type: number;
  readonly number: number;
  /** Of the inode in its table. */
  readonly offset: number;
}

/** A listing under one header. */
export function listing(...names: readonly Name[]): Buffer {
  return Buffer.concat([
    fields([4, names.length - 1], [4, 0], [4, 0]),
    ...names.map(({ name, type, number, offset }) => {
      const bytes = nameToBytes(name);
      return Buffer.concat([fields([2, offset], [2, number], [2, type], [2, bytes.length - 1]), bytes]);
    }),
  ]);
}

/** Metadata blocks that are stored as they are. */
export function metadata(content: Buffer, header?: number): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at < Math.max(content.length, 1); at += 8192) {
    const block = content.subarray(at, at + 8192);
    blocks.push(fields([2, header ?? block.length | 0x8000]), block);
  }
  return Buffer.concat(blocks);
}

export interface ImageParts {
  /** What stands behind the superblock. */
  readonly data?: Buffer;
  readonly inodes: Buffer;
  /** Where the root's inode is in it. */
  readonly root: number;
  readonly listings: Buffer;
  readonly fragments?: readonly { readonly start: number; readonly size: number }[];
  readonly ids?: readonly number[];
  /** Sets of extended attributes as they are encoded, with how many each has. */
  readonly xattrs?: readonly { readonly count: number; readonly encoded: Buffer }[];
  /** Bytes put over the superblock at an offset. */
  readonly patch?: Readonly<Record<number, Buffer>>;
  /** In place of the right header of the inode table's metadata block. */
  readonly inodeHeader?: number;
}

export function buildImage(parts: ImageParts): Buffer {
  const { data = Buffer.alloc(0), fragments = [], ids = [0], xattrs = [] } = parts;
  const pieces = [Buffer.alloc(96), data];
  const position = (): number => pieces.reduce((sum, piece) => sum + piece.length, 0);
  const add = (...more: readonly Buffer[]): number => {
    const at = position();
    pieces.push(...more);
    return at;
  };
  const lookup = (rows: Buffer): number => add(fields([8, add(metadata(rows))]));
  const inodeTable = add(metadata(parts.inodes, parts.inodeHeader));
  const directoryTable = add(metadata(parts.listings));
  const fragmentTable = lookup(
    Buffer.concat([
      Buffer.alloc(1),
      ...fragments.map(({ start, size }) => fields([8, start], [4, size], [4, 0])),
    ]).subarray(fragments.length > 0 ? 1 : 0),
  );
  const idTable = lookup(fields(...ids.map((id): [4, number] => [4, id])));
  let xattrTable: number | bigint = ABSENT;
  if (xattrs.length > 0) {
    let at = 0;
    const rows = xattrs.map(({ count, encoded }) => {
      const row = fields([8, at], [4, count], [4, 0]);
      at += encoded.length;
      return row;
    });
    const values = add(metadata(Buffer.concat(xattrs.map(({ encoded }) => encoded))));
    const block = add(metadata(Buffer.concat(rows)));
    xattrTable = add(fields([8, values], [4, xattrs.length], [4, 0], [8, block]));
  }
  const superblock = fields(
    [4, 0x73717368],
    [4, 100],
    [4, 0],
    [4, BLOCK],
    [4, fragments.length],
    [2, 1],
    [2, 12],
    [2, 0],
    [2, ids.length],
    [2, 4],
    [2, 0],
    [8, parts.root],
    [8, position()],
    [8, idTable],
    [8, xattrTable],
    [8, inodeTable],
    [8, directoryTable],
    [8, fragmentTable],
    [8, ABSENT],
  );
  for (const [at, bytes] of Object.entries(parts.patch ?? {})) bytes.copy(superblock, Number(at));
  const image = Buffer.concat(pieces);
  superblock.copy(image);
  return image;
}

/** One encoded attribute; `prefix` is 0 for user, 1 for trusted, 2 for security, with 0x100 for a value that stands elsewhere. */
export function xattr(prefix: number, name: string, value: Buffer | string, size?: number): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([
    fields([2, prefix], [2, name.length]),
    Buffer.from(name),
    fields([4, size ?? bytes.length]),
    bytes,
  ]);
}
