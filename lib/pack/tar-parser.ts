import { StackError } from '../core';
import { parsePaxRecords, type PaxRecords } from './pax';
import { isSparseKeyword, type SparseFile } from './sparse';
import { readTarEntry, type Extensions, type TarEntry, type TarHeader } from './tar-entry';
import { corrupt, readNumber, requireTar, verifyChecksum } from './tar-fields';
import { BLOCK, FIELD, paddingOf } from './tar-format';
import { isHole } from './zeros';

/** Receives what a {@link TarParser} finds. */
export interface TarHandler {
  /** An entry. `offset` is where what is stored of its content starts in the archive; of a sparse file that is only its data. */
  header(header: TarHeader, offset: number, isSparse: boolean): void;
  /** Content of the file announced last; holes are `zeros`. */
  data(chunk: Buffer): void;
}

/**
 * Bytes of the longest tar without an entry. Empty archives are what `tar` writes at once, by default 20 blocks; more than
 * that is a disk or a damaged download of zeros.
 */
const EMPTY_ARCHIVE = 20 * BLOCK;

/** Longest extended header (pax, GNU long name) accepted, in bytes: far above real ones, far below a memory bomb. */
const MAX_EXTENDED = 1024 * 1024;

/** Type flags of headers about the next entry, or about all: pax, pax global, GNU long name, GNU long link. */
type ExtendedFlag = 'x' | 'g' | 'L' | 'K';

/**
 * Reads a tar as a stream of chunks: ustar, pax and GNU long names, byte-exact (names and xattrs are bytes).
 * Strict: every checksum, number and record is verified, and what readers are known to understand differently is an
 * error, since an archive that two readers see differently can smuggle files past one of them (CVE-2025-62518).
 * @throws StackError STACK4001 (corrupt or truncated), STACK4003 (a limit), STACK4004 (a form of sparse files)
 */
export class TarParser {
  private readonly block = Buffer.alloc(BLOCK);
  private blockUsed = 0;
  private position = 0;
  /** Bytes of content still to come for the current header, and the padding behind them. */
  private body = 0;
  private padding = 0;
  /** An extended header being collected. */
  private extended: { readonly flag: ExtendedFlag; readonly content: Buffer } | undefined;
  private extensions: Extensions = {};
  /** A sparse file whose map is being collected, and one whose content is being read. */
  private unmapped: (TarEntry & { readonly sparse: SparseFile }) | undefined;
  private sparse: SparseFile | undefined;
  /** Bytes of the holes so far. */
  private holes = 0;
  private zeroBlocks = 0;
  private hasEntries = false;

  public constructor(private readonly handler: TarHandler) {}

  /** Bytes read so far. */
  public get bytesRead(): number {
    return this.position;
  }

  /** Bytes that the archive read so far would have without sparse files. */
  public get bytesExpanded(): number {
    return this.position + this.holes;
  }

  /** Takes the next bytes of the archive. Stops after every piece of a sparse file, so that others get their turn; all steps must be taken. */
  public *write(chunk: Buffer): Generator<void> {
    for (let at = 0; at < chunk.length;) {
      if (this.sparse === undefined) {
        const used = this.step(at === 0 ? chunk : chunk.subarray(at));
        at += used;
        this.position += used;
        if (this.blockUsed === BLOCK) this.readBlock();
      } else {
        const stored = chunk.subarray(at, at + this.body);
        yield* this.stepSparse(this.sparse, stored);
        at += stored.length;
      }
    }
  }

  /**
   * Says that the archive ends here.
   * @param isWhole whether it is certain that nothing was cut off; then the last entry need not be padded, and there need be no
   *   end-of-archive mark: some writers of layers leave them out, and readers do without
   */
  public end(isWhole = false): void {
    if (!this.hasEntries && !isWhole) this.requireArchive();
    const isInside = this.body > 0 || this.blockUsed > 0 || this.unmapped !== undefined;
    if (isInside || (this.padding > 0 && !isWhole)) throw corrupt('ends in the middle of an entry');
    if (Object.keys(this.extensions).length > 0) throw corrupt('has an extended header without an entry');
    if (this.zeroBlocks === 0 && !isWhole) throw corrupt('has no end-of-archive mark; it seems truncated');
  }

  /** Refuses what has no entry and is no empty archive. */
  private requireArchive(): void {
    const { position } = this;
    if (position === 0) throw corrupt('is empty: a tar has at least 1024 bytes');
    if (position > EMPTY_ARCHIVE && this.zeroBlocks > 0) {
      const most = String(EMPTY_ARCHIVE);
      throw corrupt(`begins with zeros and has ${String(position)} bytes: an empty tar has at most ${most}`);
    }
    if (position < BLOCK) throw corrupt(`is no tar: it has ${String(position)} bytes, less than one block`);
  }

  /** Handles the first of `bytes`; returns how many. */
  private step(bytes: Buffer): number {
    if (this.zeroBlocks >= 2) return bytes.length; // what follows the end means nothing
    if (this.body > 0) return this.stepBody(bytes);
    if (this.padding > 0) {
      const used = Math.min(bytes.length, this.padding);
      this.padding -= used;
      return used;
    }
    const used = bytes.copy(this.block, this.blockUsed);
    this.blockUsed += used;
    return used;
  }

  private stepBody(bytes: Buffer): number {
    const part = bytes.length > this.body ? bytes.subarray(0, this.body) : bytes;
    if (this.extended === undefined) {
      this.body -= part.length;
      this.handler.data(part);
      return part.length;
    }
    const { flag, content } = this.extended;
    part.copy(content, content.length - this.body);
    this.body -= part.length;
    if (this.body === 0) {
      this.extended = undefined;
      this.finishExtended(flag, content);
    }
    return part.length;
  }

  private *stepSparse(sparse: SparseFile, stored: Buffer): Generator<void> {
    for (const part of sparse.expand(stored)) {
      if (isHole(part)) this.holes += part.length;
      this.handler.data(part);
      yield;
    }
    this.position += stored.length;
    this.body -= stored.length;
    if (this.body === 0) this.sparse = undefined;
  }

  private readBlock(): void {
    const { block } = this;
    this.blockUsed = 0;
    if (this.unmapped !== undefined) {
      this.readMap(this.unmapped);
      return;
    }
    if (block[0] === 0 && block.every((byte) => byte === 0)) {
      if (Object.keys(this.extensions).length > 0) throw corrupt('has an extended header without an entry');
      this.zeroBlocks += 1;
      return;
    }
    if (this.zeroBlocks > 0) throw corrupt('goes on after a zero block');
    if (!this.hasEntries) requireTar(block);
    this.hasEntries = true;
    verifyChecksum(block);
    const flag = String.fromCharCode(block[FIELD.type[0]] ?? 0);
    if (flag === 'x' || flag === 'g' || flag === 'L' || flag === 'K') {
      this.startExtended(flag, readNumber(block, FIELD.size, 'size'));
      return;
    }
    const { sparse, ...entry } = readTarEntry(block, this.extensions);
    this.extensions = {};
    if (sparse?.isOpen === true) this.unmapped = { ...entry, sparse };
    else this.begin({ ...entry, sparse });
  }

  /** A block of a sparse file's map: behind the header in GNU's old form, part of what is stored in pax 1.0. */
  private readMap({ header, stored, sparse }: TarEntry & { readonly sparse: SparseFile }): void {
    const left = sparse.isInData ? stored - BLOCK : stored;
    sparse.addBlock(this.block);
    const entry = { header, stored: left, sparse };
    this.unmapped = sparse.isOpen ? entry : undefined;
    if (!sparse.isOpen) this.begin(entry);
  }

  private begin({ header, stored, sparse }: TarEntry): void {
    sparse?.requireStored(stored);
    this.sparse = sparse;
    this.body = stored;
    this.padding = paddingOf(stored);
    this.handler.header(header, this.position, sparse !== undefined);
  }

  /** Sizes in front of an extended header are its own: a pax size is about the entry behind it (CVE-2025-62518). */
  private startExtended(flag: ExtendedFlag, size: number): void {
    if (size > MAX_EXTENDED) {
      const most = String(MAX_EXTENDED);
      throw new StackError(
        'STACK4003',
        `the archive has an extended header of ${String(size)} bytes; at most ${most} are accepted`,
      );
    }
    if (size < 0) throw corrupt('has an extended header of negative size');
    const content = Buffer.allocUnsafe(size);
    this.body = size;
    this.padding = paddingOf(size);
    if (size === 0) this.finishExtended(flag, content);
    else this.extended = { flag, content };
  }

  private finishExtended(flag: ExtendedFlag, content: Buffer): void {
    switch (flag) {
      case 'g':
        refuseMeaningful(parsePax(content));
        return;
      case 'x':
        this.extend('pax', { pax: parsePax(content) });
        return;
      case 'L':
        this.extend('longName', { longName: untilNul(content) });
        return;
      case 'K':
        this.extend('longLink', { longLink: untilNul(content) });
        return;
    }
  }

  private extend(key: keyof Extensions, extension: Extensions): void {
    if (this.extensions[key] !== undefined) throw corrupt('has two extended headers of a kind for one entry');
    this.extensions = { ...this.extensions, ...extension };
  }
}

function parsePax(content: Buffer): PaxRecords {
  const records = parsePaxRecords(content);
  if (records === undefined) throw corrupt('has a malformed pax header');
  return records;
}

/**
 * A global header is for comments (git archive). What it says about entries, some readers heed and others do not,
 * container runtimes among these.
 */
function refuseMeaningful(records: PaxRecords): void {
  for (const keyword of records.keys()) {
    if (/^(path|linkpath|size|uid|gid|mtime)$|\.xattr\./.test(keyword) || isSparseKeyword(keyword)) {
      throw corrupt(`sets the ${keyword} of all entries at once, which readers disagree on`);
    }
  }
}

function untilNul(content: Buffer): Buffer {
  const end = content.indexOf(0);
  return end === -1 ? content : content.subarray(0, end);
}
