import { StackError } from '../core';
import type { Entry, FileEntry, HardlinkEntry, Tree } from './entry';
import { addAncestors, ancestorsOf, isLinkable, MAX_LINKS, parentOf, pathIn } from './tree';

/** Anything that knows what is at a path: a merged view, or several laid over each other. */
export type View = Pick<ReadonlyMap<string, Entry>, 'get'>;

/**
 * One filesystem view of several layers, bottom to top: what a container of them sees.
 * Whiteouts and opaque marks act on the layers below only (image-spec layer.md) and are gone from the result.
 * Links of the layers below are followed in the parents of a path, unless the layer has that parent itself.
 * A hard link whose file an upper layer replaced or removed keeps the content, as an inode would.
 */
export function mergeTrees(layers: readonly Tree[]): Map<string, Entry> {
  const view = new Map<string, Entry>();
  const inhabited = new Set<string>();
  const symlinks = new Set<string>();
  const links = new Map<HardlinkEntry, FileEntry>();
  for (const each of layers) {
    const layer = placed(each, view, symlinks);
    hideBelow(view, inhabited, layer);
    for (const entry of layer) {
      if (entry.type === 'whiteout' || keepsDirectory(view, entry)) continue;
      view.set(entry.path, withoutMark(entry));
      addAncestors(inhabited, entry.path);
      if (entry.type === 'symlink') symlinks.add(entry.path);
    }
    rememberLinks(links, layer);
  }
  keepLinked(view, links);
  return view;
}

/**
 * A layer with its paths where they are in a view.
 * @param symlinks at least the paths of the view's symbolic links
 */
function placed(layer: Tree, view: View, symlinks: ReadonlySet<string>): Tree {
  if (symlinks.size === 0) return layer;
  const whereIs = placesOver(layer, { get: (path) => (symlinks.has(path) ? view.get(path) : undefined) });
  const placeOf = (path: string): string => (path === '' ? '' : pathIn(whereIs(parentOf(path)), path));
  return layer.map((entry): Entry => {
    const path = placeOf(entry.path);
    return movedTo(entry, path, placeOf);
  });
}

/**
 * Tells where directories of a layer are over those below: links below are followed where the layer neither has the directory
 * itself nor hides the link; a loop stays where it is.
 */
export function placesOver(layer: Tree, below: View): (directory: string) => string {
  const own = new Set<string>();
  const hiding = new Set<string>();
  for (const entry of layer) {
    if (entry.type !== 'directory' || entry.implied !== true) own.add(entry.path);
    if (entry.type === 'whiteout' || (entry.type === 'directory' && entry.opaque === true)) hiding.add(entry.path);
  }
  const isOwn = (path: string): boolean =>
    own.has(path) || hiding.has('') || (hiding.size > 0 && ancestorsOf(path).some((each) => hiding.has(each)));
  const places = new Map([['', '']]);
  const whereIs = (directory: string): string => {
    let place = places.get(directory);
    if (place === undefined) {
      place = pathIn(whereIs(parentOf(directory)), directory);
      const isLink = !isOwn(directory) && !isOwn(place) && below.get(place)?.type === 'symlink';
      if (isLink) place = followed(below, place);
      places.set(directory, place);
    }
    return place;
  };
  return whereIs;
}

/**
 * Tells where directories are in a view, links followed; a loop stays where it is.
 * @param view need not have anything but links
 */
export function directoriesIn(view: View): (directory: string) => string {
  const places = new Map([['', '']]);
  const whereIs = (directory: string): string => {
    let place = places.get(directory);
    if (place === undefined) {
      place = pathIn(whereIs(parentOf(directory)), directory);
      if (view.get(place)?.type === 'symlink') place = followed(view, place);
      places.set(directory, place);
    }
    return place;
  };
  return whereIs;
}

/** An entry at another path, with the path that it is a link of. */
export function movedTo(entry: Entry, path: string, placeOf: (path: string) => string): Entry {
  if (entry.type === 'hardlink') {
    const target = placeOf(entry.target);
    return path === entry.path && target === entry.target ? entry : { ...entry, path, target };
  }
  if (isLinkable(entry) && entry.linkOf !== undefined) return { ...entry, path, linkOf: placeOf(entry.linkOf) };
  return path === entry.path ? entry : { ...entry, path };
}

function followed(view: View, link: string): string {
  try {
    return resolveInView(view, link);
  } catch (error) {
    if (StackError.is(error)) return link;
    throw error;
  }
}

/** Whether an entry only empties a directory that is there. */
function keepsDirectory(view: View, entry: Entry): boolean {
  return entry.type === 'directory' && entry.implied === true && view.get(entry.path)?.type === 'directory';
}

function withoutMark(entry: Entry): Entry {
  if (entry.type !== 'directory' || entry.opaque !== true) return entry;
  return { ...entry, opaque: undefined, implied: undefined };
}

/**
 * Removes from a view what a layer hides of it.
 * @param inhabited at least the directories of the view that something lies in; spares looking below anything else
 */
function hideBelow(view: Map<string, Entry>, inhabited: ReadonlySet<string>, layer: Tree): void {
  const emptied = new Set<string>();
  for (const entry of layer) {
    if (entry.type === 'whiteout') view.delete(entry.path);
    const hides = entry.type !== 'directory' || entry.opaque === true; // also a file in the place of a directory
    if (hides && (entry.path === '' || inhabited.has(entry.path))) emptied.add(entry.path);
  }
  if (emptied.size === 0) return;
  for (const path of view.keys()) {
    const hidden = (path !== '' && emptied.has('')) || ancestorsOf(path).some((ancestor) => emptied.has(ancestor));
    if (hidden) view.delete(path);
  }
}

function rememberLinks(links: Map<HardlinkEntry, FileEntry>, layer: Tree): void {
  if (!layer.some(({ type }) => type === 'hardlink')) return;
  const files = new Map(layer.flatMap((entry) => (entry.type === 'file' ? [[entry.path, entry] as const] : [])));
  for (const entry of layer) {
    const file = entry.type === 'hardlink' ? files.get(entry.target) : undefined;
    if (entry.type === 'hardlink' && file !== undefined) links.set(entry, file);
  }
}

/** Where the file of a hard link is gone or replaced, the first link left takes its content, the others point there. */
function keepLinked(view: Map<string, Entry>, links: ReadonlyMap<HardlinkEntry, FileEntry>): void {
  const holders = new Map<FileEntry, string>();
  for (const [link, file] of links) {
    if (view.get(link.path) !== link || view.get(link.target) === file) continue;
    const holder = holders.get(file);
    if (holder === undefined) holders.set(file, link.path);
    view.set(link.path, holder === undefined ? { ...file, path: link.path } : { ...link, target: holder });
  }
}

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
  for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
    if (part === '' || part === '.') continue;
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
