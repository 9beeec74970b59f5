import { bitsAt, corrupt, endOfBits, type Input } from './bits';
import { LITERAL_LENGTH, MATCH_LENGTH, OFFSET, type Code } from './codes';
import { constantTable, readTable, type FseTable, type Read } from './fse';
import type { Window } from './window';

/** Offsets with more bits are beyond the largest window that is accepted. */
const MAX_OFFSET_BITS = 27;
const NO_TABLE: FseTable = { log: 0, states: new Uint32Array(0) };

/** Reads and executes the sequences sections of the blocks of one frame (RFC 8878, 3.1.1.3.2). */
export class SequenceReader {
  private literalLengths = NO_TABLE;
  private offsets = NO_TABLE;
  private matchLengths = NO_TABLE;
  /** The last three offsets, the most recent first. */
  private recent1 = 1;
  private recent2 = 4;
  private recent3 = 8;

  /** Executes the section from `start` to `end`: appends the literals, with matches in between. */
  public execute(input: Input, start: number, end: number, literals: Uint8Array, window: Window): void {
    const { value: count, end: countEnd } = readCount(input, start, end);
    if (count === 0) {
      if (countEnd !== end) throw corrupt('something follows the sequences');
      window.append(literals);
      return;
    }
    const bitsStart = this.readTables(input, countEnd, end);
    const used = this.run(count, input, bitsStart, end, literals, window);
    window.append(literals.subarray(used));
  }

  private readTables(input: Input, start: number, end: number): number {
    if (start >= end) throw corrupt('sequences are cut off');
    const modes = input.byte(start);
    if ((modes & 3) !== 0) throw corrupt('a reserved bit is set');
    const literalLengths = readCode(LITERAL_LENGTH, modes >> 6, this.literalLengths, input, start + 1, end);
    const offsets = readCode(OFFSET, (modes >> 4) & 3, this.offsets, input, literalLengths.end, end);
    const matchLengths = readCode(MATCH_LENGTH, (modes >> 2) & 3, this.matchLengths, input, offsets.end, end);
    this.literalLengths = literalLengths.value;
    this.offsets = offsets.value;
    this.matchLengths = matchLengths.value;
    return matchLengths.end;
  }

  /**
   * The loop where decompressing spends its time: hence no calls but small ones, and one look in each turn at whether
   * bits were read from before their start, which until then are just wrong ones.
   * @returns how many of the literals were used
   */
  private run(count: number, input: Input, start: number, end: number, literals: Uint8Array, window: Window): number {
    const { view } = input;
    const literalLengths = this.literalLengths.states;
    const offsets = this.offsets.states;
    const matchLengths = this.matchLengths.states;
    const first = 8 * start;
    let position = endOfBits(input, start, end);
    let literalState = bitsAt(view, (position -= this.literalLengths.log), this.literalLengths.log);
    let offsetState = bitsAt(view, (position -= this.offsets.log), this.offsets.log);
    let matchState = bitsAt(view, (position -= this.matchLengths.log), this.matchLengths.log);
    let used = 0;
    for (let left = count; ; left--) {
      const literal = literalLengths[literalState] ?? 0;
      const offset = offsets[offsetState] ?? 0;
      const match = matchLengths[matchState] ?? 0;

      const offsetBits = offset >>> 24;
      if (offsetBits > MAX_OFFSET_BITS) throw corrupt('an offset is beyond the window');
      const highBits = offsetBits > 24 ? offsetBits - 24 : 0;
      let offsetValue = (1 << offsetBits) + (bitsAt(view, (position -= highBits), highBits) << 24);
      offsetValue += bitsAt(view, (position -= offsetBits - highBits), offsetBits - highBits);
      const matchBits = MATCH_LENGTH.extra[match >>> 24] ?? 0;
      const matchLength = (MATCH_LENGTH.base[match >>> 24] ?? 0) + bitsAt(view, (position -= matchBits), matchBits);
      const literalBits = LITERAL_LENGTH.extra[literal >>> 24] ?? 0;
      const literalLength =
        (LITERAL_LENGTH.base[literal >>> 24] ?? 0) + bitsAt(view, (position -= literalBits), literalBits);

      const from = used;
      used += literalLength;
      if (used > literals.length) throw corrupt('sequences take more literals than there are');
      if (position < first) throw corrupt('sequences are cut off');
      window.appendSequence(literals, from, used, this.distance(offsetValue, literalLength), matchLength);
      if (left === 1) break;

      const literalStep = (literal >>> 16) & 0xff;
      literalState = (literal & 0xffff) + bitsAt(view, (position -= literalStep), literalStep);
      const matchStep = (match >>> 16) & 0xff;
      matchState = (match & 0xffff) + bitsAt(view, (position -= matchStep), matchStep);
      const offsetStep = (offset >>> 16) & 0xff;
      offsetState = (offset & 0xffff) + bitsAt(view, (position -= offsetStep), offsetStep);
    }
    if (position !== first) throw corrupt('something follows the sequences');
    return used;
  }

  /** Offsets of 1 to 3 mean one of the last three, a different one without literals (RFC 8878, 3.1.2.5). */
  private distance(offset: number, literalLength: number): number {
    const { recent1, recent2 } = this;
    const choice = literalLength === 0 ? offset + 1 : offset;
    if (offset <= 3 && choice === 1) return recent1;
    if (offset > 3) this.recent1 = offset - 3;
    else if (choice === 2) this.recent1 = recent2;
    else if (choice === 3) this.recent1 = this.recent3;
    else this.recent1 = recent1 - 1;
    if (offset > 3 || choice > 2) this.recent3 = recent2;
    this.recent2 = recent1;
    if (this.recent1 === 0) throw corrupt('an offset is zero');
    return this.recent1;
  }
}

/** The number of sequences (RFC 8878, 3.1.1.3.2.1). */
function readCount(input: Input, start: number, end: number): Read<number> {
  const first = start < end ? input.byte(start) : 0;
  const length = first < 128 ? 1 : first < 255 ? 2 : 3;
  if (start + length > end) throw corrupt('sequences are cut off');
  const value =
    first < 128
      ? first
      : first < 255
        ? ((first - 128) << 8) + input.byte(start + 1)
        : input.view.getUint16(start + 1, true) + 0x7f00;
  return { value, end: start + length };
}

const STANDARD_TABLE = 0;
const CONSTANT_TABLE = 1;
const NEW_TABLE = 2;

/** @param last the table of the same code in the block before */
function readCode(part: Code, mode: number, last: FseTable, input: Input, start: number, end: number): Read<FseTable> {
  switch (mode) {
    case STANDARD_TABLE:
      return { value: part.standard, end: start };
    case CONSTANT_TABLE:
      if (start >= end || input.byte(start) > part.maxSymbol) throw corrupt('a code is not valid');
      return { value: constantTable(input.byte(start)), end: start + 1 };
    case NEW_TABLE:
      return readTable(input, start, end, part.maxLog, part.maxSymbol);
    default:
      if (last === NO_TABLE) throw corrupt('sequences have no table');
      return { value: last, end: start };
  }
}
