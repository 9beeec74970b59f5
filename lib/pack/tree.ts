import { createHash } from 'node:crypto';
import { compareNames, StackError } from '../core';
import type { Content, DirectoryEntry, Entry, FileEntry, Tree } from './entry';

/** Metadata of a directory that nobody described: what a plain `mkdir` as root gives. */
export function plainDirectory(path: string, mtime: number): DirectoryEntry {
  return { type: 'directory', path, mode: 0o755, uid: 0, gid: 0, mtime };
}

/** The directory a path lies in; `''` for one at the top. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

/**
 * Entries as a {@link Tree}: sorted by path bytes, and of every set of hard links the first path holds the content,
 * since extractors need the target before the link.
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
    const holder = holders.get(original);
    if (file === undefined) throw new StackError('STACK9001', `'${entry.path}' is a hard link to '${original}', which is not in its tree`);
    if (holder === undefined) {
      holders.set(original, entry.path);
      return { ...file, path: entry.path };
    }
    const { mode, uid, gid, mtime, xattrs } = file;
    return { type: 'hardlink', path: entry.path, target: holder, mode, uid, gid, mtime, ...(xattrs === undefined ? {} : { xattrs }) };
  });
}

/** All directories above a path, outermost first, without the root. */
export function ancestorsOf(path: string): string[] {
  const ancestors: string[] = [];
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) ancestors.push(path.slice(0, at));
  return ancestors;
}

/**
 * One filesystem view of several layers, bottom to top: what a container of them sees.
 * Whiteouts and opaque marks act on the layers below only (image-spec layer.md) and are gone from the result.
 */
export function mergeTrees(layers: readonly Tree[]): Map<string, Entry> {
  const view = new Map<string, Entry>();
  for (const layer of layers) {
    hideBelow(view, layer);
    for (const entry of layer) {
      if (entry.type === 'directory') view.set(entry.path, { ...entry, opaque: undefined });
      else if (entry.type !== 'whiteout') view.set(entry.path, entry);
    }
  }
  return view;
}

/** Removes from a view what a layer hides of it. One pass, however many whiteouts there are. */
function hideBelow(view: Map<string, Entry>, layer: Tree): void {
  const gone = new Set<string>();
  const emptied = new Set<string>();
  for (const entry of layer) {
    if (entry.type === 'whiteout') gone.add(entry.path);
    else if (entry.type !== 'directory') emptied.add(entry.path); // a file in the place of a directory
    else if (entry.opaque === true) emptied.add(entry.path);
  }
  for (const path of [...view.keys()]) {
    const hidden =
      gone.has(path) ||
      (path !== '' && emptied.has('')) ||
      ancestorsOf(path).some((ancestor) => gone.has(ancestor) || emptied.has(ancestor));
    if (hidden) view.delete(path);
  }
}

/** Anything that knows what is at a path: a merged view, or several laid over each other. */
export type View = Pick<ReadonlyMap<string, Entry>, 'get'>;

/** How often symbolic links may be followed on the way to one path; what Linux allows. */
const MAX_LINKS = 40;

/**
 * Resolves an absolute path inside a filesystem view, following symbolic links within its root as a chroot would.
 * @param path with or without leading slash
 * @param followLast whether a link at the end is followed too
 * @returns the path of the place, which may not exist (its existing parents are resolved)
 * @throws StackError STACK3004 for a loop of links
 */
export function resolveInView(view: View, path: string, followLast = true): string {
  const todo = path.split('/').reverse();
  let at = '';
  let links = 0;
  while (todo.length > 0) {
    const part = todo.pop();
    if (part === undefined || part === '' || part === '.') continue;
    if (part === '..') {
      at = parentOf(at);
      continue;
    }
    const next = at === '' ? part : `${at}/${part}`;
    const entry = view.get(next);
    if (entry?.type !== 'symlink' || (!followLast && todo.every((rest) => rest === ''))) {
      at = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new StackError('STACK3004', `'${path}' leads through a loop of symbolic links`);
    if (entry.target.startsWith('/')) at = '';
    todo.push(...entry.target.split('/').reverse());
  }
  return at;
}

/** One entry as a line of the path index; the order of the members is part of the format. */
export function indexLine(entry: Entry, sha256: string | undefined): string {
  const { path, type } = entry;
  if (entry.type === 'whiteout') return JSON.stringify({ path, type });
  const { mode, uid, gid, mtime } = entry;
  const xattrs = entry.xattrs?.map(({ name, value }) => [name, value.toString('base64')]);
  return JSON.stringify({
    path,
    type,
    mode,
    uid,
    gid,
    mtime,
    ...(xattrs === undefined ? {} : { xattrs }),
    ...(entry.type === 'file' ? { size: entry.size, sha256 } : {}),
    ...(entry.type === 'symlink' || entry.type === 'hardlink' ? { target: entry.target } : {}),
    ...(entry.type === 'char' || entry.type === 'block' ? { major: entry.major, minor: entry.minor } : {}),
    ...(entry.type === 'directory' && entry.opaque === true ? { opaque: true } : {}),
  });
}

/** An entry back from its index line. `contentOf` says where the content of a file is. */
export function parseIndexLine(line: string, contentOf: (path: string, sha256: string) => Content): Entry {
  const parsed = JSON.parse(line) as Entry & { readonly xattrs?: readonly (readonly [name: string, value: string])[]; readonly sha256?: string };
  const xattrs = parsed.xattrs?.map(([name, value]) => ({ name, value: Buffer.from(value, 'base64') }));
  const entry = (xattrs === undefined ? parsed : { ...parsed, xattrs }) as Entry;
  return entry.type === 'file' ? { ...entry, content: contentOf(entry.path, entry.sha256 ?? '') } : entry;
}

/**
 * The digest of a tree: sha256 over its path index. Two trees with the same digest give the same blobs.
 * @returns undefined while the sha256 of some file is not known
 */
export function treeDigest(tree: Tree): string | undefined {
  const hash = createHash('sha256');
  for (const entry of tree) {
    const sha256 = entry.type === 'file' ? sha256Of(entry) : undefined;
    if (entry.type === 'file' && sha256 === undefined) return undefined;
    hash.update(`${indexLine(entry, sha256)}\n`);
  }
  return `sha256:${hash.digest('hex')}`;
}

/** sha256 of a file's content where it is known without reading the file. */
function sha256Of({ sha256, content }: FileEntry): string | undefined {
  return sha256 ?? (content.kind === 'bytes' ? createHash('sha256').update(content.bytes).digest('hex') : undefined);
}
