import type { BlockDecoder } from './block-decoder';
import { damaged } from './damage';
import { METADATA_SIZE, STORED_METADATA } from './format';
import type { ImageFile } from './image-file';
import type { MetadataPosition } from './metadata';

/** Blocks kept of one table, 8 KiB each: what stands together is mostly read together. */
const KEPT = 256;
const HEADER_SIZE = 2;

interface Block {
  readonly content: Buffer;
  /** Where the next one begins in the image. */
  readonly next: number;
}

/** Reads one table of metadata blocks, a block when it is needed. */
export class MetadataReader {
  private readonly kept = new Map<number, Block>();

  /**
   * @param start where the table begins in the image
   * @param end where something else begins
   */
  public constructor(
    private readonly image: ImageFile,
    private readonly decoder: BlockDecoder,
    private readonly start: number,
    private readonly end: number,
  ) {}

  /** Reads from a place of the table on. */
  public at({ block, offset }: MetadataPosition): MetadataCursor {
    return new MetadataCursor(this, this.start + block, offset);
  }

  /** @param position in the image */
  public async block(position: number): Promise<Block> {
    const kept = this.kept.get(position);
    if (kept !== undefined) return kept;
    if (position + HEADER_SIZE > this.end) throw damaged('has a table that ends early');
    const header = (await this.image.read(position, HEADER_SIZE)).readUInt16LE(0);
    const size = header & ~STORED_METADATA;
    const next = position + HEADER_SIZE + size;
    if (size === 0 || size > METADATA_SIZE || next > this.end) throw damaged('has a metadata block of a wrong size');
    const stored = await this.image.read(position + HEADER_SIZE, size);
    const content = (header & STORED_METADATA) !== 0 ? stored : await this.decoder.content(stored, METADATA_SIZE);
    if (content.length === 0) throw damaged('has an empty metadata block');
    const oldest = this.kept.size < KEPT ? undefined : this.kept.keys().next().value;
    if (oldest !== undefined) this.kept.delete(oldest);
    const block = { content, next };
    this.kept.set(position, block);
    return block;
  }
}

/** Reads a table from front to back. */
export class MetadataCursor {
  public constructor(
    private readonly table: MetadataReader,
    private position: number,
    private offset: number,
  ) {}

  /**
   * The next bytes.
   * @param length at most a few blocks: it is held in memory
   */
  public async read(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = length; left > 0;) {
      const { content, next } = await this.table.block(this.position);
      if (this.offset > content.length) throw damaged('points behind the end of a metadata block');
      const part = content.subarray(this.offset, this.offset + left);
      left -= part.length;
      this.offset += part.length;
      parts.push(part);
      if (this.offset < content.length) continue;
      this.position = next;
      this.offset = 0;
    }
    const [first] = parts;
    return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
  }
}

/** Rows of one size, found by their numbers through an index of block positions. */
export class LookupTable {
  /** The part of the index looked at last: most tables have one block, and rows are used in runs. */
  private last: { readonly place: number; readonly block: number } = { place: -1, block: 0 };

  /**
   * @param blocks reads metadata blocks anywhere in the image
   * @param index where the positions of the blocks are in the image
   */
  public constructor(
    private readonly image: ImageFile,
    private readonly blocks: MetadataReader,
    private readonly index: number,
    private readonly count: number,
    private readonly rowSize: number,
  ) {}

  public async row(number: number): Promise<Buffer> {
    if (number >= this.count) throw damaged('points to a row that a table does not have');
    const at = number * this.rowSize;
    const place = this.index + 8 * Math.floor(at / METADATA_SIZE);
    if (this.last.place !== place) this.last = { place, block: readPosition(await this.image.read(place, 8), 0) };
    return this.blocks.at({ block: this.last.block, offset: at % METADATA_SIZE }).read(this.rowSize);
  }
}

/** A position of 64 bits. */
export function readPosition(bytes: Buffer, at: number): number {
  const position = bytes.readBigUInt64LE(at);
  if (position > Number.MAX_SAFE_INTEGER) throw damaged('has a number out of range');
  return Number(position);
}

/** The reverse of `packPosition`. */
export function unpackPosition(packed: number): MetadataPosition {
  return { block: Math.floor(packed / 2 ** 16), offset: packed % 2 ** 16 };
}
