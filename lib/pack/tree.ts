import { compareNames, StackError } from '../core';
import type {
  DeviceEntry,
  DirectoryEntry,
  Entry,
  FifoEntry,
  FileEntry,
  HardlinkEntry,
  SymlinkEntry,
  Tree,
} from './entry';

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

/** What is no file and may be another name of an inode. */
type Linkable = SymlinkEntry | DeviceEntry | FifoEntry;

/** Whether an entry is one. */
export function isLinkable(entry: Entry): entry is Linkable {
  return entry.type === 'symlink' || entry.type === 'char' || entry.type === 'block' || entry.type === 'fifo';
}

/**
 * Entries as a {@link Tree}: sorted by path bytes, and of every set of hard links the first path holds the content,
 * since extractors need the target before the link.
 * @throws StackError STACK9001 for a hard link to what is no file of the tree
 */
export function sortTree(entries: Iterable<Entry>): Tree {
  const sorted = [...entries].sort((a, b) => compareNames(a.path, b.path));
  const files = sorted.some((entry) => entry.type === 'hardlink') ? settleHardlinks(sorted) : sorted;
  return files.some((entry) => isLinkable(entry) && entry.linkOf !== undefined) ? settleOtherLinks(files) : files;
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

/** Of names of one inode that is no file, the first is what the others are links of; a name that is left alone is no link. */
function settleOtherLinks(sorted: Tree): Tree {
  const linkable = new Map(sorted.flatMap((entry) => (isLinkable(entry) ? [[entry.path, entry] as const] : [])));
  const holders = new Map<string, Linkable>();
  return sorted.map((entry) => {
    if (!isLinkable(entry)) return entry;
    const original = linkable.get(entry.linkOf ?? entry.path) ?? entry;
    const name = isSameInode(original, entry) ? original.path : entry.path;
    const holder = holders.get(name);
    if (holder !== undefined) return { ...entry, linkOf: holder.path };
    const first = entry.linkOf === undefined ? entry : { ...entry, linkOf: undefined };
    holders.set(name, first);
    return first;
  });
}

/** Whether two entries could be one inode: paths of trees that were cut out of others may lead to something else by now. */
function isSameInode(a: Linkable, b: Linkable): boolean {
  return inodeOf(a) === inodeOf(b);
}

function inodeOf(entry: Linkable): string {
  const { type, mode, uid, gid, mtime, xattrs = [] } = entry;
  const what = entry.type === 'symlink' ? entry.target : entry.type === 'fifo' ? '' : [entry.major, entry.minor];
  const attributes = xattrs.map(({ name, value }) => [name, value.toString('base64')]);
  return JSON.stringify([type, mode, uid, gid, mtime, attributes, what]);
}
