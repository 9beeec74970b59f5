import { corrupt } from './bits';

/** Bytes of content that a window may gain before it is moved. */
const MIN_SLACK = 1024 * 1024;
const MAX_SLACK = 8 * 1024 * 1024;
/** Copies shorter than this are faster byte by byte than by a call. */
const SHORT = 32;

/** The content of a frame, as far back as matches may refer to it. Its memory is used again for the next frame. */
export class Window {
  private bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  private size = 0;
  private blockSize = 0;
  private end = 0;
  private blockStart = 0;

  /**
   * Begins a frame.
   * @param size how far back matches may reach, in bytes. Memory is taken as content comes.
   * @param blockSize most content of a block
   */
  public beginFrame(size: number, blockSize: number): void {
    this.size = size;
    this.blockSize = blockSize;
    this.end = 0;
  }

  /** Makes room for a block. */
  public beginBlock(): void {
    const capacity = this.size + Math.min(Math.max(this.size, MIN_SLACK), MAX_SLACK) + this.blockSize;
    const needed = this.end + this.blockSize;
    if (needed > this.bytes.length && this.bytes.length < capacity) this.grow(Math.min(capacity, 2 * needed));
    if (needed > this.bytes.length) this.slide();
    this.blockStart = this.end;
  }

  /** A copy of the content of the block. */
  public endBlock(): Buffer {
    return Buffer.from(this.bytes.slice(this.blockStart, this.end).buffer);
  }

  public append(content: Uint8Array): void {
    this.requireRoom(content.length);
    this.bytes.set(content, this.end);
    this.end += content.length;
  }

  public fill(byte: number, length: number): void {
    this.requireRoom(length);
    this.bytes.fill(byte, this.end, this.end + length);
    this.end += length;
  }

  /** Appends the bytes from `start` to `end` of the literals, then `length` bytes from `offset` bytes back. */
  public appendSequence(literals: Uint8Array, start: number, end: number, offset: number, length: number): void {
    const { bytes } = this;
    this.requireRoom(end - start + length);
    let at = this.end;
    if (end - start < SHORT) {
      for (let from = start; from < end; from++, at++) bytes[at] = literals[from] ?? 0;
    } else {
      bytes.set(literals.subarray(start, end), at);
      at += end - start;
    }
    let from = at - offset;
    if (from < 0 || offset > this.size) throw corrupt('a match reaches too far back');
    this.end = at + length;
    // What a match copies may be what it has just written: so runs are told.
    if (length < SHORT || offset < length) for (; at < this.end; at++, from++) bytes[at] = bytes[from] ?? 0;
    else bytes.copyWithin(at, from, from + length);
  }

  private requireRoom(length: number): void {
    if (this.end - this.blockStart + length > this.blockSize) throw corrupt('a block is too long');
  }

  private grow(length: number): void {
    const bytes = new Uint8Array(length);
    bytes.set(this.bytes.subarray(0, this.end));
    this.bytes = bytes;
  }

  private slide(): void {
    this.bytes.copyWithin(0, this.end - this.size, this.end);
    this.end = this.size;
  }
}
