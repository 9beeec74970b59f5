import { zeros } from '../zeros';
import type { BlockDecoder } from './block-decoder';
import { damaged } from './damage';
import { NONE, STORED_DATA } from './format';
import type { ImageFile } from './image-file';
import type { FileInode } from './inode-reader';
import { readPosition, type LookupTable } from './metadata-reader';

/** Fragment blocks kept: small files that stand together mostly lie in the same one. */
const KEPT = 8;

/** Reads the contents of files. */
export class ContentStream {
  private readonly kept = new Map<number, Buffer>();

  public constructor(
    private readonly image: ImageFile,
    private readonly decoder: BlockDecoder,
    private readonly blockSize: number,
    private readonly fragments: LookupTable,
  ) {}

  /** The content of a file in pieces, exactly `size` bytes; holes are `zeros`. */
  public async *read({ size, start, blocks, fragment, offset }: FileInode): AsyncGenerator<Buffer> {
    const { blockSize } = this;
    let position = start;
    for (let left = size; left > 0; left -= blockSize) {
      const length = Math.min(left, blockSize);
      if (length < blockSize && fragment !== NONE) {
        yield await this.readEnd(fragment, offset, length);
        continue;
      }
      const stored = (await blocks.read(4)).readUInt32LE(0);
      if (stored === 0) {
        yield* zeros(length);
        continue;
      }
      const block = await this.readBlock(position, stored, length);
      if (block.length !== length) throw damaged('has a data block of a wrong length');
      position += stored & ~STORED_DATA;
      yield block;
    }
  }

  private async readEnd(number: number, offset: number, length: number): Promise<Buffer> {
    let block = this.kept.get(number);
    if (block === undefined) {
      const row = await this.fragments.row(number);
      block = await this.readBlock(readPosition(row, 0), row.readUInt32LE(8), this.blockSize);
      const oldest = this.kept.size < KEPT ? undefined : this.kept.keys().next().value;
      if (oldest !== undefined) this.kept.delete(oldest);
      this.kept.set(number, block);
    }
    if (offset + length > block.length) throw damaged('has a file whose end lies outside of its fragment');
    return block.subarray(offset, offset + length);
  }

  /** @param stored the size as inodes and fragments have it; @param most bytes of its content */
  private async readBlock(position: number, stored: number, most: number): Promise<Buffer> {
    const size = (stored & ~STORED_DATA) >>> 0; // bit operations give signed numbers
    if (size === 0 || size > this.blockSize) throw damaged('has a data block of a wrong size');
    const bytes = await this.image.read(position, size);
    if ((stored & STORED_DATA) === 0) return this.decoder.content(bytes, most);
    if (size > most) throw damaged('has a data block of a wrong length');
    return bytes;
  }
}
