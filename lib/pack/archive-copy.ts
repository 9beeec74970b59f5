import { promises as fs } from 'node:fs';
import { writeFully } from './file-io';

const BUFFER_SIZE = 64 * 1024;

/** The file that the contents of an archive's tree are slices of, written from front to back. Errors are the system's own. */
export class ArchiveCopy {
  /** @param file to create; must not exist */
  public static async create(file: string): Promise<ArchiveCopy> {
    return new ArchiveCopy(await fs.open(file, 'wx', 0o600));
  }

  /** Bytes that are not written yet: small pieces are gathered. */
  private readonly buffer = Buffer.allocUnsafeSlow(BUFFER_SIZE);
  private buffered = 0;
  private written = 0;

  private constructor(private readonly handle: fs.FileHandle) {}

  /** Where the next byte goes. */
  public get position(): number {
    return this.written + this.buffered;
  }

  /** Adds bytes to the end. */
  public async write(piece: Buffer): Promise<void> {
    if (this.buffered + piece.length > BUFFER_SIZE) await this.flush();
    if (piece.length <= BUFFER_SIZE) {
      this.buffered += piece.copy(this.buffer, this.buffered);
      return;
    }
    await writeFully(this.handle, piece, this.written);
    this.written += piece.length;
  }

  /** Writes what is left. */
  public async finish(): Promise<void> {
    await this.flush();
  }

  public async close(): Promise<void> {
    await this.handle.close();
  }

  private async flush(): Promise<void> {
    await writeFully(this.handle, this.buffer.subarray(0, this.buffered), this.written);
    this.written += this.buffered;
    this.buffered = 0;
  }
}
