import { buildTable, type FseTable } from './fse';

/** How one of the three numbers of a sequence is told: by a code, and bits that follow it (RFC 8878, 3.1.1.3.2.1.1). */
export interface Code {
  readonly maxLog: number;
  /** The highest code that a table may have. */
  readonly maxSymbol: number;
  /** The table of blocks that bring none (RFC 8878, 3.1.1.3.2.2). */
  readonly standard: FseTable;
  /** Bits that follow each code. */
  readonly extra: Uint8Array;
  /** The value of each code, those bits being zero. */
  readonly base: Uint32Array;
}

const times = (count: number, value: number): number[] => Array<number>(count).fill(value);

function code(maxLog: number, standard: FseTable, smallest: number, extra: readonly number[]): Code {
  const base: number[] = [];
  let next = smallest;
  for (const bits of extra) {
    base.push(next);
    next += 2 ** bits;
  }
  return { maxLog, maxSymbol: extra.length - 1, standard, extra: Uint8Array.from(extra), base: Uint32Array.from(base) };
}

export const LITERAL_LENGTH = code(
  9,
  buildTable([4, 3, ...times(11, 2), 1, 1, 1, ...times(9, 2), 3, 2, ...times(5, 1), ...times(4, -1)], 6),
  0,
  [...times(16, 0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
);

export const MATCH_LENGTH = code(9, buildTable([1, 4, 3, ...times(6, 2), ...times(37, 1), ...times(7, -1)], 6), 3, [
  ...times(32, 0),
  1,
  1,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  4,
  5,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
]);

/** The code of an offset is the number of its bits. */
export const OFFSET = code(
  8,
  buildTable([...times(6, 1), 2, 2, 2, ...times(15, 1), ...times(5, -1)], 5),
  1,
  Array.from({ length: 32 }, (_, bits) => bits),
);
