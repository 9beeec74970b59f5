import { createHash, type Hash } from 'node:crypto';
import * as fs from 'node:fs';
import { messageOf, nameToBytes, StackError } from '../core';
import type { Content, Entry, FileEntry, FileIdentity, Tree } from './entry';
import type { PackedBlob, Sink } from './sink';
import { indexLine } from './tree';

/** Bytes read at a time. */
const READ_SIZE = 1024 * 1024;

/** What one walk over a tree gave. */
export interface PackResult {
  /** One per sink, in their order. */
  readonly blobs: readonly PackedBlob[];
  /** sha256 over the path index; see `treeDigest`. */
  readonly treeDigest: string;
  /** sha256 by path of the files whose content was hashed on this walk, 64 hex characters each. */
  readonly hashed: ReadonlyMap<string, string>;
}

/** Hooks of a walk. */
export interface PackOptions {
  /** Called with the bytes of content read since the last call. */
  readonly onProgress?: (bytes: number) => void;
  /** Gets the path index line by line. */
  readonly onIndexLine?: (line: string) => void;
}

/**
 * Walks a tree once and feeds every sink: each file is opened and read once, hashed while it passes unless its sha256 is known.
 * On failure every sink is aborted; the files they began are for the caller to remove.
 * @throws StackError STACK3002 when a file of the user's changed meanwhile, STACK3003 when one cannot be read
 */
export async function packTree(tree: Tree, sinks: readonly Sink[], options: PackOptions = {}): Promise<PackResult> {
  const reader = new ContentReader();
  const index = createHash('sha256');
  const hashed = new Map<string, string>();
  try {
    for (const entry of tree) {
      for (const sink of sinks) {
        const busy = sink.entry(entry);
        if (busy !== undefined) await busy;
      }
      let sha256: string | undefined;
      if (entry.type === 'file') {
        sha256 = entry.sha256;
        const hash = sha256 === undefined ? createHash('sha256') : undefined;
        if (entry.size > 0) await feed(reader, entry, hash, sinks);
        if (hash !== undefined) {
          sha256 = hash.digest('hex');
          hashed.set(entry.path, sha256);
        }
        options.onProgress?.(entry.size);
      }
      const line = indexLine(entry, sha256);
      index.update(`${line}\n`);
      options.onIndexLine?.(line);
    }
    const blobs = await Promise.all(sinks.map((sink) => sink.finish()));
    return { blobs, treeDigest: `sha256:${index.digest('hex')}`, hashed };
  } catch (error) {
    await Promise.allSettled(sinks.map((sink) => sink.abort()));
    throw error;
  } finally {
    reader.close();
  }
}

async function feed(reader: ContentReader, entry: FileEntry, hash: Hash | undefined, sinks: readonly Sink[]): Promise<void> {
  for (const chunk of reader.read(entry)) {
    hash?.update(chunk);
    for (const sink of sinks) {
      const busy = sink.data(chunk);
      if (busy !== undefined) await busy;
    }
  }
}

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
    a.device === b.device && a.inode === b.inode && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs
  );
}

/**
 * Reads contents, synchronously: per file that costs a fifth of what promises do, and the work behind it runs in the
 * thread pool anyway. Store files stay open from one slice to the next.
 */
export class ContentReader {
  private readonly buffer = Buffer.allocUnsafe(READ_SIZE);
  private slices: { readonly file: string; readonly fd: number } | undefined;

  /** The content of a file in chunks; each is valid until the next is asked for. */
  public *read(entry: FileEntry): Generator<Buffer> {
    const { content } = entry;
    if (content.kind === 'bytes') yield content.bytes;
    else if (content.kind === 'slice') yield* this.readRange(this.openSlice(content.file), entry, content.offset);
    else yield* this.readHost(entry, content);
  }

  /** Closes what is open. */
  public close(): void {
    if (this.slices !== undefined) fs.closeSync(this.slices.fd);
    this.slices = undefined;
  }

  private openSlice(file: string): number {
    if (this.slices?.file === file) return this.slices.fd;
    this.close();
    this.slices = { file, fd: fs.openSync(file, 'r') };
    return this.slices.fd;
  }

  private *readHost(entry: FileEntry, content: Extract<Content, { kind: 'host' }>): Generator<Buffer> {
    let fd: number;
    try {
      fd = fs.openSync(nameToBytes(content.file), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    } catch (error) {
      throw new StackError('STACK3003', `cannot read '${content.file}': ${messageOf(error)}`, { cause: error });
    }
    try {
      verifyUnchanged(content, fd);
      yield* this.readRange(fd, entry, 0);
      verifyUnchanged(content, fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  private *readRange(fd: number, entry: FileEntry, offset: number): Generator<Buffer> {
    for (let at = 0; at < entry.size; ) {
      const length = fs.readSync(fd, this.buffer, 0, Math.min(READ_SIZE, entry.size - at), offset + at);
      if (length === 0) throw new StackError('STACK3002', `'${entry.path}' became shorter while it was read`);
      at += length;
      yield this.buffer.subarray(0, length);
    }
  }
}

function verifyUnchanged(content: Extract<Content, { kind: 'host' }>, fd: number): void {
  if (sameIdentity(content.identity, identityOf(fs.fstatSync(fd, { bigint: true })))) return;
  throw new StackError('STACK3002', `'${content.file}' changed while it was being packed`, {
    hint: 'deploy again when nothing writes to it',
  });
}

/** Bytes of content in a tree. */
export function contentSize(tree: Iterable<Entry>): number {
  let size = 0;
  for (const entry of tree) if (entry.type === 'file') size += entry.size;
  return size;
}
