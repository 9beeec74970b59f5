import { StackError } from '../core';
import type { Content, Entry } from './entry';
import { parseIndexLine } from './path-index';

const START = '{"path":"';
/** From the quote that ends the path to the first letter of the type: `","type":"`. */
const TO_TYPE = 10;
/** Bytes that are made into text at a time: a text has fewer than 2^29 characters. */
const CHUNK = 16 * 1024 * 1024;
const NEWLINE = 0x0a;
/** Nobody reads contents through a path list. */
const NO_CONTENT: Content = { kind: 'bytes', bytes: Buffer.alloc(0) };

type EntryType = Entry['type'];

/** Types by their first letter, but for the two that share one. */
const BY_LETTER: ReadonlyMap<number, EntryType> = new Map(
  (['directory', 'symlink', 'hardlink', 'char', 'block', 'whiteout'] as const).map((type) => [
    type.charCodeAt(0),
    type,
  ]),
);

/**
 * A path index of which only paths and types are taken apart at once: a million entries as objects would take more room and
 * time than everything that is done with them. Lines and paths are slices of the whole text, which V8 does not copy.
 */
export class PathList {
  /**
   * @param bytes index lines, sorted by the bytes of their paths
   * @throws StackError STACK7001 when they are none
   */
  public static parse(bytes: Buffer): PathList {
    const list = new PathList();
    for (let from = 0; from < bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, Math.min(from + CHUNK, bytes.length - 1));
      if (newline === -1) throw damaged();
      const text = bytes.toString('utf8', from, newline + 1);
      if (text.length < newline + 1 - from) list.plain = false;
      list.add(text);
      from = newline + 1;
    }
    return list;
  }

  public readonly paths: string[] = [];
  public readonly types: EntryType[] = [];
  private readonly lines: string[] = [];
  private plain = true;

  /** Whether all paths are plain ASCII, so that they need not be compared byte by byte. */
  public get isAscii(): boolean {
    return this.plain;
  }

  /** The whole entry; the content of a file is not there. */
  public entry(at: number): Entry {
    return parseIndexLine(this.lines[at] ?? '', () => NO_CONTENT);
  }

  /** Whether a directory hides what lower layers have in it. */
  public isOpaque(at: number): boolean {
    return this.types[at] === 'directory' && this.lines[at]?.endsWith('"opaque":true}') === true;
  }

  /** Whether two entries are the same in everything. */
  public isSame(at: number, other: PathList, otherAt: number): boolean {
    return this.lines[at] === other.lines[otherAt];
  }

  private add(text: string): void {
    for (let at = 0; at < text.length;) {
      const newline = text.indexOf('\n', at);
      const line = text.slice(at, newline);
      const end = endOfPath(line);
      const type = typeAt(line, end + TO_TYPE);
      if (type === undefined || !line.startsWith(START)) throw damaged();
      const path = line.slice(START.length, end);
      if (path.includes('\\')) {
        this.plain = false;
        this.paths.push(JSON.parse(`"${path}"`) as string);
      } else {
        this.paths.push(path);
      }
      this.types.push(type);
      this.lines.push(line);
      at = newline + 1;
    }
  }
}

function typeAt(line: string, at: number): EntryType | undefined {
  const letter = line.charCodeAt(at);
  if (letter !== 0x66) return BY_LETTER.get(letter);
  return line.charCodeAt(at + 2) === 0x6c ? 'file' : 'fifo';
}

/** Where the quote behind the path is: one that no odd number of backslashes precedes. */
function endOfPath(line: string): number {
  for (let end = line.indexOf('"', START.length); ; end = line.indexOf('"', end + 1)) {
    let from = end;
    while (line.charAt(from - 1) === '\\') from -= 1;
    if ((end - from) % 2 === 0) return end;
  }
}

function damaged(): StackError {
  return new StackError('STACK7001', 'a path index in the local store is damaged', {
    hint: 'remove the store; it is filled again as needed',
  });
}
