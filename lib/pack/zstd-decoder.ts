import type * as fzstd from 'fzstd';
import { StackError } from '../core';
import { ByteReader } from './byte-reader';
import { Xxh64 } from './xxh64';

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** Largest content of a block (RFC 8878, 3.1.1.2.4). */
const MAX_BLOCK = 128 * 1024;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;
/**
 * The decoder moves its whole window for every block. Full blocks in the largest window make that 1024 bytes for each
 * byte of output; a stream of tiny blocks in a large window would keep it busy for hours.
 */
const MAX_MOVED_PER_BYTE = 4096;

/** Bounds on the work that a stream may make. */
export interface ZstdLimits {
  /** Largest window accepted, in bytes. */
  readonly window: number;
  /** Bytes that may be moved before it is asked how many came out. */
  readonly freeMoves: number;
}

/** The window is what `zstd` itself accepts without --long (RFC 8878 recommends at least 8 MiB). */
const STREAM_LIMITS: ZstdLimits = { window: 128 * 1024 * 1024, freeMoves: 16 * 1024 ** 3 };

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
 * Decompresses zstd, block by block, in memory bounded by the window, and verifies checksums.
 *
 * Frames and blocks are walked here, since the decoder behind it takes windows of any size and skips checksums.
 * @throws StackError STACK4003 for a window or work above the limits; an Error that goes on from "NAME is corrupt or truncated:"
 */
export async function* decodeZstd(
  source: AsyncIterable<Buffer>,
  name: string,
  limits = STREAM_LIMITS,
): AsyncGenerator<Buffer> {
  const input = new ByteReader(source);
  const effort = { moved: 0, produced: 0 };
  try {
    while ((await input.peek(1)).length > 0) {
      const magic = await readExactly(input, 4);
      if (!isZstd(magic)) throw new Error('what follows is no zstd frame');
      if (isSkippable(magic.readUInt32LE(0))) {
        await skipFrame(input);
        continue;
      }
      const header = await readFrameHeader(input, magic);
      requireWindow(header.window, limits.window, name);
      for await (const content of decodeFrame(input, header)) {
        effort.moved += header.window;
        effort.produced += content.length;
        requireProgress(effort, limits.freeMoves, name);
        yield content;
      }
    }
  } finally {
    await input.close();
  }
}

function requireWindow(window: number, most: number, name: string): void {
  if (window <= most) return;
  throw new StackError(
    'STACK4003',
    `${name}: zstd wants a window of ${String(window)} bytes; at most ${String(most)} are accepted`,
  );
}

function requireProgress(
  { moved, produced }: { readonly moved: number; readonly produced: number },
  freeMoves: number,
  name: string,
): void {
  if (moved <= freeMoves + MAX_MOVED_PER_BYTE * produced) return;
  throw new StackError(
    'STACK4003',
    `${name}: the zstd blocks are too small for their window; reading them would take hours`,
  );
}

async function skipFrame(input: ByteReader): Promise<void> {
  const size = (await readExactly(input, 4)).readUInt32LE(0);
  if (!(await input.skip(size))) throw endOfStream();
}

/** The header of a frame (RFC 8878, 3.1.1.1). */
interface FrameHeader {
  /** As it stands in the stream. */
  readonly bytes: Buffer;
  readonly window: number;
  /** Size of the whole content, where it is stated. */
  readonly contentSize: number | undefined;
  readonly hasChecksum: boolean;
}

async function readFrameHeader(input: ByteReader, magic: Buffer): Promise<FrameHeader> {
  const descriptor = (await readExactly(input, 1)).readUInt8(0);
  if ((descriptor & 0x08) !== 0) throw new Error('a reserved bit is set');
  const singleSegment = (descriptor & 0x20) !== 0;
  const windowLength = singleSegment ? 0 : 1;
  const dictionaryLength = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeLength = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const rest = await readExactly(input, windowLength + dictionaryLength + sizeLength);
  const dictionary = rest.subarray(windowLength, windowLength + dictionaryLength);
  if (dictionary.some((byte) => byte !== 0)) throw new Error('it needs a dictionary');
  const contentSize = readContentSize(rest.subarray(windowLength + dictionaryLength));
  return {
    bytes: Buffer.concat([magic, Buffer.from([descriptor]), rest]),
    window: contentSize !== undefined && singleSegment ? contentSize : windowOf(rest.readUInt8(0)),
    contentSize,
    hasChecksum: (descriptor & 0x04) !== 0,
  };
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function readContentSize(field: Buffer): number | undefined {
  switch (field.length) {
    case 0:
      return undefined;
    case 1:
      return field.readUInt8(0);
    case 2:
      return field.readUInt16LE(0) + 256;
    case 4:
      return field.readUInt32LE(0);
    default:
      return Number(field.readBigUInt64LE(0));
  }
}

/** The content of one frame, a block at a time. */
async function* decodeFrame(input: ByteReader, header: FrameHeader): AsyncGenerator<Buffer> {
  const output: Uint8Array[] = [];
  const { Decompress } = loadDecoder();
  const decoder = new Decompress((chunk) => output.push(chunk));
  const checksum = header.hasChecksum ? new Xxh64() : undefined;
  let size = 0;
  decoder.push(withoutChecksum(header.bytes));
  for (let last = false; !last;) {
    const block = await readBlock(input, Math.min(header.window, MAX_BLOCK));
    last = block.last;
    decoder.push(block.bytes, last);
    const content = joined(output.splice(0));
    size += content.length;
    checksum?.update(content);
    yield content;
  }
  if (header.contentSize !== undefined && size !== header.contentSize)
    throw new Error('a zstd frame is not as long as it says');
  if (checksum === undefined) return;
  const stated = (await readExactly(input, 4)).readUInt32LE(0);
  if (Number(checksum.digest() & 0xffffffffn) !== stated) throw new Error('a zstd frame has a wrong checksum');
}

/** It makes tables when it is loaded, which most commands have no use for. */
function loadDecoder(): typeof fzstd {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- only when it is needed
  return require('fzstd') as typeof fzstd;
}

function joined(chunks: readonly Uint8Array[]): Buffer {
  const [first, ...more] = chunks;
  if (first === undefined || more.length > 0) return Buffer.concat(chunks);
  return Buffer.from(first.buffer, first.byteOffset, first.byteLength);
}

/** The decoder would wait for a checksum and skip it. */
function withoutChecksum(header: Buffer): Buffer {
  const copy = Buffer.from(header);
  copy.writeUInt8(copy.readUInt8(4) & ~0x04, 4);
  return copy;
}

/** One block with its header (RFC 8878, 3.1.1.2). */
async function readBlock(input: ByteReader, most: number): Promise<{ readonly bytes: Buffer; readonly last: boolean }> {
  const header = await readExactly(input, 3);
  const bits = header.readUIntLE(0, 3);
  const type = (bits >> 1) & 3;
  const size = bits >> 3;
  if (type === RESERVED_BLOCK || size > most) throw new Error('a zstd block is not valid');
  const content = await readExactly(input, type === RLE_BLOCK ? 1 : size);
  return { bytes: Buffer.concat([header, content]), last: (bits & 1) !== 0 };
}

async function readExactly(input: ByteReader, length: number): Promise<Buffer> {
  const bytes = await input.read(length);
  if (bytes.length < length) throw endOfStream();
  return bytes;
}

function endOfStream(): Error {
  return new Error('unexpected end of the zstd stream');
}
