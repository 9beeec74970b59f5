import type { FrameCompressor } from '../zstd';
import { METADATA_SIZE, STORED_METADATA } from './format';
import type { OutputFile } from './output';

/** A place in a table: where its block begins, counted in stored bytes from the table's beginning, and where in that block. */
export interface MetadataPosition {
  readonly block: number;
  readonly offset: number;
}

/** A place as one number of 48 bits, as the superblock and the xattr table have it. */
export function packPosition(position: MetadataPosition): number {
  return position.block * 2 ** 16 + position.offset;
}

/** One table, cut into metadata blocks. They stay in memory: a table refers to places in another one that is not complete yet. */
export class MetadataWriter {
  private readonly block = Buffer.allocUnsafe(METADATA_SIZE);
  private readonly stored: Buffer[] = [];
  private storedSize = 0;
  private length = 0;

  public constructor(private readonly compress: FrameCompressor) {}

  /** Where the next byte goes. */
  public get position(): MetadataPosition {
    return { block: this.storedSize, offset: this.length };
  }

  public async write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const copied = bytes.copy(this.block, this.length, at);
      at += copied;
      this.length += copied;
      if (this.length === METADATA_SIZE) await this.store();
    }
  }

  /**
   * Ends the table and appends it to the image.
   * @returns the positions of its blocks in the image
   */
  public async finish(output: OutputFile): Promise<number[]> {
    if (this.length > 0) await this.store();
    const positions: number[] = [];
    for (const block of this.stored) {
      positions.push(output.position);
      await output.append(block);
    }
    return positions;
  }

  private async store(): Promise<void> {
    const content = this.block.subarray(0, this.length);
    const block = encodeMetadataBlock(content, await this.compress(content));
    this.stored.push(block);
    this.storedSize += block.length;
    this.length = 0;
  }
}

/** A metadata block: its size, then the frame, or the content where that is shorter. */
function encodeMetadataBlock(content: Buffer, frame: Buffer): Buffer {
  const [bytes, flag] = frame.length < content.length ? [frame, 0] : [content, STORED_METADATA];
  const header = Buffer.alloc(2);
  header.writeUInt16LE(bytes.length | flag);
  return Buffer.concat([header, bytes]);
}

/** The positions of a table's blocks, 8 bytes each: the index that the superblock points to. */
export function encodeIndex(positions: readonly number[]): Buffer {
  const index = Buffer.alloc(8 * positions.length);
  positions.forEach((position, number) => index.writeBigUInt64LE(BigInt(position), 8 * number));
  return index;
}
