import { corrupt, type Input } from './bits';
import { type Read } from './fse';
import { decodeHuffman, readHuffmanTable, type HuffmanTable } from './huffman';

const RAW = 0;
const RLE = 1;
const COMPRESSED = 2;

/** Reads the literals sections of the blocks of one frame (RFC 8878, 3.1.1.3.1). */
export class LiteralsReader {
  /** Of the last block that had one; a later block may use it again. */
  private table: HuffmanTable | undefined;

  /** @param buffer where the literals go: as long as there may be of them */
  public constructor(private readonly buffer: Uint8Array) {}

  /** The literals of the block from `start` to `end`; valid until the next are read. */
  public read(input: Input, start: number, end: number): Read<Uint8Array> {
    const type = input.byte(start) & 3;
    const format = (input.byte(start) >> 2) & 3;
    return type === RAW || type === RLE
      ? this.readPlain(input, start, end, type, format)
      : this.readCompressed(input, start, end, type, format);
  }

  private readPlain(input: Input, start: number, end: number, type: number, format: number): Read<Uint8Array> {
    const headLength = [1, 2, 1, 3][format] ?? 1;
    const bits = input.view.getUint32(start, true);
    const size = format % 2 === 0 ? (bits & 0xff) >> 3 : (format === 1 ? bits & 0xffff : bits & 0xffffff) >> 4;
    const literals = this.room(size);
    const from = start + headLength;
    const sectionEnd = from + (type === RAW ? size : 1);
    if (sectionEnd > end) throw corrupt('literals are cut off');
    if (type === RAW) literals.set(input.bytes.subarray(from, sectionEnd));
    else literals.fill(input.byte(from));
    return { value: literals, end: sectionEnd };
  }

  private readCompressed(input: Input, start: number, end: number, type: number, format: number): Read<Uint8Array> {
    const sizeBits = [10, 10, 14, 18][format] ?? 10;
    const head = input.view.getUint32(start, true) + input.byte(start + 4) * 2 ** 32;
    const size = Math.floor(head / 16) % 2 ** sizeBits;
    const compressedSize = Math.floor(head / 2 ** (4 + sizeBits)) % 2 ** sizeBits;
    const from = start + ((4 + 2 * sizeBits) >> 3);
    const sectionEnd = from + compressedSize;
    if (sectionEnd > end) throw corrupt('literals are cut off');
    const literals = this.room(size);
    let at = from;
    if (type === COMPRESSED) {
      const read = readHuffmanTable(input, from, sectionEnd);
      this.table = read.value;
      at = read.end;
    }
    if (this.table === undefined) throw corrupt('literals have no Huffman table');
    if (format === 0) decodeHuffman(this.table, input, at, sectionEnd, literals);
    else decodeStreams(this.table, input, at, sectionEnd, literals);
    return { value: literals, end: sectionEnd };
  }

  private room(size: number): Uint8Array {
    if (size > this.buffer.length) throw corrupt('a block has too many literals');
    return this.buffer.subarray(0, size);
  }
}

/** Four streams, each with a quarter of the literals, behind the sizes of the first three (RFC 8878, 3.1.1.3.1.6). */
function decodeStreams(table: HuffmanTable, input: Input, start: number, end: number, literals: Uint8Array): void {
  const quarter = (literals.length + 3) >> 2;
  let at = start + 6;
  for (let i = 0; i < 4; i++) {
    const streamEnd = i === 3 ? end : at + input.view.getUint16(start + 2 * i, true);
    if (streamEnd > end || quarter * i > literals.length) throw corrupt('literals are cut off');
    decodeHuffman(table, input, at, streamEnd, literals.subarray(quarter * i, quarter * (i + 1)));
    at = streamEnd;
  }
}
