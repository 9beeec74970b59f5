import { StackError } from '../../core';
import { ByteReader } from '../byte-reader';
import { corrupt } from './bits';
import { BlockDecoder } from './block';
import { Xxh64 } from './xxh64';

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** Largest window accepted, in bytes: what `zstd` itself accepts without --long (RFC 8878 recommends at least 8 MiB). */
const MAX_WINDOW = 128 * 1024 * 1024;

/** Whether a stream that begins with these bytes is zstd: with a frame, or a skippable one as pzstd writes first. */
export function isZstd(head: Buffer): boolean {
  if (head.length < 4) return false;
  const magic = head.readUInt32LE(0);
  return magic === FRAME_MAGIC || isSkippable(magic);
}

function isSkippable(magic: number): boolean {
  return (magic & 0xfffffff0) === SKIPPABLE_MAGIC;
}

/**
 * Decompresses zstd (RFC 8878), block by block, in memory bounded by the window.
 *
 * Our own, since what is on npm either takes whole buffers, needs a compiler or a newer Node, or trusts its input: the
 * one streaming decoder accepts any window and invalid matches, skips checksums, and can be kept busy for minutes by a
 * few kilobytes. Here every length is checked before it is acted on, so work is in proportion to input and output.
 * @throws StackError STACK4003 for a window above 128 MiB; an Error that says what is wrong for corrupt content
 */
export async function* decodeZstd(source: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const input = new ByteReader(source);
  const blocks = new BlockDecoder();
  try {
    while ((await input.peek(1)).length > 0) {
      const magic = (await readExactly(input, 4)).readUInt32LE(0);
      if (magic === FRAME_MAGIC) yield* decodeFrame(input, blocks, name);
      else if (isSkippable(magic)) await skipFrame(input);
      else throw corrupt('what follows is no frame');
    }
  } finally {
    await input.close();
  }
}

async function skipFrame(input: ByteReader): Promise<void> {
  const size = (await readExactly(input, 4)).readUInt32LE(0);
  if (!(await input.skip(size))) throw endOfStream();
}

async function* decodeFrame(input: ByteReader, blocks: BlockDecoder, name: string): AsyncGenerator<Buffer> {
  const { window, contentSize, hasChecksum } = await readFrameHeader(input);
  if (window > MAX_WINDOW) {
    const most = String(MAX_WINDOW);
    throw new StackError(
      'STACK4003',
      `${name}: zstd wants a window of ${String(window)} bytes; at most ${most} are accepted`,
    );
  }
  blocks.beginFrame(window);
  const checksum = hasChecksum ? new Xxh64() : undefined;
  let produced = 0;
  for (let last = false; !last;) {
    const header = blocks.readHeader(await readExactly(input, 3));
    const content = blocks.decode(header, await readExactly(input, header.length));
    last = header.last;
    produced += content.length;
    checksum?.update(content);
    if (content.length > 0) yield content;
  }
  if (contentSize !== undefined && produced !== contentSize) throw corrupt('a frame is not as long as it says');
  if (checksum === undefined) return;
  const stated = (await readExactly(input, 4)).readUInt32LE(0);
  if (Number(checksum.digest() & 0xffffffffn) !== stated) throw corrupt('a frame has a wrong checksum');
}

/** What the header of a frame says (RFC 8878, 3.1.1.1). */
interface FrameHeader {
  /** Bytes. */
  readonly window: number;
  /** Bytes of the whole content, where it is stated. */
  readonly contentSize: number | undefined;
  readonly hasChecksum: boolean;
}

async function readFrameHeader(input: ByteReader): Promise<FrameHeader> {
  const descriptor = (await readExactly(input, 1)).readUInt8(0);
  if ((descriptor & 0x08) !== 0) throw corrupt('a reserved bit is set');
  const singleSegment = (descriptor & 0x20) !== 0;
  const window = singleSegment ? undefined : windowOf((await readExactly(input, 1)).readUInt8(0));
  const dictionary = await readExactly(input, [0, 1, 2, 4][descriptor & 3] ?? 0);
  if (dictionary.some((byte) => byte !== 0)) throw corrupt('it needs a dictionary');
  const contentSize = sizeOf(await readExactly(input, [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0));
  return { window: window ?? contentSize ?? 0, contentSize, hasChecksum: (descriptor & 0x04) !== 0 };
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function sizeOf(field: Buffer): number | undefined {
  switch (field.length) {
    case 0:
      return undefined;
    case 2:
      return field.readUInt16LE(0) + 256;
    case 8:
      return Number(field.readBigUInt64LE(0));
    default:
      return field.readUIntLE(0, field.length);
  }
}

async function readExactly(input: ByteReader, length: number): Promise<Buffer> {
  const bytes = await input.read(length);
  if (bytes.length < length) throw endOfStream();
  return bytes;
}

function endOfStream(): Error {
  return corrupt('unexpected end of the stream');
}
