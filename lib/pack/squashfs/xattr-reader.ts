import { bytesToName, StackError } from '../../core';
import type { Xattr } from '../entry';
import { sortXattrs } from '../xattrs';
import type { BlockDecoder } from './block-decoder';
import { damaged } from './damage';
import { NONE } from './format';
import type { ImageFile } from './image-file';
import { LookupTable, MetadataReader, readPosition, unpackPosition, type MetadataCursor } from './metadata-reader';
import { MAX_NAME, MAX_VALUE, PREFIXES } from './xattrs';

/** In the type of an attribute: its value stands elsewhere, since others have it too. */
const ELSEWHERE = 0x100;
const ROW_SIZE = 16;
/** Bytes of all attributes of one inode: far above real ones, far below a memory bomb. */
const MAX_SET = 1024 * 1024;

/** The prefixes by their numbers. */
const PREFIX_OF: ReadonlyMap<number, string> = new Map([...PREFIXES].map(([prefix, number]) => [number, prefix]));

/** The extended attributes of an image. */
export class XattrReader {
  /** @param position of the table in the image */
  public static async open(
    image: ImageFile,
    decoder: BlockDecoder,
    blocks: MetadataReader,
    position: number,
  ): Promise<XattrReader> {
    const header = await image.read(position, 16);
    const rows = new LookupTable(image, blocks, position + 16, header.readUInt32LE(8), ROW_SIZE);
    return new XattrReader(rows, new MetadataReader(image, decoder, readPosition(header, 0), position));
  }

  /** The set asked for last: files of a kind stand together. */
  private last: { readonly number: number; readonly xattrs: readonly Xattr[] | undefined } = {
    number: NONE,
    xattrs: undefined,
  };

  private constructor(
    private readonly rows: LookupTable,
    private readonly values: MetadataReader,
  ) {}

  /** The attributes of an inode, by the number of their set. */
  public async read(number: number): Promise<readonly Xattr[] | undefined> {
    if (number !== this.last.number) this.last = { number, xattrs: await this.readSet(number) };
    return this.last.xattrs;
  }

  private async readSet(number: number): Promise<readonly Xattr[] | undefined> {
    const row = await this.rows.row(number);
    const cursor = this.values.at(unpackPosition(readPosition(row, 0)));
    const found = new Map<string, Buffer>();
    let size = 0;
    for (let left = row.readUInt32LE(8); left > 0; left -= 1) {
      const head = await cursor.read(4);
      const [type, length] = [head.readUInt16LE(0), head.readUInt16LE(2)];
      const prefix = PREFIX_OF.get(type & ~ELSEWHERE);
      if (prefix === undefined || length === 0 || prefix.length + length > MAX_NAME) {
        throw damaged('has an extended attribute of a wrong name');
      }
      const name = prefix + bytesToName(await cursor.read(length));
      const stored = await readValue(cursor);
      const value = (type & ELSEWHERE) === 0 ? stored : await this.readElsewhere(stored);
      if (found.has(name)) throw damaged(`has the extended attribute '${name}' twice in one place`);
      found.set(name, value);
      size += name.length + value.length;
      if (size <= MAX_SET) continue;
      throw new StackError(
        'STACK4003',
        `the filesystem image has a file with more than ${String(MAX_SET)} bytes of extended attributes`,
      );
    }
    return sortXattrs(found);
  }

  private async readElsewhere(reference: Buffer): Promise<Buffer> {
    if (reference.length !== 8) throw damaged('has an extended attribute that points nowhere');
    return readValue(this.values.at(unpackPosition(readPosition(reference, 0))));
  }
}

async function readValue(cursor: MetadataCursor): Promise<Buffer> {
  const size = (await cursor.read(4)).readUInt32LE(0);
  if (size > MAX_VALUE) throw damaged('has an extended attribute that is too long');
  return Buffer.from(await cursor.read(size)); // the block it is part of need not be kept for it
}
