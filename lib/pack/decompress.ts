import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pipeline, Readable, Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { errnoOf, messageOf, StackError } from '../core';

/** How a stream is compressed. */
export type StreamCompression = 'none' | 'gzip' | 'zstd' | 'xz';

/** Bytes that tell the compressions apart. */
const MAGIC_LENGTH = 6;

/** Tells a compression by its first bytes (RFC 1952, RFC 8878, the .xz file format). */
function detectCompression(head: Buffer): StreamCompression {
  if (head.length >= 2 && head.readUInt16BE(0) === 0x1f8b) return 'gzip';
  if (head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528) return 'zstd';
  if (head.subarray(0, MAGIC_LENGTH).equals(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]))) return 'xz';
  return 'none';
}

/** Largest zstd window accepted, in bytes: what `zstd` itself accepts without --long (RFC 8878 recommends at least 8 MiB). */
const MAX_WINDOW = 128 * 1024 * 1024;

/**
 * Decompresses a stream in bounded memory.
 * @param name what is being read, for messages
 * @throws StackError STACK4001 when it is corrupt or truncated, STACK4003 for a zstd window above 128 MiB,
 *   STACK3013 when xz is needed and not installed
 */
export async function* decompress(source: Readable, compression: StreamCompression, name: string): AsyncGenerator<Buffer> {
  try {
    switch (compression) {
      case 'none':
        yield* source as AsyncIterable<Buffer>;
        return;
      case 'gzip':
        yield* pipeline(source, zlib.createGunzip({ chunkSize: 256 * 1024 }), ignoreHere) as AsyncIterable<Buffer>;
        return;
      case 'zstd':
        yield* pipeline(source, new ZstdDecoder(), ignoreHere) as AsyncIterable<Buffer>;
        return;
      case 'xz':
        yield* xz(source);
        return;
    }
  } catch (error) {
    if (StackError.is(error)) throw error;
    if (errnoOf(error)?.startsWith('E') === true) throw error; // a system call, not the content
    throw new StackError('STACK4001', `${name} is corrupt or truncated: ${messageOf(error)}`, { cause: error });
  }
}

/** Like {@link decompress}, with the compression told by the first bytes. */
export async function* decompressAny(source: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const chunks = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < MAGIC_LENGTH) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  const whole = async function* (): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head;
    yield* { [Symbol.asyncIterator]: () => chunks };
  };
  yield* decompress(Readable.from(whole(), { objectMode: false }), detectCompression(head), name);
}

/** The error of a pipeline also destroys its last stream, where the caller's iteration sees it. */
function ignoreHere(): void {
  return;
}

/** Streams zstd through a pure JavaScript decoder: slower than native ones, but present everywhere and bounded by the window. */
class ZstdDecoder extends Transform {
  private readonly decoder: Decompress;
  private head: Buffer | undefined = Buffer.alloc(0);
  private finished = false;

  public constructor() {
    super();
    this.decoder = new Decompress((chunk, last) => {
      this.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      this.finished = last ?? false;
    });
  }

  public override _transform(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    try {
      this.checkWindow(chunk);
      this.decoder.push(Buffer.from(chunk));
      done();
    } catch (error) {
      done(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }

  public override _flush(done: (error?: Error | null) => void): void {
    try {
      this.decoder.push(new Uint8Array(0), true);
      done(this.finished ? null : new Error('unexpected end of zstd stream'));
    } catch (error) {
      done(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }

  /** Judges the first frame's window before the decoder allocates it (RFC 8878, 3.1.1.1.2). */
  private checkWindow(chunk: Buffer): void {
    if (this.head === undefined) return;
    this.head = Buffer.concat([this.head, chunk.subarray(0, 16)]);
    if (this.head.length < 14) return;
    const descriptor = this.head.readUInt8(4);
    const singleSegment = (descriptor & 0x20) !== 0;
    const windowByte = this.head.readUInt8(5);
    const base = 2 ** (10 + (windowByte >> 3));
    const window = singleSegment ? contentSizeOf(this.head, descriptor) : base + (base / 8) * (windowByte & 7);
    this.head = undefined;
    if (window > MAX_WINDOW) {
      throw new StackError('STACK4003', `the zstd stream wants a window of ${String(window)} bytes; at most ${String(MAX_WINDOW)} are accepted`);
    }
  }
}

/** Frame content size of a single-segment frame, which is its window too (RFC 8878, 3.1.1.1.4). */
function contentSizeOf(head: Buffer, descriptor: number): number {
  const at = 5 + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  switch (descriptor >> 6) {
    case 0:
      return head.readUInt8(at);
    case 1:
      return head.readUInt16LE(at) + 256;
    case 2:
      return head.readUInt32LE(at);
    default:
      return head.length >= at + 8 ? Number(head.readBigUInt64LE(at)) : Number.MAX_SAFE_INTEGER;
  }
}

/** xz through the `xz` command, which every Debian has; no maintained streaming decoder is on npm. */
async function* xz(source: Readable): AsyncGenerator<Buffer> {
  const child = spawn('xz', ['--decompress', '--stdout', '--memlimit=512MiB', '--quiet'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.subarray(0, 1000)));
  const exit = once(child, 'close') as Promise<[number | null]>;
  exit.catch(() => undefined); // awaited below
  pipeline(source, child.stdin, ignoreHere);
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const [code] = await exit;
    if (code !== 0) throw new Error(Buffer.concat(errors).toString('utf8').trim().slice(0, 300) || `xz exited with ${String(code)}`);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw new StackError('STACK3013', 'xz is needed to read this archive and is not installed', { hint: 'install xz-utils', cause: error });
  } finally {
    child.kill('SIGKILL');
  }
}
