import { corrupt, Input } from './bits';
import { LiteralsReader } from './literals';
import { SequenceReader } from './sequences';
import { Window } from './window';

/** Most content of a block (RFC 8878, 3.1.1.2.4). */
const MAX_BLOCK = 128 * 1024;
/** Bytes before and behind a block that may be looked at, not used. */
const SLACK = 16;

const RAW = 0;
const RLE = 1;
const COMPRESSED = 2;

/** The header of a block (RFC 8878, 3.1.1.2). */
export interface BlockHeader {
  readonly last: boolean;
  readonly type: number;
  /** Of the content for one repeated byte, else of the bytes that follow. */
  readonly size: number;
}

/** Decodes the blocks of a stream, frame by frame. */
export class BlockDecoder {
  private readonly input = new Input(new Uint8Array(SLACK + MAX_BLOCK + SLACK));
  private readonly window = new Window();
  private readonly literalsBuffer = new Uint8Array(MAX_BLOCK);
  private literals = new LiteralsReader(this.literalsBuffer);
  private sequences = new SequenceReader();
  private blockSize = 0;

  /** @param windowSize how far back matches may reach, in bytes */
  public beginFrame(windowSize: number): void {
    this.blockSize = Math.min(windowSize, MAX_BLOCK);
    this.window.beginFrame(windowSize, this.blockSize);
    this.literals = new LiteralsReader(this.literalsBuffer.subarray(0, this.blockSize));
    this.sequences = new SequenceReader();
  }

  /** Takes a header, 3 bytes. @returns it, and how many bytes are the block */
  public readHeader(bytes: Buffer): BlockHeader & { readonly length: number } {
    const bits = bytes.readUIntLE(0, 3);
    const type = (bits >> 1) & 3;
    const size = bits >> 3;
    if (size > this.blockSize) throw corrupt('a block is too long');
    return { last: (bits & 1) !== 0, type, size, length: type === RLE ? 1 : size };
  }

  /** The content of a block. */
  public decode({ type, size }: BlockHeader, bytes: Buffer): Buffer {
    const { window } = this;
    window.beginBlock();
    if (type === RAW) window.append(bytes);
    else if (type === RLE) window.fill(bytes.readUInt8(0), size);
    else if (type === COMPRESSED) this.decompress(bytes);
    else throw corrupt('a block is of a reserved type');
    return window.endBlock();
  }

  private decompress(bytes: Buffer): void {
    const end = SLACK + bytes.length;
    this.input.bytes.set(bytes, SLACK);
    const literals = this.literals.read(this.input, SLACK, end);
    this.sequences.execute(this.input, literals.end, end, literals.value, this.window);
  }
}
