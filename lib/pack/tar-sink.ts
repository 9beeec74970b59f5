import { createHash } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { syncFile } from '../core';
import { MEDIA_TYPE, type TarCompression } from '../oci';
import type { Compressor } from './compress';
import type { Entry } from './entry';
import { Writeback } from './file-io';
import type { PackedBlob, Sink } from './sink';
import { BLOCK, paddingOf } from './tar-format';
import { encodeTarHeader } from './tar-header';

/** Bytes of tar that become one compressed frame. Fixed: it decides the bytes of every blob. */
export const FRAME_SIZE = 4 * 1024 * 1024;

/** What fills a block, and the two blocks that end an archive. */
const ZEROS = Buffer.alloc(3 * BLOCK);

const MEDIA_TYPES: Readonly<Record<TarCompression, string>> = {
  none: MEDIA_TYPE.tar,
  gzip: MEDIA_TYPE.tarGzip,
  zstd: MEDIA_TYPE.tarZstd,
};

/**
 * Writes a layer tar. The tar is cut in frames of fixed size, each compressed on its own in the thread pool and
 * written in order, so the bytes do not depend on how many cores there are. Both digests are taken on the way.
 */
export class TarSink implements Sink {
  private readonly diffHash = createHash('sha256');
  private readonly blobHash = createHash('sha256');
  private readonly compressor: Compressor;
  private readonly inFlight: Promise<void>[] = [];
  private readonly spare: Buffer<ArrayBuffer>[] = [];
  private handle: fs.FileHandle | undefined;
  private frame = Buffer.allocUnsafe(FRAME_SIZE);
  private used = 0;
  private padding = 0;
  private size = 0;
  private written: Promise<void> = Promise.resolve();
  private readonly writeback = new Writeback();

  /**
   * @param file the file to create
   * @param compressor what turns frames into blob bytes
   * @param parallel how many frames may be in work at a time; bounds memory to this many times twice the frame size
   */
  public constructor(
    private readonly file: string,
    compressor: Compressor,
    private readonly parallel: number,
  ) {
    this.compressor = compressor;
  }

  public entry(entry: Entry): void | Promise<void> {
    const header = encodeTarHeader(entry);
    const padding = this.padding;
    this.padding = entry.type === 'file' ? paddingOf(entry.size) : 0;
    return this.push(padding === 0 ? header : Buffer.concat([ZEROS.subarray(0, padding), header]));
  }

  public data(chunk: Buffer): void | Promise<void> {
    return this.push(chunk);
  }

  public async finish(): Promise<PackedBlob> {
    await this.push(ZEROS.subarray(0, this.padding + 2 * BLOCK));
    if (this.used > 0) await this.flush();
    await Promise.all(this.inFlight);
    const tail = this.compressor.tail();
    const handle = await this.open();
    if (tail.length > 0) await this.write(handle, tail);
    await this.writeback.settle();
    await syncFile(handle);
    await handle.close();
    this.handle = undefined;
    return {
      digest: `sha256:${this.blobHash.digest('hex')}`,
      size: this.size,
      mediaType: MEDIA_TYPES[this.compressor.compression],
      diffId: `sha256:${this.diffHash.digest('hex')}`,
      annotations: {},
    };
  }

  public async abort(): Promise<void> {
    await Promise.allSettled(this.inFlight);
    await this.handle?.close();
    this.handle = undefined;
  }

  private push(bytes: Buffer): void | Promise<void> {
    if (this.used + bytes.length >= FRAME_SIZE) return this.pushAcrossFrames(bytes);
    this.used += bytes.copy(this.frame, this.used);
  }

  private async pushAcrossFrames(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const length = bytes.copy(this.frame, this.used, at);
      at += length;
      this.used += length;
      if (this.used === FRAME_SIZE) await this.flush();
    }
  }

  /** Sends the current frame to the thread pool and goes on with a spare one. */
  private async flush(): Promise<void> {
    const buffer = this.frame;
    const frame = buffer.subarray(0, this.used);
    this.diffHash.update(frame);
    const handle = await this.open();
    const before = this.written;
    const compressed = this.compressor.compress(frame);
    const done = (async () => {
      const result = await compressed;
      await before;
      await this.write(handle, result);
      this.spare.push(buffer);
    })();
    done.catch(() => undefined); // reported where it is awaited, below or in finish
    this.written = done;
    this.inFlight.push(done);
    if (this.inFlight.length >= this.parallel) await this.inFlight.shift();
    this.frame = this.spare.pop() ?? Buffer.allocUnsafe(FRAME_SIZE);
    this.used = 0;
  }

  private async write(handle: fs.FileHandle, bytes: Buffer): Promise<void> {
    this.blobHash.update(bytes);
    this.size += bytes.length;
    for (let at = 0; at < bytes.length;) {
      at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
    }
    this.writeback.wrote(handle, bytes.length);
  }

  private async open(): Promise<fs.FileHandle> {
    this.handle ??= await fs.open(this.file, 'wx', 0o644);
    return this.handle;
  }
}
