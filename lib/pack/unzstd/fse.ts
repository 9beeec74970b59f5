import { corrupt, highestBit, type Input } from './bits';

/** Decoding table of finite state entropy (RFC 8878, 4.1): what a state stands for, and how to get to the next one. */
export interface FseTable {
  /** Bits of a state. */
  readonly log: number;
  /** By state: symbol << 24 | bits to read << 16 | what to add to them. */
  readonly states: Uint32Array;
}

/** Where something ends that was read. */
export interface Read<T> {
  readonly value: T;
  readonly end: number;
}

/** A table whose only symbol takes no bits. */
export function constantTable(symbol: number): FseTable {
  return { log: 0, states: Uint32Array.of(symbol << 24) };
}

/** @param counts how often each symbol occurs among the states; -1 for less than once */
export function buildTable(counts: readonly number[], log: number): FseTable {
  const size = 1 << log;
  const symbols = spread(counts, size);
  const seen = Uint16Array.from(counts, Math.abs);
  const states = new Uint32Array(size);
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state] ?? 0;
    const next = seen[symbol] ?? 0;
    seen[symbol] = next + 1;
    const bits = log - highestBit(next);
    states[state] = (symbol << 24) | (bits << 16) | ((next << bits) - size);
  }
  return { log, states };
}

/** Which symbol each state stands for: rare ones at the end, the others scattered by a fixed step. */
function spread(counts: readonly number[], size: number): Uint8Array {
  const symbols = new Uint8Array(size);
  let rare = size;
  for (const [symbol, count] of counts.entries()) if (count === -1) symbols[(rare -= 1)] = symbol;
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  for (const [symbol, count] of counts.entries()) {
    for (let i = 0; i < count; i++) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at >= rare);
    }
  }
  return symbols;
}

/**
 * The table described at `start` (RFC 8878, 4.1.1).
 * @param maxSymbol the highest symbol that may occur
 */
export function readTable(input: Input, start: number, end: number, maxLog: number, maxSymbol: number): Read<FseTable> {
  let position = 8 * start;
  const peek = (count: number): number => {
    if (position + count > 8 * end + 16) throw corrupt('an FSE table is cut off');
    return (input.view.getUint32(position >> 3, true) >>> (position & 7)) & ((1 << count) - 1);
  };
  const log = peek(4) + 5;
  position += 4;
  if (log > maxLog) throw corrupt('an FSE table is too large');
  const counts: number[] = [];
  for (let left = 1 << log; left > 0;) {
    // Values below a threshold take one bit less.
    const bits = highestBit(left + 1) + 1;
    const threshold = (1 << bits) - 2 - left;
    const low = peek(bits - 1);
    const isShort = low < threshold;
    const whole = isShort ? low : peek(bits);
    position += isShort ? bits - 1 : bits;
    const count = (whole < 1 << (bits - 1) ? whole : whole - threshold) - 1;
    counts.push(count);
    left -= Math.abs(count);
    if (count === 0) {
      for (let zeros = 3; zeros === 3;) {
        zeros = peek(2);
        position += 2;
        for (let i = 0; i < zeros; i++) counts.push(0);
      }
    }
    if (left < 0 || counts.length > maxSymbol + 1) throw corrupt('an FSE table is not valid');
  }
  const tableEnd = (position + 7) >> 3;
  if (tableEnd > end) throw corrupt('an FSE table is cut off');
  return { value: buildTable(counts, log), end: tableEnd };
}
