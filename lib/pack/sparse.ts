import { StackError } from '../core';
import type { Stretch } from './entry';
import type { PaxRecords } from './pax';
import { corrupt, readNumber, readText, type Field } from './tar-fields';
import { BLOCK } from './tar-format';
import { zeros } from './zeros';

/** Stretches of data in one sparse file: far above real ones, far below a memory bomb. */
const MAX_STRETCHES = 1_000_000;
/** The header of GNU's old form: four stretches, whether more follow in blocks of their own, and the size of the file. */
const OLD_HEADER = { at: 386, count: 4, more: 482 };
const OLD_SIZE: Field = [483, 12];
/** A block of GNU's old form that goes on with the map. */
const OLD_BLOCK = { at: 0, count: 21, more: 504 };
const OLD_NUMBER = 12;
/** Digits of a number in a map that is text. */
const NUMBER = /^[0-9]{1,15}$/;
const NEWLINE = 0x0a;

/** The name of the file in the records of GNU's pax forms, where the header has a made up one. */
export const SPARSE_NAME = 'GNU.sparse.name';

/** Whether a pax keyword makes a file sparse, in the spelling of GNU tar or of star. */
export function isSparseKeyword(keyword: string): boolean {
  return keyword.startsWith('GNU.sparse.') || keyword === 'SCHILY.realsize';
}

/**
 * A file that is stored without its holes: the map of its data, and what makes the whole content out of that.
 * GNU tar has four forms (its manual, "Storing Sparse Files"): the old one with the map in the header, pax 0.0 and 0.1 with
 * it in the records, pax 1.0 with it in front of the data.
 */
export class SparseFile {
  private readonly stretches: Stretch[] = [];
  /** Bytes of data in the stretches. */
  private stored = 0;
  /** Takes a further block of the map; undefined when that is complete. Gives whether it was not the last. */
  private takeBlock: ((block: Buffer) => boolean) | undefined;
  private current = 0;
  private filled = 0;

  /**
   * @param size of the whole content
   * @param isInData whether blocks of the map are counted among the stored bytes
   */
  private constructor(
    public readonly size: number,
    public readonly isInData: boolean,
  ) {
    if (size < 0) throw corrupt('has an entry of negative size');
  }

  /** By a header of type S. */
  public static ofHeader(block: Buffer): SparseFile {
    if (!readText(block, [257, 6]).startsWith('ustar '))
      throw corrupt('has a sparse file that is not in the form of GNU');
    const file = new SparseFile(readNumber(block, OLD_SIZE, 'size'), false);
    if (file.addOld(block, OLD_HEADER)) file.takeBlock = (next) => file.addOld(next, OLD_BLOCK);
    return file;
  }

  /**
   * By the records in front of an entry; undefined when it is not sparse.
   * @throws StackError STACK4004 for forms that are not GNU's
   */
  public static ofRecords(pax: PaxRecords | undefined): SparseFile | undefined {
    if (pax === undefined || ![...pax.keys()].some(isSparseKeyword)) return undefined;
    const text = (keyword: string): string => pax.get(keyword)?.toString('latin1') ?? '';
    const version = `${text('GNU.sparse.major')}.${text('GNU.sparse.minor')}`;
    if (pax.has('SCHILY.realsize') || !['.', '0.0', '0.1', '1.0'].includes(version)) {
      throw new StackError('STACK4004', 'the archive stores a file as sparse in a form that is not supported', {
        hint: 'make the archive without --sparse, or with GNU tar',
      });
    }
    if (version !== '1.0')
      return SparseFile.ofMap(text('GNU.sparse.size'), text('GNU.sparse.numblocks'), text('GNU.sparse.map'));
    const file = new SparseFile(numberOf(text('GNU.sparse.realsize')), true);
    file.takeBlock = file.textReader();
    return file;
  }

  private static ofMap(size: string, count: string, map: string): SparseFile {
    const file = new SparseFile(numberOf(size), false);
    const numbers = map === '' ? [] : map.split(',').map(numberOf);
    if (numbers.length !== 2 * numberOf(count)) throw corrupt('has a sparse file with an incomplete map');
    for (let at = 0; at < numbers.length; at += 2) file.add(numbers[at] ?? 0, numbers[at + 1] ?? 0);
    return file;
  }

  /** Whether a further block of the archive belongs to the map. */
  public get isOpen(): boolean {
    return this.takeBlock !== undefined;
  }

  /** Takes the next block of the map. */
  public addBlock(block: Buffer): void {
    if (this.takeBlock?.(block) !== true) this.takeBlock = undefined;
  }

  /** @throws StackError STACK4001 unless this many bytes of data are what the map says */
  public requireStored(bytes: number): void {
    if (bytes !== this.stored) throw corrupt('has a sparse file whose map does not fit its data');
  }

  /** The content, as far as it goes with the next bytes of data; all of it with the last. */
  public *expand(data: Buffer): Generator<Buffer> {
    for (let at = 0; ;) {
      const stretch = this.stretches[this.current];
      const start = stretch?.offset ?? this.size;
      if (this.filled < start) {
        yield* zeros(start - this.filled);
        this.filled = start;
      }
      if (stretch === undefined) return;
      const missing = stretch.offset + stretch.length - this.filled;
      const part = data.subarray(at, at + missing);
      at += part.length;
      this.filled += part.length;
      if (part.length > 0) yield part;
      if (part.length < missing) return;
      this.current += 1;
    }
  }

  private add(offset: number, length: number): void {
    const last = this.stretches.at(-1);
    const end = last === undefined ? 0 : last.offset + last.length;
    if (length < 0 || offset < end || offset + length > this.size) throw corrupt('has a sparse file with a wrong map');
    if (this.stretches.length === MAX_STRETCHES) {
      throw new StackError('STACK4003', `the archive has a sparse file of more than ${String(MAX_STRETCHES)} parts`);
    }
    this.stretches.push({ offset, length });
    this.stored += length;
  }

  /** @returns whether the map goes on in a further block */
  private addOld(block: Buffer, { at, count, more }: typeof OLD_HEADER): boolean {
    for (let each = at; each < at + count * 2 * OLD_NUMBER && block[each + OLD_NUMBER] !== 0; each += 2 * OLD_NUMBER) {
      const [offset, length] = [each, each + OLD_NUMBER].map((start) =>
        readNumber(block, [start, OLD_NUMBER], 'sparse map'),
      );
      this.add(offset ?? 0, length ?? 0);
    }
    return block[more] !== 0;
  }

  /** Reads a map of lines: the number of stretches, then two numbers for each; zeros fill up its last block. */
  private textReader(): (block: Buffer) => boolean {
    let missing: number | undefined;
    let line = '';
    let offset: number | undefined;
    return (block) => {
      for (let at = 0; at < BLOCK && missing !== 0;) {
        const end = block.indexOf(NEWLINE, at);
        line += block.toString('latin1', at, end === -1 ? BLOCK : end);
        if (line.length > BLOCK) throw corrupt('has a sparse file with a wrong map');
        if (end === -1) break;
        const value = numberOf(line);
        line = '';
        at = end + 1;
        if (missing === undefined) missing = value;
        else if (offset === undefined) offset = value;
        else {
          this.add(offset, value);
          offset = undefined;
          missing -= 1;
        }
      }
      return missing !== 0;
    };
  }
}

function numberOf(text: string): number {
  if (!NUMBER.test(text)) throw corrupt('has a sparse file with a wrong map');
  return Number(text);
}
