import { StackError } from '../core';
import type { ArchiveLimits } from './archive-limits';
import { ContentHash } from './content-hash';
import type { Entry, FileEntry, Metadata, Tree } from './entry';
import { StretchList } from './stretches';
import type { TarHeader } from './tar-entry';
import type { TarHandler } from './tar-parser';
import {
  addAncestors,
  ancestorsOf,
  hardlinkTo,
  isLinkable,
  MAX_LINKS,
  parentOf,
  plainDirectory,
  sortTree,
} from './tree';
import { isReserved, whiteoutOf } from './whiteout';
import { portableXattrs, saysOpaque } from './xattrs';
import { isHole } from './zeros';

/** Longest path that symbolic links may lead to: Linux' PATH_MAX. */
const MAX_PATH = 4096;
/** Components of symbolic links followed in one archive: far above real ones, far below hours of work. */
const MAX_DETOURS = 2_000_000;

/** What an {@link ArchiveTree} has to know about its archive. */
export interface ArchiveTreeOptions {
  /** The file that content offsets are about. */
  readonly copy: string;
  /** How removed files are told: see `ReadArchiveOptions`. */
  readonly layer: boolean | 'overlay';
  readonly limits: Pick<ArchiveLimits, 'entries' | 'depth' | 'names'>;
}

/** A file whose content is being read. */
interface OpenFile {
  readonly file: FileEntry;
  readonly hash: ContentHash;
  readonly stretches: StretchList;
  remaining: number;
}

/** Collects the entries of an archive into a tree, judging each as an extractor would have to, creating none. */
export class ArchiveTree implements TarHandler {
  /** By path. All names of one file share its object, as hard links share an inode. */
  private readonly entries = new Map<string, Entry>();
  private readonly whiteouts = new Set<string>();
  private readonly opaque = new Set<string>();
  /** Files that got a second name. */
  private readonly linked = new Set<FileEntry>();
  private detours = 0;
  /** Bytes of names and attributes so far. */
  private names = 0;
  private open: OpenFile | undefined;

  public constructor(private readonly options: ArchiveTreeOptions) {}

  public header(header: TarHeader, offset: number): void {
    const path = this.locate(header.path);
    this.requireRoom(path, header);
    if (isReserved(path)) this.addWhiteout(path);
    else this.addEntry(path, header, offset);
  }

  public data(chunk: Buffer): void {
    if (this.open === undefined) return; // content of a whiteout means nothing
    this.open.hash.update(chunk);
    this.open.stretches.add(chunk.length, isHole(chunk));
    this.open.remaining -= chunk.length;
    if (this.open.remaining === 0) this.finishFile();
  }

  /**
   * The entries in order of their paths.
   * @throws StackError STACK4006 when something lies below what is no directory
   */
  public tree(): Tree {
    const tree = this.namedEntries();
    const inhabited = this.inhabited();
    const opaque = new Set(this.opaque);
    for (const path of this.whiteouts) {
      if (ancestorsOf(path).some((ancestor) => this.whiteouts.has(ancestor))) continue; // removed with it
      // Whiteouts act on lower layers only: with a directory of this layer in the same place, that one is opaque.
      if (inhabited.has(path) || this.entries.get(path)?.type === 'directory') opaque.add(path);
      else if (!this.entries.has(path)) tree.push({ type: 'whiteout', path });
    }
    return sortTree(withOpaque(tree, opaque, this.whiteouts));
  }

  private addWhiteout(path: string): void {
    const whiteout = whiteoutOf(path);
    if (this.options.layer !== true || whiteout === undefined || isReserved(whiteout.path)) {
      throw new StackError(
        'STACK4004',
        `'/${path}' cannot be kept: names that start with .wh. mean removed files in a layer`,
      );
    }
    this[whiteout.kind === 'opaque' ? 'opaque' : 'whiteouts'].add(whiteout.path);
  }

  private addEntry(path: string, header: TarHeader, offset: number): void {
    const { mode, uid, gid, mtime } = header;
    const xattrs = portableXattrs(header.xattrs);
    const metadata: Metadata & { path: string } = {
      path,
      mode,
      uid,
      gid,
      mtime,
      ...(xattrs === undefined ? {} : { xattrs }),
    };
    switch (header.type) {
      case 'file': {
        const content = { kind: 'slice', file: this.options.copy, offset } as const;
        this.startFile({ type: 'file', ...metadata, size: header.size, content });
        return;
      }
      case 'directory':
        if (this.options.layer !== false && saysOpaque(header.xattrs)) this.opaque.add(path);
        this.add(path, { type: 'directory', ...metadata });
        return;
      case 'symlink':
        this.add(path, { type: 'symlink', ...metadata, mode: 0o777, target: header.link }); // Linux knows no other mode
        return;
      case 'char':
      case 'block':
        this.addDevice({ type: header.type, ...metadata, major: header.major, minor: header.minor });
        return;
      case 'fifo':
        this.add(path, { type: 'fifo', ...metadata });
        return;
      case 'hardlink':
        this.addHardlink(path, this.locate(header.link));
        return;
    }
  }

  private startFile(file: FileEntry): void {
    this.open = { file, hash: new ContentHash(file.size), stretches: new StretchList(), remaining: file.size };
    if (file.size === 0) this.finishFile();
  }

  private finishFile(): void {
    if (this.open === undefined) return;
    const { file, hash, stretches } = this.open;
    this.open = undefined;
    const data = stretches.found();
    const content = data === undefined || file.content.kind !== 'slice' ? file.content : { ...file.content, data };
    this.add(file.path, { ...file, content, sha256: hash.digest() });
  }

  /** Overlayfs' own form of a removed file is a character device 0:0 (kernel, overlayfs.rst). */
  private addDevice(device: Extract<Entry, { type: 'char' | 'block' }>): void {
    if (device.type === 'block' || device.major !== 0 || device.minor !== 0) {
      this.add(device.path, device);
    } else if (this.options.layer !== false) {
      this.whiteouts.add(device.path);
    } else {
      throw new StackError(
        'STACK4004',
        `'/${device.path}' cannot be kept: a device 0:0 means a removed file in a layer`,
      );
    }
  }

  /** The target is named from the root, and must have come before in the same archive (rule 2). */
  private addHardlink(path: string, target: string): void {
    const entry = this.entries.get(target);
    if (entry === undefined || entry.type === 'directory') {
      const what = entry === undefined ? 'not in the archive before it' : 'a directory';
      throw new StackError('STACK4002', `'/${path}' is a hard link to '/${target}', which is ${what}`);
    }
    if (path === target) return;
    if (entry.type === 'file') this.linked.add(entry);
    this.add(path, entry.type === 'file' ? entry : furtherName(entry, path));
  }

  /** Of two entries for one path the last stands, as with extractors, but only in the same role. */
  private add(path: string, entry: Entry): void {
    const previous = this.entries.get(path);
    if (path === '' && entry.type !== 'directory') {
      throw new StackError('STACK4002', `the root directory of the archive is replaced by a ${entry.type}`);
    }
    if (previous !== undefined && previous.type !== entry.type) {
      throw new StackError(
        'STACK4006',
        `'/${path}' is in the archive both as a ${previous.type} and as a ${entry.type}`,
      );
    }
    this.entries.set(path, entry);
  }

  private requireRoom(path: string, { link, xattrs = [] }: TarHeader): void {
    const { entries, names } = this.options.limits;
    if (this.entries.size + this.whiteouts.size + this.opaque.size >= entries) {
      throw tooMany(entries);
    }
    this.names += path.length + link.length;
    for (const { name, value } of xattrs) this.names += name.length + value.length;
    if (this.names <= names) return;
    throw new StackError('STACK4003', `the archive has more than ${String(names)} bytes of names and attributes`);
  }

  /** Where an entry of this name goes. Parents that are symbolic links of the archive are followed within its root. */
  private locate(name: string): string {
    const components = name.split('/').filter((part) => part !== '' && part !== '.');
    if (components.includes('..')) throw new StackError('STACK4002', `'${name}' climbs out with '..'`);
    const last = components.pop();
    if (last === undefined) return '';
    const path = join(this.follow(name, components), last);
    if (ancestorsOf(path).length < this.options.limits.depth) return path;
    throw new StackError(
      'STACK4003',
      `'${name.slice(0, 80)}…' is more than ${String(this.options.limits.depth)} directories deep`,
    );
  }

  /** The directory these components lead to. It need not exist: archives leave out parents. */
  private follow(name: string, components: readonly string[]): string {
    const todo = [...components].reverse();
    let at = '';
    let links = 0;
    for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        if (at === '') throw outside(name);
        at = parentOf(at);
        continue;
      }
      const next = join(at, part);
      const entry = this.entries.get(next);
      if (entry?.type === 'symlink') {
        links += 1;
        if (links > MAX_LINKS || entry.target.startsWith('/')) throw outside(name);
        todo.push(...this.detour(entry.target).reverse());
        continue;
      }
      if (entry !== undefined && entry.type !== 'directory') {
        throw new StackError('STACK4006', `'${name}' lies below '/${next}', which is a ${entry.type}`);
      }
      if (next.length > MAX_PATH) throw new StackError('STACK4003', `'${name}' leads to a path that is too long`);
      at = next;
    }
    return at;
  }

  private detour(target: string): string[] {
    const components = target.split('/');
    this.detours += components.length;
    if (this.detours <= MAX_DETOURS) return components;
    throw new StackError('STACK4003', 'the archive has too many entries below symbolic links');
  }

  /** Every directory that the archive puts something into, without the root. */
  private inhabited(): ReadonlySet<string> {
    const inhabited = this.directoriesAbove(this.entries.keys(), this.opaque);
    const emptied = this.directoriesAbove(this.whiteouts);
    for (const directories of [inhabited, emptied, this.opaque]) this.requireDirectories(directories);
    return inhabited;
  }

  /** Deep paths have many directories that no entry describes, so these are counted, too. */
  private directoriesAbove(...lists: readonly Iterable<string>[]): ReadonlySet<string> {
    const directories = new Set<string>();
    for (const paths of lists) {
      for (const path of paths) {
        addAncestors(directories, path);
        if (directories.size > this.options.limits.entries) throw tooMany(this.options.limits.entries);
      }
    }
    return directories;
  }

  private requireDirectories(paths: ReadonlySet<string>): void {
    for (const path of paths) {
      const entry = this.entries.get(path);
      if (entry === undefined || entry.type === 'directory') continue;
      throw new StackError('STACK4006', `'/${path}' is in the archive both as a ${entry.type} and as a directory`);
    }
  }

  /** The entries, with one name of every file holding its content and the others as hard links to it. */
  private namedEntries(): Entry[] {
    const holders = new Map<FileEntry, string>();
    return Array.from(this.entries, ([path, entry]) => {
      if (entry.type !== 'file' || !this.linked.has(entry)) return entry;
      const holder = holders.get(entry);
      if (holder !== undefined) return hardlinkTo(entry, path, holder);
      holders.set(entry, path);
      return { ...entry, path };
    });
  }
}

/** Another name of what is no file. */
function furtherName(entry: Exclude<Entry, FileEntry>, path: string): Entry {
  if (!isLinkable(entry)) return { ...entry, path };
  return { ...entry, path, linkOf: entry.linkOf ?? entry.path };
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

function tooMany(entries: number): StackError {
  return new StackError('STACK4003', `the archive has more than ${String(entries)} entries or directories`);
}

function outside(name: string): StackError {
  return new StackError('STACK4002', `'${name}' goes through a symbolic link that leads out of the archive's root`);
}

/** Directories with the mark of opaque ones; those that no entry describes are added. */
function withOpaque(tree: readonly Entry[], opaque: ReadonlySet<string>, removed: ReadonlySet<string>): Entry[] {
  const missing = new Set(opaque);
  const marked = tree.map((entry): Entry => {
    if (entry.type !== 'directory' || !missing.delete(entry.path)) return entry;
    return { ...entry, opaque: true };
  });
  // One that is removed first is made again as a plain one; else it stays as it is in the layers below.
  const added = Array.from(missing, (path): Entry => {
    return { ...plainDirectory(path, 0), ...(removed.has(path) ? {} : { implied: true }), opaque: true };
  });
  return [...marked, ...added];
}
