import { compareNames, StackError } from '../core';
import type { DirectoryEntry, Entry, FileEntry, HardlinkEntry, Tree } from './entry';

/** How often symbolic links may be followed on the way to one path; what Linux allows. */
export const MAX_LINKS = 40;

/** Metadata of a directory that nobody described: what a plain `mkdir` as root gives. */
export function plainDirectory(path: string, mtime: number): DirectoryEntry {
  return { type: 'directory', path, mode: 0o755, uid: 0, gid: 0, mtime };
}

/** A further name of a file whose content stands under `target`. */
export function hardlinkTo(file: FileEntry, path: string, target: string): HardlinkEntry {
  const { mode, uid, gid, mtime, xattrs } = file;
  return { type: 'hardlink', path, target, mode, uid, gid, mtime, ...(xattrs === undefined ? {} : { xattrs }) };
}

/** A path with its last component in another directory. */
export function pathIn(directory: string, path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return directory === '' ? name : `${directory}/${name}`;
}

/** The directory a path lies in; `''` for one at the top. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

/** All directories above a path, outermost first, without the root. */
export function ancestorsOf(path: string): string[] {
  const ancestors: string[] = [];
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) ancestors.push(path.slice(0, at));
  return ancestors;
}

/** Adds all directories above a path to those known. Stops at one that is known: those above it are then, too. */
export function addAncestors(known: Set<string>, path: string): void {
  for (let parent = parentOf(path); parent !== '' && !known.has(parent); parent = parentOf(parent)) known.add(parent);
}

/**
 * Entries as a {@link Tree}: sorted by path bytes, and of every set of hard links the first path holds the content,
 * since extractors need the target before the link.
 * @throws StackError STACK9001 for a hard link to what is no file of the tree
 */
export function sortTree(entries: Iterable<Entry>): Tree {
  const sorted = [...entries].sort((a, b) => compareNames(a.path, b.path));
  return sorted.some((entry) => entry.type === 'hardlink') ? settleHardlinks(sorted) : sorted;
}

function settleHardlinks(sorted: Tree): Tree {
  const files = new Map(sorted.flatMap((entry) => (entry.type === 'file' ? [[entry.path, entry] as const] : [])));
  const holders = new Map<string, string>(); // path that has the content now → path that will have it
  return sorted.map((entry) => {
    if (entry.type !== 'file' && entry.type !== 'hardlink') return entry;
    const original = entry.type === 'file' ? entry.path : entry.target;
    const file = files.get(original);
    if (file === undefined) {
      throw new StackError('STACK9001', `'${entry.path}' is a hard link to '${original}', which is not in its tree`);
    }
    const holder = holders.get(original);
    if (holder !== undefined) return hardlinkTo(file, entry.path, holder);
    holders.set(original, entry.path);
    return entry.type === 'file' ? entry : { ...file, path: entry.path };
  });
}
