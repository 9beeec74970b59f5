/** Builds zstd frames by hand, out of blocks that need no compressor (RFC 8878). */

export const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

const RAW = 0;
const RLE = 1;

function block(type: number, size: number, content: Buffer, last: boolean): Buffer {
  const header = Buffer.alloc(3);
  header.writeUIntLE(size * 8 + type * 2 + Number(last), 0, 3);
  return Buffer.concat([header, content]);
}

export const raw = (content: string | Buffer, last = true): Buffer =>
  block(RAW, content.length, Buffer.from(content), last);
export const rle = (byte: number, size: number, last = true): Buffer => block(RLE, size, Buffer.from([byte]), last);
export const reserved = (): Buffer => block(3, 0, Buffer.alloc(0), true);

/** A frame whose header has the window descriptor `window`: 0x58 is 2 MiB, 0x88 is 128 MiB. */
export function frame(blocks: readonly Buffer[], window = 0x58): Buffer {
  return Buffer.concat([MAGIC, Buffer.from([0, window]), ...blocks]);
}

/** A frame in a single segment, with its size in a field of this many bytes. */
export function segment(blocks: readonly Buffer[], size: bigint, width: 1 | 2 | 4 | 8): Buffer {
  const field = Buffer.alloc(8);
  field.writeBigUInt64LE(width === 2 ? size - 256n : size);
  const flag = { 1: 0, 2: 1, 4: 2, 8: 3 }[width];
  return Buffer.concat([MAGIC, Buffer.from([(flag << 6) | 0x20]), field.subarray(0, width), ...blocks]);
}

export function skippable(content: Buffer, nibble = 0): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(0x184d2a50 + nibble, 0);
  header.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, content]);
}
