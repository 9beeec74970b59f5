import type { FrameCompressor } from '../zstd';

/** Magic number and frame header descriptor, then a byte for the window: how a streaming encoder begins a frame. */
const DESCRIPTOR = 4;
const STREAMED_HEADER = 6;
const BLOCK_HEADER = 3;
/** Descriptors: content in one segment, its size in 1, 2 or 4 bytes (RFC 8878, section 3.1.1.1.1). */
const SINGLE_SEGMENT = 0x20;
const SIZE_IN_2 = 0x40;
const SIZE_IN_4 = 0x80;

/**
 * A compressor of frames the kernel can read. What a streaming encoder makes of a short content is right by RFC 8878 but not
 * for Linux (fs/squashfs/zstd_wrapper.c), which
 * - refuses a frame with a window larger than a data block; an encoder that is not told the size asks for megabytes;
 * - fails when the content is complete and the rest of the frame lies in the next page; after a content of exactly 128 KiB
 *   such an encoder still writes an empty block.
 *
 * So frames get the form that compressing in one call gives: size instead of window, no empty block at the end.
 */
export function blockCompressor(compress: FrameCompressor): FrameCompressor {
  return async (content) => {
    const frame = await compress(content);
    return frame[DESCRIPTOR] === 0 ? singleSegment(frame, content.length) : frame;
  };
}

/** @param frame without size, dictionary and checksum */
function singleSegment(frame: Buffer, size: number): Buffer {
  const magic = frame.subarray(0, DESCRIPTOR);
  return Buffer.concat([magic, encodeSize(size), withoutEmptyEnd(frame.subarray(STREAMED_HEADER))]);
}

/** The descriptor and the content's size; a size in 2 bytes is one less 256. */
function encodeSize(size: number): Buffer {
  if (size < 256) return Buffer.from([SINGLE_SEGMENT, size]);
  const encoded = Buffer.alloc(size < 65536 + 256 ? 3 : 5);
  encoded.writeUInt8(SINGLE_SEGMENT | (encoded.length === 3 ? SIZE_IN_2 : SIZE_IN_4));
  if (encoded.length === 3) encoded.writeUInt16LE(size - 256, 1);
  else encoded.writeUInt32LE(size, 1);
  return encoded;
}

/** The blocks of a frame without an empty last one behind others: the one before becomes the last. */
function withoutEmptyEnd(blocks: Buffer): Buffer {
  let before = 0;
  for (let at = 0; ;) {
    const header = blocks.readUIntLE(at, BLOCK_HEADER);
    const last = (header & 1) !== 0;
    const runLength = (header >> 1) % 4 === 1; // one byte, whatever the size says
    const size = header >> 3;
    if (last) {
      if (size > 0 || at === 0) return blocks;
      blocks.writeUInt8(blocks.readUInt8(before) | 1, before);
      return blocks.subarray(0, at);
    }
    before = at;
    at += BLOCK_HEADER + (runLength ? 1 : size);
  }
}
