const EMPTY = Buffer.alloc(0);

/** Reads exact numbers of bytes from a stream of chunks. */
export class ByteReader {
  private readonly chunks: AsyncIterator<Buffer>;
  private head: Buffer = EMPTY;

  public constructor(source: AsyncIterable<Buffer>) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  /** The next `length` bytes; fewer only where the stream ends. */
  public async read(length: number): Promise<Buffer> {
    const bytes = await this.peek(length);
    this.head = this.head.subarray(bytes.length);
    return bytes;
  }

  /** Like {@link read}, and leaves them to be read again. */
  public async peek(length: number): Promise<Buffer> {
    if (this.head.length < length) await this.gather(length);
    return this.head.subarray(0, length);
  }

  /** Passes over `length` bytes. @returns false when the stream ends before that */
  public async skip(length: number): Promise<boolean> {
    let left = length - this.head.length;
    this.head = this.head.subarray(length);
    while (left > 0) {
      const next = await this.chunks.next();
      if (next.done === true) return false;
      this.head = next.value.subarray(left);
      left -= next.value.length;
    }
    return true;
  }

  /** Everything not read yet, chunk by chunk. */
  public async *rest(): AsyncGenerator<Buffer> {
    if (this.head.length > 0) yield this.head;
    this.head = EMPTY;
    for (let next = await this.chunks.next(); next.done !== true; next = await this.chunks.next()) yield next.value;
  }

  /** Says that no more is wanted, so that the source can be closed. */
  public async close(): Promise<void> {
    await this.chunks.return?.();
  }

  private async gather(length: number): Promise<void> {
    const parts = [this.head];
    let gathered = this.head.length;
    while (gathered < length) {
      const next = await this.chunks.next();
      if (next.done === true) break;
      parts.push(next.value);
      gathered += next.value.length;
    }
    this.head = Buffer.concat(parts);
  }
}
