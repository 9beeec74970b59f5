import * as fs from 'node:fs/promises';
import { readFully, Writeback, writeFully } from '../file-io';

const BUFFER_SIZE = 1024 * 1024;

/** A new file that is written from front to back in large pieces, and can take back its end. Errors are the system's own. */
export class OutputFile {
  private handle: fs.FileHandle | undefined;
  private readonly buffer = Buffer.allocUnsafeSlow(BUFFER_SIZE);
  private buffered = 0;
  private flushed = 0;
  private readonly writeback = new Writeback();

  /** @param file the file to create, when the first bytes are written */
  public constructor(private readonly file: string) {}

  /** Where the next byte goes. */
  public get position(): number {
    return this.flushed + this.buffered;
  }

  /** Adds bytes to the end. */
  public async append(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const copied = bytes.copy(this.buffer, this.buffered, at);
      this.buffered += copied;
      at += copied;
      if (this.buffered === BUFFER_SIZE) await this.flush();
    }
  }

  /** Takes back everything from `position` on. */
  public rewind(position: number): void {
    this.buffered = Math.max(0, position - this.flushed);
    this.flushed = Math.min(this.flushed, position);
  }

  /** Whether two stretches of what was appended hold the same bytes. */
  public async equal(one: number, other: number, length: number): Promise<boolean> {
    const handle = await this.flush();
    const [a, b] = [Buffer.allocUnsafe(BUFFER_SIZE), Buffer.allocUnsafe(BUFFER_SIZE)];
    for (let at = 0; at < length; at += BUFFER_SIZE) {
      const size = Math.min(BUFFER_SIZE, length - at);
      await readFully(handle, a.subarray(0, size), one + at);
      await readFully(handle, b.subarray(0, size), other + at);
      if (a.compare(b, 0, size, 0, size) !== 0) return false;
    }
    return true;
  }

  /** Writes `head` over the beginning, cuts off what was taken back, and gives the file to go on with. */
  public async complete(head: Buffer): Promise<fs.FileHandle> {
    const handle = await this.flush();
    await this.writeback.settle();
    await writeFully(handle, head, 0);
    await handle.truncate(this.position);
    return handle;
  }

  /** Closes the file if it is open. */
  public async close(): Promise<void> {
    const handle = this.handle;
    this.handle = undefined;
    await handle?.close();
  }

  private async flush(): Promise<fs.FileHandle> {
    this.handle ??= await fs.open(this.file, 'wx+', 0o644);
    await writeFully(this.handle, this.buffer.subarray(0, this.buffered), this.flushed);
    this.flushed += this.buffered;
    this.writeback.wrote(this.handle, this.buffered);
    this.buffered = 0;
    return this.handle;
  }
}
