import { isAscii } from 'node:buffer';
import { compareNames, lowerBound, StackError } from '../core';
import type { Content, Entry } from './entry';
import { parseIndexLine } from './path-index';

const START = '{"path":"';
/** How the line of an opaque directory ends. */
const OPAQUE = '"opaque":true}';
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

/** Paths that follow each other in one directory. */
export interface PathGroup {
  readonly directory: string;
  /** Position of the first one; the next group is behind the last one. */
  readonly from: number;
}

/**
 * A path index that is taken apart only where somebody looks: a million entries as objects would take more room and time than
 * everything that is done with them. Of each line it is known where it starts and where its path ends.
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
      const chunk = bytes.subarray(from, newline + 1);
      list.plain &&= isAscii(chunk);
      list.add(chunk.toString(list.plain ? 'latin1' : 'utf8')); // which is the same there, but four times as fast
      from = newline + 1;
    }
    return list;
  }

  /** Directories, described or not, in which paths are. */
  public readonly groups: PathGroup[] = [];
  /** Positions of symbolic links. */
  public readonly symlinks: number[] = [];
  /** Positions of whiteouts and opaque directories. */
  public readonly marks: number[] = [];
  /** The lines, with the position of the first one of each. */
  private readonly texts: { readonly text: string; readonly first: number }[] = [];
  /** Of each line, in its text. */
  private readonly starts: number[] = [];
  /** Of each line, in its text: the quote behind the path. */
  private readonly pathEnds: number[] = [];
  private plain = true;

  /** How many paths there are. */
  public get size(): number {
    return this.starts.length;
  }

  /** Whether it is certain that all paths are plain ASCII, so that they need not be compared byte by byte. */
  public get isAscii(): boolean {
    return this.plain;
  }

  /** The path at a position. */
  public path(at: number): string {
    const path = this.textOf(at).text.slice(this.startOf(at) + START.length, this.pathEnds[at]);
    return this.plain ? path : unescaped(path);
  }

  public type(at: number): EntryType {
    const type = typeAt(this.textOf(at).text, (this.pathEnds[at] ?? 0) + TO_TYPE);
    if (type === undefined) throw new RangeError(`there is no path ${String(at)}`);
    return type;
  }

  /** The whole entry; the content of a file is not there. */
  public entry(at: number): Entry {
    return parseIndexLine(this.line(at), () => NO_CONTENT);
  }

  /** Position of a path. */
  public find(path: string): number | undefined {
    const at = this.firstFrom(path);
    return at < this.size && this.path(at) === path ? at : undefined;
  }

  /** Position of the first path that is not before another one. */
  public firstFrom(path: string): number {
    return lowerBound(this.size, (at) => this.isBefore(this.path(at), path));
  }

  /** Whether a directory hides what lower layers have in it. */
  public isOpaque(at: number): boolean {
    return this.type(at) === 'directory' && this.line(at).endsWith(OPAQUE);
  }

  /** Whether two entries are the same in everything. */
  public isSame(at: number, other: PathList, otherAt: number): boolean {
    return this.line(at) === other.line(otherAt);
  }

  private isBefore(path: string, other: string): boolean {
    return this.plain ? path < other : compareNames(path, other) < 0;
  }

  private line(at: number): string {
    const { text, first } = this.textOf(at);
    const isLast = at + 1 === this.size || this.textOf(at + 1).first !== first;
    return text.slice(this.startOf(at), (isLast ? text.length : this.startOf(at + 1)) - 1);
  }

  private startOf(at: number): number {
    return this.starts[at] ?? 0;
  }

  private textOf(at: number): { readonly text: string; readonly first: number } {
    let found = this.texts.length - 1;
    while (found > 0 && (this.texts[found]?.first ?? 0) > at) found -= 1;
    return this.texts[found] ?? { text: '', first: 0 };
  }

  /** Takes whole lines apart. */
  private add(text: string): void {
    this.texts.push({ text, first: this.size });
    let directory: string | undefined;
    for (let start = 0; start < text.length;) {
      const newline = text.indexOf('\n', start);
      const path = start + START.length;
      const end = endOfPath(text, path);
      const type = typeAt(text, end + TO_TYPE);
      const isLine = text.startsWith(START, start) && path <= end && end < newline;
      if (type === undefined || !isLine) throw damaged();
      const length = Math.max(text.slice(path, end).lastIndexOf('/'), 0);
      if (directory?.length !== length || !text.startsWith(directory, path)) {
        directory = text.slice(path, path + length);
        this.groups.push({ directory: unescaped(directory), from: this.size });
      }
      if (type === 'symlink') this.symlinks.push(this.size);
      if (type === 'whiteout' || (type === 'directory' && text.endsWith(OPAQUE, newline))) this.marks.push(this.size);
      this.starts.push(start);
      this.pathEnds.push(end);
      start = newline + 1;
    }
    if (text.includes('\\')) this.plain = false;
  }
}

/** A path as it stands in JSON. */
function unescaped(path: string): string {
  if (!path.includes('\\')) return path;
  try {
    return JSON.parse(`"${path}"`) as string;
  } catch {
    throw damaged();
  }
}

function typeAt(text: string, at: number): EntryType | undefined {
  const letter = text.charCodeAt(at);
  if (letter !== 0x66) return BY_LETTER.get(letter);
  return text.charCodeAt(at + 2) === 0x6c ? 'file' : 'fifo';
}

/** Where the quote behind a path is: the first one that no odd number of backslashes precedes. */
function endOfPath(text: string, path: number): number {
  for (let end = text.indexOf('"', path); ; end = text.indexOf('"', end + 1)) {
    let from = end;
    while (from > path && text.charAt(from - 1) === '\\') from -= 1;
    if ((end - from) % 2 === 0) return end;
  }
}

function damaged(): StackError {
  return new StackError('STACK7001', 'a path index in the local store is damaged', {
    hint: 'remove the store; it is filled again as needed',
  });
}
