import * as fs from 'node:fs';
import { damagedFile, errnoOf, messageOf, nameToBytes, StackError } from '../core';
import { ContentHash } from './content-hash';
import type { Content, FileEntry, FileIdentity } from './entry';
import { zeros } from './zeros';

/** Bytes read at a time. */
const READ_SIZE = 1024 * 1024;
/** A pipe in the place of a file must not be waited for. */
const OPEN_FLAGS = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK;
/** What opening a file gives that was there when it was looked at and is not any more. */
const VANISHED: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO']);

type HostContent = Extract<Content, { kind: 'host' }>;
type SliceContent = Extract<Content, { kind: 'slice' }>;

/** What a file is now, to be compared with what it was. */
export function identityOf(stat: fs.BigIntStats): FileIdentity {
  return {
    device: Number(stat.dev),
    inode: Number(stat.ino),
    size: Number(stat.size),
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
  };
}

/** Whether a file is still the one that was looked at. */
export function sameIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return (
    a.device === b.device &&
    a.inode === b.inode &&
    a.size === b.size &&
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs
  );
}

/**
 * Reads contents, synchronously: per file that costs a fifth of what promises do, and the work behind it runs in the
 * thread pool anyway. Store files stay open from one slice to the next.
 */
export class ContentReader {
  private readonly buffer = Buffer.allocUnsafeSlow(READ_SIZE);
  private slices: { readonly file: string; readonly fd: number } | undefined;

  /**
   * The content of a file in chunks, exactly `entry.size` bytes; each chunk is valid until the next is asked for.
   * @throws StackError STACK3002 when a file of the user's changed, STACK3003 when it cannot be read, STACK7004 when
   *   one of the store is damaged, which may show only at the end
   */
  public *read(entry: FileEntry): Generator<Buffer> {
    const { content, size } = entry;
    switch (content.kind) {
      case 'bytes':
        if (content.bytes.length !== size)
          throw new StackError('STACK9001', `'${entry.path}' is not as long as it says`);
        if (size > 0) yield content.bytes;
        return;
      case 'slice':
        if (size > 0) yield* content.check === true ? this.checked(entry, content) : this.readSlice(content, size);
        return;
      case 'host':
        yield* this.readHost(content, size);
        return;
    }
  }

  /** Closes what is open. */
  public close(): void {
    if (this.slices !== undefined) fs.closeSync(this.slices.fd);
    this.slices = undefined;
  }

  private *checked({ sha256, size }: FileEntry, content: SliceContent): Generator<Buffer> {
    const hash = new ContentHash(size);
    for (const chunk of this.readSlice(content, size)) {
      hash.update(chunk);
      yield chunk;
    }
    if (sha256 !== undefined && hash.digest() !== sha256) throw damagedFile(content.file);
  }

  private *readSlice(content: SliceContent, size: number): Generator<Buffer> {
    const { file, offset, data = [{ offset: 0, length: size }] } = content;
    let fd: number;
    try {
      fd = this.openSlices(file);
    } catch (error) {
      throw damagedFile(file, error);
    }
    let at = 0;
    let stored = offset;
    for (const stretch of data) {
      yield* zeros(stretch.offset - at);
      yield* this.readRange(fd, stored, stretch.length, (cause) => damagedFile(file, cause));
      at = stretch.offset + stretch.length;
      stored += stretch.length;
    }
    yield* zeros(size - at);
  }

  private openSlices(file: string): number {
    if (this.slices?.file === file) return this.slices.fd;
    this.close();
    this.slices = { file, fd: fs.openSync(file, 'r') };
    return this.slices.fd;
  }

  /** The file is told by its identity, not its name: a link that was followed is followed again, a swapped one is noticed. */
  private *readHost(content: HostContent, size: number): Generator<Buffer> {
    const fd = openHost(content);
    try {
      verifyUnchanged(content, fd);
      yield* this.readRange(fd, 0, size, (cause) =>
        cause === undefined ? changed(content.file) : unreadable(content.file, cause),
      );
      verifyUnchanged(content, fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  /** @param failure the error when reading fails, or without a cause when the file ends too early */
  private *readRange(
    fd: number,
    offset: number,
    size: number,
    failure: (cause?: unknown) => StackError,
  ): Generator<Buffer> {
    for (let at = 0; at < size;) {
      let length: number;
      try {
        length = fs.readSync(fd, this.buffer, 0, Math.min(READ_SIZE, size - at), offset + at);
      } catch (error) {
        throw failure(error);
      }
      if (length === 0) throw failure();
      at += length;
      yield this.buffer.subarray(0, length);
    }
  }
}

function openHost({ file }: HostContent): number {
  try {
    return fs.openSync(nameToBytes(file), OPEN_FLAGS);
  } catch (error) {
    throw VANISHED.has(errnoOf(error)) ? changed(file, error) : unreadable(file, error);
  }
}

function verifyUnchanged({ file, identity }: HostContent, fd: number): void {
  if (!sameIdentity(identity, identityOf(fs.fstatSync(fd, { bigint: true })))) throw changed(file);
}

function changed(file: string, cause?: unknown): StackError {
  return new StackError('STACK3002', `'${file}' changed while it was being packed`, {
    hint: 'deploy again when nothing writes to it',
    cause,
  });
}

function unreadable(file: string, cause: unknown): StackError {
  return new StackError('STACK3003', `cannot read '${file}': ${messageOf(cause)}`, { cause });
}

/**
 * The whole content of a small file.
 * @throws StackError as `ContentReader.read`
 */
export function readContent(entry: FileEntry): Buffer {
  const reader = new ContentReader();
  try {
    return Buffer.concat(Array.from(reader.read(entry), (chunk) => Buffer.from(chunk))); // the reader reuses its buffer
  } finally {
    reader.close();
  }
}
