import { promises as fs } from 'node:fs';
import { readFully } from '../file-io';
import { damaged } from './damage';

/** The bytes of an image, within its bounds. */
export class ImageFile {
  public static async open(file: string): Promise<ImageFile> {
    const handle = await fs.open(file, 'r');
    try {
      return new ImageFile(handle, (await handle.stat()).size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  private constructor(
    private readonly handle: fs.FileHandle,
    private end: number,
  ) {}

  /** Bytes that can be read. */
  public get size(): number {
    return this.end;
  }

  /** Says that what follows, such as a verity area, is not part of the image. */
  public limit(size: number): void {
    if (size > this.end) throw damaged('is truncated');
    this.end = size;
  }

  /** @throws StackError STACK4001 when that is not all in the image */
  public async read(position: number, length: number): Promise<Buffer> {
    if (position + length > this.end) throw damaged('points to a place behind its end');
    const bytes = Buffer.allocUnsafe(length);
    await readFully(this.handle, bytes, position);
    return bytes;
  }

  public async close(): Promise<void> {
    await this.handle.close();
  }
}
