/**
 * A stream that is read in parts, as a blob that passes from one registry to another in chunks is: a part that begins where
 * the one before has ended goes on in the same stream, so that what lies before is not transferred again.
 */
export class PassingStream {
  private pieces: AsyncIterator<Buffer> | undefined;
  private piece: Buffer = Buffer.alloc(0);
  /** Where that piece begins. */
  private at = 0;

  /** @param open its bytes from the start on */
  public constructor(private readonly open: () => AsyncIterable<Buffer>) {}

  /**
   * The bytes from an offset on. Whoever reads them may stop anywhere; there is one reader at a time.
   * @throws what the stream throws
   */
  public async *from(offset: number): AsyncGenerator<Buffer> {
    const pieces = await this.reach(offset);
    for (;;) {
      const rest = this.piece.subarray(Math.max(0, offset - this.at));
      if (rest.length > 0) yield rest;
      this.at += this.piece.length;
      this.piece = Buffer.alloc(0);
      const next = await pieces.next();
      if (next.done === true) return;
      this.piece = next.value;
    }
  }

  /** The stream, at its current piece or a new one when that is already behind the offset. */
  private async reach(offset: number): Promise<AsyncIterator<Buffer>> {
    if (this.pieces !== undefined && offset >= this.at) return this.pieces;
    await this.pieces?.return?.();
    this.piece = Buffer.alloc(0);
    this.at = 0;
    return (this.pieces = this.open()[Symbol.asyncIterator]());
  }
}
