import { bitsAt, corrupt, endOfBits, highestBit, type Input } from './bits';
import { readTable, type Read } from './fse';

/** Decoding table of a Huffman code (RFC 8878, 4.2). */
export interface HuffmanTable {
  /** Bits of the longest code. */
  readonly log: number;
  /** By the next `log` bits: symbol << 8 | bits of its code. */
  readonly codes: Uint16Array;
}

const MAX_LOG = 11;
const MAX_WEIGHTS_LOG = 6;
/** One less than there are bytes, since the last weight is not stated. */
const MAX_WEIGHTS = 255;

/** The table described at `start` (RFC 8878, 4.2.1). */
export function readHuffmanTable(input: Input, start: number, end: number): Read<HuffmanTable> {
  if (start >= end) throw corrupt('a Huffman table is cut off');
  const head = input.byte(start);
  const length = head < 128 ? head : (head - 126) >> 1;
  const tableEnd = start + 1 + length;
  if (tableEnd > end) throw corrupt('a Huffman table is cut off');
  const weights =
    head < 128 ? compressedWeights(input, start + 1, tableEnd) : plainWeights(input, start + 1, head - 127);
  return { value: buildTable(weights), end: tableEnd };
}

function plainWeights(input: Input, start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const byte = input.byte(start + (i >> 1));
    return i % 2 === 0 ? byte >> 4 : byte & 15;
  });
}

/** Two states take turns, until the bits do not suffice for a next one. */
function compressedWeights(input: Input, start: number, end: number): number[] {
  const { value: table, end: first } = readTable(input, start, end, MAX_WEIGHTS_LOG, MAX_LOG);
  const weights: number[] = [];
  let position = endOfBits(input, first, end) - 2 * table.log;
  if (position < 8 * first) throw corrupt('a Huffman table is cut off');
  let state = bitsAt(input.view, position + table.log, table.log);
  let other = bitsAt(input.view, position, table.log);
  for (;;) {
    const entry = table.states[state] ?? 0;
    const bits = (entry >>> 16) & 0xff;
    weights.push(entry >>> 24);
    if (weights.length === MAX_WEIGHTS) throw corrupt('a Huffman table has too many symbols');
    position -= bits;
    if (position < 8 * first) break;
    state = other;
    other = (entry & 0xffff) + bitsAt(input.view, position, bits);
  }
  weights.push((table.states[other] ?? 0) >>> 24);
  return weights;
}

/** The last symbol's weight is not stated: it completes the sum to a power of two. */
function buildTable(stated: readonly number[]): HuffmanTable {
  let sum = 0;
  for (const weight of stated) {
    if (weight > MAX_LOG) throw corrupt('a Huffman code is too long');
    sum += (1 << weight) >> 1;
  }
  const log = highestBit(sum) + 1;
  const rest = (1 << log) - sum;
  if (sum === 0 || log > MAX_LOG || (rest & (rest - 1)) !== 0) throw corrupt('a Huffman table is not complete');
  const weights = [...stated, highestBit(rest) + 1];
  const codes = new Uint16Array(1 << log);
  let at = 0;
  for (let weight = 1; weight <= log; weight++) {
    const span = 1 << (weight - 1);
    for (const [symbol, each] of weights.entries()) {
      if (each !== weight) continue;
      codes.fill((symbol << 8) | (log + 1 - weight), at, at + span);
      at += span;
    }
  }
  return { log, codes };
}

/** Decodes the stream from `start` to `end`, which must give exactly as many symbols as `output` has room for. */
export function decodeHuffman(
  { log, codes }: HuffmanTable,
  input: Input,
  start: number,
  end: number,
  output: Uint8Array,
): void {
  const { view } = input;
  const first = 8 * start;
  const mask = (1 << log) - 1;
  let position = endOfBits(input, start, end);
  for (let i = 0; i < output.length; i++) {
    const from = position - log;
    const window =
      from >= first
        ? view.getUint32(from >> 3, true) >>> (from & 7)
        : (view.getUint32(first >> 3, true) & ((1 << (position - first)) - 1)) << (first - from);
    const code = codes[window & mask] ?? 0;
    position -= code & 0xff;
    if (position < first) throw corrupt('literals are cut off');
    output[i] = code >> 8;
  }
  if (position !== first) throw corrupt('literals are too long');
}
