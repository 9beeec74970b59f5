import { bytesToName, StackError } from '../core';
import { BLOCK, fieldName, paddingOf, sortXattrs } from './tar-header';

/** A tar header as it stands in the archive, not yet judged: paths may be absolute or climb. */
export interface TarHeader {
  readonly type: 'file' | 'hardlink' | 'symlink' | 'char' | 'block' | 'directory' | 'fifo';
  readonly path: string;
  readonly link: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  /** Bytes of content that follow; 0 for everything but files. */
  readonly size: number;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReturnType<typeof sortXattrs>;
}

/** Receives what a {@link TarParser} finds. */
export interface TarHandler {
  /** An entry. `offset` is where its content starts in the uncompressed archive. */
  header(header: TarHeader, offset: number): void;
  /** Content of the file announced last. */
  data(chunk: Buffer): void;
}

/** Longest extended header (pax, GNU long name) accepted, in bytes: far above real ones, far below a memory bomb. */
const MAX_EXTENDED = 1024 * 1024;
const MAX_PATH = 4096;
const SCHILY = 'SCHILY.xattr.';
const LIBARCHIVE = 'LIBARCHIVE.xattr.';

const TYPES: Readonly<Record<string, TarHeader['type']>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
};

type PaxRecords = ReadonlyMap<string, Buffer>;

/**
 * Reads a tar as a stream of chunks: ustar, pax and GNU long names, byte-exact (names and xattrs are bytes).
 * Strict: every checksum, number and record is verified, since parsers that guess see different files (CVE-2025-62518).
 * @throws StackError STACK4001 (corrupt or truncated), STACK4003 (a limit), STACK4004 (sparse entries)
 */
export class TarParser {
  private readonly pending: Buffer[] = [];
  private pendingLength = 0;
  private position = 0;
  /** Bytes of content still to come for the current entry, and the padding behind them. */
  private body = 0;
  private padding = 0;
  /** An extended header being collected. */
  private extended: { readonly kind: string; readonly parts: Buffer[] } | undefined;
  private pax: PaxRecords | undefined;
  private longName: Buffer | undefined;
  private longLink: Buffer | undefined;
  private zeroBlocks = 0;

  public constructor(private readonly handler: TarHandler) {}

  /** Bytes read so far. */
  public get bytesRead(): number {
    return this.position;
  }

  /** Takes the next bytes of the archive. */
  public write(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) rest = this.step(rest);
  }

  /** Says that the archive ends here. */
  public end(): void {
    if (this.body > 0 || this.padding > 0 || this.extended !== undefined || this.pendingLength > 0) {
      throw this.corrupt('ends in the middle of an entry');
    }
    if (this.zeroBlocks === 0) throw this.corrupt('has no end-of-archive mark; it seems truncated');
  }

  /** Handles what it can of `bytes`, returns the rest. */
  private step(bytes: Buffer): Buffer {
    if (this.zeroBlocks >= 2) return this.take(bytes, bytes.length).rest; // what follows the end means nothing
    if (this.body > 0) return this.stepBody(bytes);
    if (this.padding > 0) {
      const { taken, rest } = this.take(bytes, this.padding);
      this.padding -= taken.length;
      return rest;
    }
    const { taken, rest } = this.take(bytes, BLOCK - this.pendingLength);
    this.pending.push(taken);
    this.pendingLength += taken.length;
    if (this.pendingLength === BLOCK) {
      const [first] = this.pending;
      const block = this.pending.length === 1 && first !== undefined ? first : Buffer.concat(this.pending);
      this.pending.length = 0;
      this.pendingLength = 0;
      this.readBlock(block);
    }
    return rest;
  }

  private stepBody(bytes: Buffer): Buffer {
    const { taken, rest } = this.take(bytes, this.body);
    this.body -= taken.length;
    if (this.extended === undefined) {
      this.handler.data(taken);
    } else {
      this.extended.parts.push(Buffer.from(taken));
      if (this.body === 0) this.finishExtended();
    }
    return rest;
  }

  private take(bytes: Buffer, most: number): { taken: Buffer; rest: Buffer } {
    const taken = bytes.subarray(0, most);
    this.position += taken.length;
    return { taken, rest: bytes.subarray(taken.length) };
  }

  private readBlock(block: Buffer): void {
    if (block.every((byte) => byte === 0)) {
      this.zeroBlocks += 1;
      return;
    }
    if (this.zeroBlocks > 0) throw this.corrupt('goes on after a zero block');
    this.verifyChecksum(block);
    const flag = String.fromCharCode(block[156] ?? 0);
    const size = this.number(block, 124, 12, 'size');
    if ('xgLK'.includes(flag)) {
      this.startExtended(flag, size);
      return;
    }
    if (flag === 'S' || this.pax?.has('GNU.sparse.major') === true || this.pax?.has('GNU.sparse.map') === true) {
      throw new StackError('STACK4004', 'the archive stores a file as sparse, which is not supported', {
        hint: 'make the archive without --sparse',
      });
    }
    const type = TYPES[flag];
    if (type === undefined) throw this.corrupt(`has an entry of unknown type ${JSON.stringify(flag)}`);
    this.readEntry(block, type, size);
  }

  private readEntry(block: Buffer, type: TarHeader['type'], ustarSize: number): void {
    const pax = this.pax;
    const size = this.paxNumber(pax, 'size') ?? ustarSize;
    if (size < 0) throw this.corrupt('has an entry of negative size');
    const carries = type === 'file' ? size : 0;
    // Some writers state a size for directories and hard links, without content; for the others it would be ambiguous.
    const headerOnly = type !== 'file' && type !== 'directory' && type !== 'hardlink';
    if (headerOnly && size !== 0) throw this.corrupt(`has a ${type} with content`);
    const path = this.text(pax?.get('path') ?? this.longName, this.ustarPath(block));
    // Before POSIX there was no type for directories: a trailing slash said it (pax, "ustar Interchange Format").
    const oldDirectory = type === 'file' && path.endsWith('/') && (block[156] ?? 0) === 0;
    const header: TarHeader = {
      type: oldDirectory ? 'directory' : type,
      path,
      link: this.text(pax?.get('linkpath') ?? this.longLink, fieldName(block.subarray(157, 257))),
      mode: this.number(block, 100, 8, 'mode') & 0o7777,
      uid: this.id(pax, 'uid', block, 108),
      gid: this.id(pax, 'gid', block, 116),
      mtime: Math.floor(this.paxNumber(pax, 'mtime') ?? this.number(block, 136, 12, 'mtime')),
      size: carries,
      major: type === 'char' || type === 'block' ? this.number(block, 329, 8, 'device number') : 0,
      minor: type === 'char' || type === 'block' ? this.number(block, 337, 8, 'device number') : 0,
      xattrs: this.xattrs(pax),
    };
    this.pax = undefined;
    this.longName = undefined;
    this.longLink = undefined;
    this.body = carries;
    this.padding = paddingOf(carries);
    this.handler.header(header, this.position);
  }

  private startExtended(kind: string, size: number): void {
    if (size < 0 || size > MAX_EXTENDED) {
      throw new StackError('STACK4003', `the archive has an extended header of ${String(size)} bytes; at most ${String(MAX_EXTENDED)} are accepted`);
    }
    this.extended = { kind, parts: [] };
    this.body = size;
    this.padding = paddingOf(size);
    if (size === 0) this.finishExtended();
  }

  private finishExtended(): void {
    const { kind, parts } = this.extended ?? { kind: '', parts: [] };
    this.extended = undefined;
    const content = Buffer.concat(parts);
    if (kind === 'x') this.pax = this.parsePax(content);
    else if (kind === 'g') this.parsePax(content); // global headers carry comments (git archive); only checked
    else if (kind === 'L') this.longName = untilNul(content);
    else this.longLink = untilNul(content);
  }

  private parsePax(content: Buffer): PaxRecords {
    const records = new Map<string, Buffer>();
    for (let at = 0; at < content.length; ) {
      const space = content.indexOf(0x20, at);
      const digits = space === -1 ? '' : content.toString('latin1', at, space);
      const end = at + Number(digits);
      const equals = content.indexOf(0x3d, space);
      if (!/^[1-9][0-9]{0,7}$/.test(digits) || end > content.length || content[end - 1] !== 0x0a || equals === -1 || equals >= end) {
        throw this.corrupt('has a malformed pax header');
      }
      records.set(content.toString('utf8', space + 1, equals), content.subarray(equals + 1, end - 1));
      at = end;
    }
    return records;
  }

  private ustarPath(block: Buffer): string {
    const name = fieldName(block.subarray(0, 100));
    const prefixed = block.toString('latin1', 257, 263) === 'ustar\0';
    const prefix = prefixed ? fieldName(block.subarray(345, 500)) : '';
    return prefix === '' ? name : `${prefix}/${name}`;
  }

  private text(bytes: Buffer | undefined, otherwise: string): string {
    if (bytes === undefined) return otherwise;
    if (bytes.length > MAX_PATH) throw new StackError('STACK4003', `the archive has a name of ${String(bytes.length)} bytes; at most ${String(MAX_PATH)} are accepted`);
    if (bytes.includes(0)) throw this.corrupt('has a name with a NUL byte');
    return bytesToName(bytes);
  }

  private id(pax: PaxRecords | undefined, key: 'uid' | 'gid', block: Buffer, at: number): number {
    const value = this.paxNumber(pax, key) ?? this.number(block, at, 8, key);
    if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) throw this.corrupt(`has a ${key} out of range`);
    return value;
  }

  private paxNumber(pax: PaxRecords | undefined, key: string): number | undefined {
    const text = pax?.get(key)?.toString('latin1');
    if (text === undefined) return undefined;
    if (!/^-?[0-9]{1,15}(\.[0-9]*)?$/.test(text) || (key !== 'mtime' && !/^[0-9]+$/.test(text))) {
      throw this.corrupt(`has a pax ${key} that is not a number`);
    }
    return Number(text);
  }

  /** A numeric field: octal text, or base-256 where the first bit is set (GNU). */
  private number(block: Buffer, at: number, width: number, what: string): number {
    const first = block[at] ?? 0;
    if ((first & 0x80) !== 0) {
      let value = BigInt(first & 0x7f);
      for (let i = 1; i < width; i++) value = (value << 8n) | BigInt(block[at + i] ?? 0);
      if ((first & 0x40) !== 0) value -= 1n << BigInt(8 * width - 1);
      const number = Number(value);
      if (!Number.isSafeInteger(number)) throw this.corrupt(`has a ${what} out of range`);
      return number;
    }
    const text = block.toString('latin1', at, at + width).replace(/[\0 ]+$/, '').trimStart();
    if (!/^[0-7]*$/.test(text)) throw this.corrupt(`has a ${what} that is not a number`);
    return text === '' ? 0 : parseInt(text, 8);
  }

  private verifyChecksum(block: Buffer): void {
    let unsigned = 0;
    let signed = 0;
    for (let at = 0; at < BLOCK; at++) {
      const byte = at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
      unsigned += byte;
      signed += byte < 0x80 ? byte : byte - 0x100;
    }
    const stated = this.number(block, 148, 8, 'checksum');
    if (stated !== unsigned && stated !== signed) throw this.corrupt('has a header with a wrong checksum');
  }

  /** Extended attributes, in the spelling of GNU tar and star or of libarchive. */
  private xattrs(pax: PaxRecords | undefined): ReturnType<typeof sortXattrs> {
    if (pax === undefined) return undefined;
    const found = new Map<string, Buffer>();
    for (const [key, value] of pax) {
      if (key.startsWith(LIBARCHIVE)) found.set(this.percentDecoded(key.slice(LIBARCHIVE.length)), Buffer.from(value.toString('latin1'), 'base64'));
    }
    for (const [key, value] of pax) {
      if (key.startsWith(SCHILY)) found.set(key.slice(SCHILY.length), value);
    }
    return sortXattrs(found);
  }

  private percentDecoded(name: string): string {
    try {
      return decodeURIComponent(name);
    } catch {
      throw this.corrupt('has an extended attribute whose name is not valid');
    }
  }

  private corrupt(what: string): StackError {
    return new StackError('STACK4001', `the archive ${what} (at byte ${String(this.position)})`);
  }
}

function untilNul(content: Buffer): Buffer {
  const end = content.indexOf(0);
  return end === -1 ? content : content.subarray(0, end);
}
