import { StackError } from '../../core';
import {
  ancestorsOf,
  plainDirectory,
  sortTree,
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  type Metadata,
  type Tree,
} from '../../pack';
import { excludeFilter } from '../exclude';
import { placeThroughLinks, type Item } from './placement';
import { statusEntries, type PackageControl } from './status';

/** A package with what its .deb file holds. */
export interface PackageContent extends PackageControl {
  readonly entries: readonly Entry[];
}

/** What else decides the tree of an image of packages. */
export interface PackageTreeOptions {
  /** Patterns as in a .dockerignore file, of paths in the image. They do not apply to the records of the packages. */
  readonly exclude?: readonly string[] | undefined;
  /** mtime of what no package has, seconds since 1970. */
  readonly epoch: number;
}

/** Stands for us where a package's name is expected. */
const RECORDS = 'the records of packages';

/**
 * Merges packages into the tree of one image, as installing them would, but without running anything of them.
 *
 * - A directory that several packages have gets the metadata of the first by name (dpkg: of the one unpacked first).
 * - A path that is a symbolic link in one package and a directory in another: see `placeThroughLinks`.
 * - An excluded directory stays, with its own metadata, where something below it stays.
 * - Each package leaves its record, see `statusEntries`.
 *
 * The order of `packages` does not matter.
 * @throws StackError STACK3014 when two packages have different things in one place, STACK2006 for a bad pattern,
 * STACK4001 for a hard link without target
 */
export function packageTree(packages: readonly PackageContent[], options: PackageTreeOptions): Tree {
  const { exclude = [], epoch } = options;
  const sorted = [...packages].sort((a, b) => (a.name < b.name ? -1 : 1));
  const records = statusEntries(sorted, epoch);
  const items = placeThroughLinks([...sorted.flatMap(itemsOf), ...itemsOf({ name: RECORDS, entries: records })]);
  const isExcluded = excludeFilter(exclude);
  const kept = merge(items.filter(({ path, owner }) => owner === RECORDS || !isExcluded(path)));
  addParents(kept, directoriesOf(items), epoch);
  return sortTree(linkNames(kept.values()));
}

function itemsOf({ name, entries }: Omit<PackageContent, 'control'>): Item[] {
  const files = new Map(entries.flatMap((entry) => (entry.type === 'file' ? [[entry.path, entry] as const] : [])));
  return entries.map((entry) => {
    if (entry.type !== 'hardlink') return { path: entry.path, entry, owner: name };
    const file = files.get(entry.target);
    if (file !== undefined) return { path: entry.path, entry: file, owner: name };
    throw new StackError(
      'STACK4001',
      `package '${name}' has a hard link '/${entry.path}' to '/${entry.target}', which it does not have`,
    );
  });
}

function merge(items: readonly Item[]): Map<string, Item> {
  const merged = new Map<string, Item>();
  for (const item of items) {
    const first = merged.get(item.path);
    if (first === undefined) merged.set(item.path, item);
    else if (!same(first.entry, item.entry)) throw conflict(first, item);
  }
  return merged;
}

/** Gives every item the directories above it: the package's own where it has them. */
function addParents(kept: Map<string, Item>, directories: ReadonlyMap<string, DirectoryEntry>, epoch: number): void {
  for (const item of [...kept.values()]) {
    for (const path of ancestorsOf(item.path)) {
      const parent = kept.get(path);
      if (parent === undefined)
        kept.set(path, { path, entry: directories.get(path) ?? plainDirectory(path, epoch), owner: item.owner });
      else if (parent.entry.type !== 'directory') throw conflict(parent, { ...item, path });
    }
  }
}

function directoriesOf(items: readonly Item[]): Map<string, DirectoryEntry> {
  const directories = new Map<string, DirectoryEntry>();
  for (const { path, entry } of items) {
    if (entry.type === 'directory' && !directories.has(path)) directories.set(path, entry);
  }
  return directories;
}

/** Entries at their final paths; further names of one file become hard links again. */
function linkNames(items: Iterable<Item>): Entry[] {
  const names = new Map<FileEntry, string>();
  const entries: Entry[] = [];
  for (const { path, entry } of items) {
    const target = entry.type === 'file' ? names.get(entry) : undefined;
    if (target !== undefined && entry.type === 'file') {
      entries.push({ type: 'hardlink', path, target, ...metadataOf(entry) });
      continue;
    }
    if (entry.type === 'file') names.set(entry, path);
    entries.push({ ...entry, path });
  }
  return entries;
}

function metadataOf({ mode, uid, gid, mtime, xattrs }: Metadata): Metadata {
  return { mode, uid, gid, mtime, ...(xattrs === undefined ? {} : { xattrs }) };
}

/** Whether it makes no difference which of two entries is there. Times may differ, as they do between builds. */
function same(a: Item['entry'], b: Item['entry']): boolean {
  if (a.type === 'directory' || a.type === 'whiteout') return a.type === b.type;
  if (b.type === 'directory' || b.type === 'whiteout') return false;
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || !sameXattrs(a, b)) return false;
  switch (a.type) {
    case 'file':
      return b.type === 'file' && a.size === b.size && a.sha256 !== undefined && a.sha256 === b.sha256;
    case 'symlink':
      return b.type === 'symlink' && a.target === b.target;
    case 'char':
    case 'block':
      return a.type === b.type && 'major' in b && a.major === b.major && a.minor === b.minor;
    case 'fifo':
      return b.type === 'fifo';
  }
}

function sameXattrs({ xattrs: a = [] }: Metadata, { xattrs: b = [] }: Metadata): boolean {
  return (
    a.length === b.length &&
    a.every(({ name, value }, index) => b[index]?.name === name && b[index].value.equals(value))
  );
}

function conflict(a: Item, b: Item): StackError {
  const owners = a.owner === b.owner ? `package '${a.owner}' has` : `packages '${a.owner}' and '${b.owner}' have`;
  return new StackError('STACK3014', `${owners} different things at '/${b.path}'`, {
    hint: 'exclude the path, or leave one of the packages out',
  });
}
