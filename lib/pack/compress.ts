import * as zlib from 'node:zlib';
import type { TarCompression } from '../oci';
import { LIBZSTD_VERSION, zstdCompressor } from './zstd';

/** Turns the frames of one stream into the bytes of its blob. Frames are given in order; they may be compressed at the same time. */
export interface Compressor {
  readonly compression: TarCompression;
  compress(frame: Buffer): Promise<Buffer>;
  /** What ends the stream, after the last frame was given. */
  tail(): Buffer;
}

/** Default levels: what `zstd` and `gzip` themselves use. */
export const DEFAULT_LEVEL: Readonly<Record<TarCompression, number>> = { none: 0, gzip: 6, zstd: 3 };

/** Names everything but the content that the compressed bytes depend on. Nothing is loaded for it. */
export function compressionVersion(compression: TarCompression, level = DEFAULT_LEVEL[compression]): string {
  switch (compression) {
    case 'none':
      return 'none';
    case 'zstd':
      return `zstd-${LIBZSTD_VERSION}-l${String(level)}`;
    case 'gzip':
      return `gzip-zlib-${process.versions.zlib}-l${String(level)}`;
  }
}

/**
 * A new compressor for one blob.
 * @param level zstd 1 to 19, gzip 1 to 9; ignored for none
 * @throws StackError STACK4005 when the compression is not available
 */
export function createCompressor(compression: TarCompression, level = DEFAULT_LEVEL[compression]): Compressor {
  switch (compression) {
    case 'none':
      return { compression, compress: (frame) => Promise.resolve(frame), tail: () => Buffer.alloc(0) };
    case 'zstd':
      return {
        compression,
        compress: zstdCompressor(level),
        tail: () => Buffer.alloc(0),
      };
    case 'gzip':
      return new GzipCompressor(level);
  }
}

/** How much of the previous frame a deflate stream can refer to (RFC 1951). */
const DEFLATE_WINDOW = 32 * 1024;
/** Output buffer of one deflate call, in bytes: large, so that a frame needs few turns of the thread pool. */
const OUTPUT_CHUNK = 1024 * 1024;
/** Header without name or time, operating system "unknown" (RFC 1952). */
const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** An empty final deflate block. */
const DEFLATE_END = Buffer.from([3, 0]);

/**
 * One gzip member out of independently compressed pieces, as pigz does it: every piece knows the last 32 KiB before it
 * and ends on a byte boundary. The bytes depend on the zlib that Node carries: see {@link compressionVersion}.
 */
class GzipCompressor implements Compressor {
  public readonly compression = 'gzip';
  private dictionary: Buffer | undefined;
  private checksum = 0;
  private length = 0;

  public constructor(private readonly level: number) {}

  public compress(frame: Buffer): Promise<Buffer> {
    const first = this.dictionary === undefined;
    const options = {
      level: this.level,
      finishFlush: zlib.constants.Z_SYNC_FLUSH,
      chunkSize: OUTPUT_CHUNK,
      ...(this.dictionary === undefined ? {} : { dictionary: this.dictionary }),
    };
    this.dictionary = Buffer.from(frame.subarray(-DEFLATE_WINDOW));
    this.checksum = zlib.crc32(frame, this.checksum);
    this.length += frame.length;
    return new Promise((resolve, reject) => {
      zlib.deflateRaw(frame, options, (error, result) => {
        if (error === null) resolve(first ? Buffer.concat([GZIP_HEADER, result]) : result);
        else reject(error);
      });
    });
  }

  public tail(): Buffer {
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(this.checksum, 0);
    trailer.writeUInt32LE(this.length % 2 ** 32, 4);
    return Buffer.concat([DEFLATE_END, trailer]);
  }
}
