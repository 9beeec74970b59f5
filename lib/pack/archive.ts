import { createHash, type Hash } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { StackError } from '../core';
import type { Entry, FileEntry, Metadata, Tree } from './entry';
import { whiteoutOf } from './tar-header';
import { sortTree } from './tree';
import { TarParser, type TarHandler, type TarHeader } from './tar-parser';

/** Bounds on what one archive may unpack to: far above real images, below what hurts (archives.md, bombs). */
export interface ArchiveLimits {
  readonly entries: number;
  /** Uncompressed bytes. */
  readonly bytes: number;
  readonly depth: number;
}

export const ARCHIVE_LIMITS: ArchiveLimits = { entries: 5_000_000, bytes: 256 * 1024 ** 3, depth: 255 };

/** What an archive holds; contents are slices of the uncompressed copy. */
export interface Archive {
  readonly tree: Tree;
  /** Digest of the uncompressed tar. */
  readonly diffId: string;
  /** Bytes of the uncompressed tar. */
  readonly size: number;
}

/** How an archive is read. */
export interface ReadArchiveOptions {
  /** Where the uncompressed tar is kept; the contents of the tree point into it. Created, must not exist. */
  readonly copy: string;
  /** Name of the archive for messages. */
  readonly name: string;
  /** True: an OCI layer, whose `.wh.` names remove files. False: a root filesystem, where they cannot be kept. */
  readonly layer: boolean;
  readonly limits?: ArchiveLimits;
}

/**
 * Reads an uncompressed tar from outside in one pass: keeps a copy, hashes every file, and builds its tree without
 * creating any of its files, so nothing in it can reach the host's file system (archives.md, rule 1).
 *
 * @throws StackError STACK4001 to STACK4006, naming the archive; the copy is then useless and for the caller to remove
 */
export async function readArchive(chunks: AsyncIterable<Buffer>, options: ReadArchiveOptions): Promise<Archive> {
  const limits = options.limits ?? ARCHIVE_LIMITS;
  const builder = new TreeBuilder(options.copy, options.layer, limits);
  const parser = new TarParser(builder);
  const hash = createHash('sha256');
  const handle = await fs.open(options.copy, 'wx', 0o600);
  try {
    for await (const chunk of chunks) {
      if (parser.bytesRead + chunk.length > limits.bytes) {
        throw new StackError('STACK4003', `it unpacks to more than ${String(limits.bytes)} bytes`);
      }
      parser.write(chunk);
      hash.update(chunk);
      for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten;
    }
    parser.end();
    return { tree: builder.tree(), diffId: `sha256:${hash.digest('hex')}`, size: parser.bytesRead };
  } catch (error) {
    if (!StackError.is(error)) throw error;
    throw new StackError(error.code, `${options.name}: ${error.message}`, { hint: error.hint, cause: error });
  } finally {
    await handle.close();
  }
}

/** Collects the entries of an archive, judging every path. */
class TreeBuilder implements TarHandler {
  private readonly entries = new Map<string, Entry>();
  private readonly opaque = new Set<string>();
  private open: { readonly entry: Omit<FileEntry, 'sha256'>; readonly hash: Hash; remaining: number } | undefined;

  public constructor(
    private readonly copy: string,
    private readonly layer: boolean,
    private readonly limits: ArchiveLimits,
  ) {}

  public header(header: TarHeader, offset: number): void {
    const path = this.locate(header.path);
    const whiteout = whiteoutOf(path);
    if (whiteout !== undefined) {
      if (!this.layer) throw new StackError('STACK4004', `'/${path}' cannot be kept: names that start with .wh. mean removed files in a layer`);
      if (whiteout.kind === 'opaque') this.opaque.add(whiteout.path);
      else this.add({ type: 'whiteout', path: whiteout.path });
      return;
    }
    const { mode, uid, gid, mtime, xattrs } = header;
    const metadata: Metadata = { mode, uid, gid, mtime, ...(xattrs === undefined ? {} : { xattrs }) };
    switch (header.type) {
      case 'file':
        this.startFile({ type: 'file', path, ...metadata, size: header.size, content: { kind: 'slice', file: this.copy, offset } });
        return;
      case 'directory':
        this.add({ type: 'directory', path, ...metadata });
        return;
      case 'symlink':
        if (header.link === '') throw new StackError('STACK4001', `'/${path}' is a symbolic link to nothing`);
        this.add({ type: 'symlink', path, ...metadata, target: header.link });
        return;
      case 'char':
      case 'block':
        this.add(
          header.type === 'char' && header.major === 0 && header.minor === 0 && this.layer
            ? { type: 'whiteout', path } // overlayfs' own form of a removed file
            : { type: header.type, path, ...metadata, major: header.major, minor: header.minor },
        );
        return;
      case 'fifo':
        this.add({ type: 'fifo', path, ...metadata });
        return;
      case 'hardlink':
        this.addHardlink(path, this.locate(header.link));
        return;
    }
  }

  public data(chunk: Buffer): void {
    if (this.open === undefined) return;
    this.open.hash.update(chunk);
    this.open.remaining -= chunk.length;
    if (this.open.remaining === 0) this.finishFile();
  }

  /** The entries in order of their paths. */
  public tree(): Tree {
    for (const path of this.opaque) {
      const directory = this.entries.get(path);
      if (directory?.type === 'directory') this.entries.set(path, { ...directory, opaque: true });
      else this.entries.set(path, { type: 'directory', path, mode: 0o755, uid: 0, gid: 0, mtime: 0, opaque: true });
    }
    return sortTree(this.entries.values());
  }

  private startFile(entry: Omit<FileEntry, 'sha256'>): void {
    this.open = { entry, hash: createHash('sha256'), remaining: entry.size };
    if (entry.size === 0) this.finishFile();
  }

  private finishFile(): void {
    if (this.open === undefined) return;
    this.add({ ...this.open.entry, sha256: this.open.hash.digest('hex') });
    this.open = undefined;
  }

  /** A hard link's target must be a file of this archive that came before; its name is relative to the root (rule 2). */
  private addHardlink(path: string, target: string): void {
    const entry = this.entries.get(target);
    if (entry === undefined || path === target) {
      throw new StackError('STACK4002', `'/${path}' is a hard link to '/${target}', which is not in the archive before it`);
    }
    if (entry.type === 'symlink' || entry.type === 'char' || entry.type === 'block' || entry.type === 'fifo') {
      this.add({ ...entry, path });
      return;
    }
    if (entry.type !== 'file' && entry.type !== 'hardlink') {
      throw new StackError('STACK4002', `'/${path}' is a hard link to '/${target}', which is a ${entry.type}`);
    }
    const { mode, uid, gid, mtime, xattrs } = entry;
    this.add({
      type: 'hardlink',
      path,
      target: entry.type === 'hardlink' ? entry.target : target,
      ...{ mode, uid, gid, mtime, ...(xattrs === undefined ? {} : { xattrs }) },
    });
  }

  private add(entry: Entry): void {
    const previous = this.entries.get(entry.path);
    if (previous !== undefined && previous.type !== entry.type) {
      throw new StackError('STACK4006', `'/${entry.path}' is in it both as a ${previous.type} and as a ${entry.type}`);
    }
    if (this.entries.size >= this.limits.entries) {
      throw new StackError('STACK4003', `it has more than ${String(this.limits.entries)} entries`);
    }
    this.entries.set(entry.path, entry);
  }

  /** The path of an entry inside the root, with parents that are symbolic links of the archive followed within it. */
  private locate(name: string): string {
    const parts = this.components(name);
    let path = '';
    for (const [index, part] of parts.entries()) {
      path = path === '' ? part : `${path}/${part}`;
      if (index < parts.length - 1) path = this.followParent(name, path, 0);
    }
    return path;
  }

  private components(name: string): string[] {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) throw new StackError('STACK4002', `'${name}' climbs out with '..'`);
    if (parts.length > this.limits.depth) {
      throw new StackError('STACK4003', `'${name.slice(0, 80)}…' is more than ${String(this.limits.depth)} directories deep`);
    }
    return parts;
  }

  private followParent(name: string, path: string, hops: number): string {
    const parent = this.entries.get(path);
    if (parent === undefined || parent.type === 'directory') return path;
    if (parent.type !== 'symlink') throw new StackError('STACK4006', `'${name}' lies below '/${path}', which is a ${parent.type}`);
    const inside = parent.target.startsWith('/') || hops > 40 ? undefined : join(path.slice(0, path.lastIndexOf('/') + 1), parent.target);
    if (inside === undefined) {
      throw new StackError('STACK4002', `'${name}' goes through the symbolic link '/${path}' -> '${parent.target}' out of the archive's root`);
    }
    return this.followParent(name, inside, hops + 1);
  }
}

/** A relative link target seen from `directory`; undefined when it climbs above the root. */
function join(directory: string, target: string): string | undefined {
  const parts: string[] = [];
  for (const part of `${directory}${target}`.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}
