import { StackError } from '../core';
import type { Content, Entry } from './entry';
import { parseIndexLine } from './path-index';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;
const START = '{"path":"';
/** From the quote that ends the path to the first letter of the type: `","type":"`. */
const TO_TYPE = 10;
/** Nobody reads contents through a path list. */
const NO_CONTENT: Content = { kind: 'bytes', bytes: Buffer.alloc(0) };

type EntryType = Entry['type'];

/** Types by their first letter, but for the two that share one. */
const BY_LETTER: ReadonlyMap<number, EntryType> = new Map(
  (['directory', 'symlink', 'hardlink', 'char', 'block', 'whiteout'] as const).map((type) => [type.charCodeAt(0), type]),
);

/**
 * A path index as it lies in the store, of which only paths and types are taken apart at once: a million entries as objects
 * would take more room and time than everything that is done with them.
 */
export class PathList {
  /**
   * @param bytes index lines, sorted by the bytes of their paths; kept
   * @throws StackError STACK7001 when they are none
   */
  public static parse(bytes: Buffer): PathList {
    const paths: string[] = [];
    const types: EntryType[] = [];
    const starts: number[] = [];
    let seen = 0; // all bits of all bytes of the paths
    let at = 0;
    while (at < bytes.length) {
      const from = at + START.length;
      let end = from;
      let isEscaped = false;
      let bits = 0;
      for (let byte = bytes[end]; byte !== QUOTE && byte !== undefined; byte = bytes[end]) {
        bits |= byte;
        if (byte === BACKSLASH) isEscaped = true;
        end += byte === BACKSLASH ? 2 : 1;
      }
      seen |= bits;
      const type = typeAt(bytes, end + TO_TYPE);
      let newline = end + TO_TYPE;
      while (newline < bytes.length && bytes[newline] !== NEWLINE) newline += 1;
      if (type === undefined || newline >= bytes.length || bytes[from - 1] !== QUOTE) throw damaged();
      if (isEscaped) paths.push(JSON.parse(bytes.toString('utf8', from - 1, end + 1)) as string);
      else paths.push(bytes.toString(bits < 0x80 ? 'latin1' : 'utf8', from, end));
      if (isEscaped) seen |= 0x80;
      types.push(type);
      starts.push(at);
      at = newline + 1;
    }
    starts.push(at);
    return new PathList(bytes, paths, types, starts, seen < 0x80);
  }

  private constructor(
    private readonly bytes: Buffer,
    public readonly paths: readonly string[],
    public readonly types: readonly EntryType[],
    private readonly starts: readonly number[],
    /** Whether all paths are plain ASCII, so that they need not be compared byte by byte. */
    public readonly isAscii: boolean,
  ) {}

  /** The whole entry; the content of a file is not there. */
  public entry(at: number): Entry {
    return parseIndexLine(this.bytes.toString('utf8', this.start(at), this.start(at + 1) - 1), () => NO_CONTENT);
  }

  /** Whether a directory hides what lower layers have in it. */
  public isOpaque(at: number): boolean {
    return this.types[at] === 'directory' && this.bytes[this.start(at + 1) - 3] === 0x65; // `…"opaque":true}`
  }

  /** Whether two entries are the same in everything. */
  public isSame(at: number, other: PathList, otherAt: number): boolean {
    const [from, to] = [other.start(otherAt), other.start(otherAt + 1)];
    return this.bytes.compare(other.bytes, from, to, this.start(at), this.start(at + 1)) === 0;
  }

  private start(at: number): number {
    return this.starts[at] ?? this.bytes.length;
  }
}

function typeAt(bytes: Buffer, at: number): EntryType | undefined {
  const letter = bytes[at] ?? 0;
  if (letter !== 0x66) return BY_LETTER.get(letter);
  return bytes[at + 2] === 0x6c ? 'file' : 'fifo';
}

function damaged(): StackError {
  return new StackError('STACK7001', 'a path index in the local store is damaged', {
    hint: 'remove the store; it is filled again as needed',
  });
}
