import { compareNames, nameToBytes, StackError } from '../../core';
import type { Xattr } from '../entry';
import type { FrameCompressor } from '../zstd';
import { NONE } from './format';
import { encodeIndex, MetadataWriter, packPosition } from './metadata';
import type { OutputFile } from './output';

/** Prefixes are stored as numbers, and there are no others (Linux, fs/squashfs/xattr.c). */
export const PREFIXES: ReadonlyMap<string, number> = new Map([
  ['user.', 0],
  ['trusted.', 1],
  ['security.', 2],
]);
/** Linux, XATTR_NAME_MAX and XATTR_SIZE_MAX. */
export const MAX_NAME = 255;
export const MAX_VALUE = 65536;

interface XattrSet {
  readonly place: number;
  readonly count: number;
  /** Full names with a NUL each, and values: what listing them takes. */
  readonly size: number;
  readonly encoded: Buffer;
}

/** Extended attributes of an image; inodes with the same ones share them. */
export class XattrTable {
  private readonly sets = new Map<string, XattrSet>();

  /**
   * The place of a set of extended attributes, NONE for an empty one.
   * @param path whose they are, for errors
   * @throws StackError STACK4004 for an attribute squashfs cannot store
   */
  public place(path: string, xattrs: readonly Xattr[]): number {
    if (xattrs.length === 0) return NONE;
    const sorted = [...xattrs].sort((a, b) => compareNames(a.name, b.name));
    const encoded = Buffer.concat(sorted.map((xattr) => encodeXattr(path, xattr)));
    const key = encoded.toString('latin1');
    const known = this.sets.get(key);
    if (known !== undefined) return known.place;
    const size = sorted.reduce((sum, { name, value }) => sum + nameToBytes(name).length + 1 + value.length, 0);
    const set = { place: this.sets.size, count: sorted.length, size, encoded };
    this.sets.set(key, set);
    return set.place;
  }

  /**
   * Appends the table to the image.
   * @returns its position; undefined when there is not one extended attribute
   */
  public async write(output: OutputFile, compress: FrameCompressor): Promise<number | undefined> {
    if (this.sets.size === 0) return undefined;
    const values = new MetadataWriter(compress);
    const rows = new MetadataWriter(compress);
    for (const { count, size, encoded } of this.sets.values()) {
      const row = Buffer.alloc(16);
      row.writeBigUInt64LE(BigInt(packPosition(values.position)));
      row.writeUInt32LE(count, 8);
      row.writeUInt32LE(size, 12);
      await rows.write(row);
      await values.write(encoded);
    }
    const header = Buffer.alloc(16);
    header.writeBigUInt64LE(BigInt(output.position));
    header.writeUInt32LE(this.sets.size, 8);
    await values.finish(output);
    const positions = await rows.finish(output);
    const { position } = output;
    await output.append(Buffer.concat([header, encodeIndex(positions)]));
    return position;
  }
}

function encodeXattr(path: string, { name, value }: Xattr): Buffer {
  const dot = name.indexOf('.') + 1;
  const prefix = PREFIXES.get(name.slice(0, dot));
  if (prefix === undefined) {
    throw new StackError('STACK4004', `squashfs cannot store the extended attribute '${name}' of '${path}'`, {
      hint: `it stores those that begin with ${[...PREFIXES.keys()].join(', ')}; remove this one, or choose the tar format for this layer`,
    });
  }
  const bytes = nameToBytes(name);
  if (bytes.length === dot || bytes.length > MAX_NAME || value.length > MAX_VALUE) {
    throw new StackError(
      'STACK4004',
      `the extended attribute '${name}' of '${path}' has a name or value of a size Linux does not allow`,
      {
        hint: `names have up to ${String(MAX_NAME)} bytes, values up to ${String(MAX_VALUE)}`,
      },
    );
  }
  const head = Buffer.alloc(4);
  head.writeUInt16LE(prefix);
  head.writeUInt16LE(bytes.length - dot, 2);
  const valueSize = Buffer.alloc(4);
  valueSize.writeUInt32LE(value.length);
  return Buffer.concat([head, bytes.subarray(dot), valueSize, value]);
}
