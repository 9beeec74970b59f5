import { pipeline } from 'node:stream';
import * as zlib from 'node:zlib';
import { messageOf, StackError } from '../core';
import { ByteReader } from './byte-reader';
import { decodeXz } from './xz';
import { decodeZstd, isZstd } from './zstd-decoder';

/** How a stream is compressed. */
export type StreamCompression = 'none' | 'gzip' | 'zstd' | 'xz';

/** Bytes that tell the compressions apart. */
const MAGIC_LENGTH = 10;
const XZ_MAGIC = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);
/** Output buffer of the gzip decoder, in bytes. */
const OUTPUT_CHUNK = 256 * 1024;

/**
 * How many bytes one compressed byte may become, and how many may come out before that is asked. Disk images that are
 * all zeros reach 1000 with gzip and 30 000 with zstd, and are small enough; more than that is made to do harm.
 */
export interface ExpansionLimits {
  readonly ratio: number;
  readonly freeBytes: number;
}

export const EXPANSION_LIMITS: ExpansionLimits = { ratio: 10_000, freeBytes: 8 * 1024 ** 3 };

/**
 * Decompresses a stream in bounded memory. All of it must belong together: several gzip members or zstd frames may
 * follow each other, anything else behind them is an error.
 * @param name what is being read, for messages
 * @throws StackError STACK4001 when it is corrupt or truncated, STACK4003 when it expands too much or needs too much
 *   memory, STACK3003 when the source cannot be read, STACK3013 when xz is needed and not installed
 */
export async function* decompress(
  source: AsyncIterable<Buffer>,
  compression: StreamCompression,
  name: string,
  limits: ExpansionLimits = EXPANSION_LIMITS,
): AsyncGenerator<Buffer> {
  const input = new Input(source, name);
  let produced = 0;
  try {
    for await (const chunk of decode(input, compression, name)) {
      produced += chunk.length;
      if (produced > limits.freeBytes + limits.ratio * input.bytes) {
        throw new StackError('STACK4003', `${name} expands to more than ${String(limits.ratio)} times its size`);
      }
      yield chunk;
    }
  } catch (error) {
    if (input.failure !== undefined) throw input.failure;
    if (StackError.is(error)) throw error;
    throw new StackError('STACK4001', `${name} is corrupt or truncated: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Like {@link decompress}, with the compression told by the first bytes.
 * @throws StackError STACK4005 for a compression that is not supported
 */
export async function* decompressAny(source: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const reader = new ByteReader(new Input(source, name));
  try {
    const head = await reader.peek(MAGIC_LENGTH);
    yield* decompress(reader.rest(), detectCompression(head, name), name);
  } finally {
    await reader.close();
  }
}

/** Compressions that cannot be read, by their first bytes; no name in a tar begins so. */
const OTHERS: readonly (readonly [name: string, bytes: RegExp])[] = [
  ['bzip2', /^BZh[1-9](1AY&SY|\x17rE8P\x90)/],
  ['lzma', /^\x5d\0\0(?!\0\0)/],
  ['lzip', /^LZIP[\0-\x02]/],
  ['lz4', /^(\x04"M\x18|\x02!L\x18)/],
  ['lzop', /^\x89LZO\0\r\n/],
  ['compress', /^\x1f[\x9d\xa0]/],
];

/** Tells a compression by its first bytes (RFC 1952, RFC 8878, the .xz file format). */
function detectCompression(head: Buffer, name: string): StreamCompression {
  if (head.length >= 2 && head.readUInt16BE(0) === 0x1f8b) return 'gzip';
  if (isZstd(head)) return 'zstd';
  if (head.subarray(0, XZ_MAGIC.length).equals(XZ_MAGIC)) return 'xz';
  const text = head.toString('latin1');
  const other = OTHERS.find(([, bytes]) => bytes.test(text))?.[0];
  if (other === undefined) return 'none';
  throw new StackError('STACK4005', `${name} is compressed with ${other}, which is not supported`, {
    hint: 'compress it with zstd, gzip or xz, or not at all',
  });
}

function decode(input: Input, compression: StreamCompression, name: string): AsyncIterable<Buffer> {
  switch (compression) {
    case 'none':
      return input;
    case 'gzip':
      return decodeGzip(input);
    case 'zstd':
      return decodeZstd(input, name);
    case 'xz':
      return decodeXz(input);
  }
}

/** zlib goes on with what looks like another member, and stops without a word at a zero byte. */
async function* decodeGzip(input: Input): AsyncGenerator<Buffer> {
  const gunzip = zlib.createGunzip({ chunkSize: OUTPUT_CHUNK });
  // A failure destroys the stream, where the iteration below sees it.
  yield* pipeline(input, gunzip, () => undefined) as AsyncIterable<Buffer>;
  if (gunzip.bytesWritten !== input.bytes) throw new Error('something follows the gzip stream');
}

/** The compressed bytes on their way in; tells a source that fails from content that is wrong. */
class Input implements AsyncIterable<Buffer> {
  /** Bytes handed out so far. */
  public bytes = 0;
  public failure: Error | undefined;

  public constructor(
    private readonly source: AsyncIterable<Buffer>,
    private readonly name: string,
  ) {}

  public async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of this.source) {
        this.bytes += chunk.length;
        yield chunk;
      }
    } catch (error) {
      this.failure = this.sourceFailure(error);
      throw this.failure;
    }
  }

  private sourceFailure(error: unknown): Error {
    if (StackError.is(error)) return error;
    return new StackError('STACK3003', `cannot read ${this.name}: ${messageOf(error)}`, { cause: error });
  }
}
