import { compareNames, StackError } from '../core';
import type { DirectoryEntry, Entry, Tree } from './entry';
import { ancestorsOf, parentOf, pathIn, plainDirectory, sortTree } from './tree';
import { movedTo, placesOver, type View } from './view';

/**
 * What unpacking a layer takes from the layers below it, since the layer does not say it: the metadata of directories that it
 * puts something into without describing them, and where their links lead. A tar can leave this open; a filesystem image
 * cannot, since it has all directories above its files.
 */
export interface Surroundings {
  /** Directories of the layer that are links below, with the places these lead to, outermost first. */
  readonly links: readonly (readonly [directory: string, place: string])[];
  /** Directories as they are below, sorted; those that are missing there or plain are left out. */
  readonly directories: readonly DirectoryEntry[];
  /** Whiteouts that remove nothing: the kernel lists these where no directory is below, and says that they are not there. */
  readonly vacuous: readonly string[];
}

/**
 * Finds out what a layer takes from those below.
 * @param below what they show
 * @param epoch time of directories that no layer describes, seconds since 1970
 * @throws StackError STACK4006 where the layer puts something below what is no directory
 */
export function surroundingsOf(tree: Tree, below: View, epoch: number): Surroundings {
  const links = linksOf(tree, placesOver(tree, below));
  const layer = entriesByPlace(tree, links);
  const isHidden = hiddenBy(layer.values());
  const vacuous: string[] = [];
  for (const [path, { type }] of layer) {
    if (type === 'whiteout' && (isHidden(path) || below.get(path) === undefined)) vacuous.push(path);
  }
  const directories: DirectoryEntry[] = [];
  for (const path of undescribed(layer)) {
    const there = isHidden(path) ? undefined : below.get(path);
    if (there === undefined) continue;
    if (there.type !== 'directory') {
      throw new StackError(
        'STACK4006',
        `a layer has files in '/${path}', which is a ${there.type} in the layers below`,
      );
    }
    const directory = { ...there, path, opaque: undefined, implied: undefined };
    if (!isPlain(directory, epoch)) directories.push(directory);
  }
  return { links, directories, vacuous: vacuous.sort(compareNames) };
}

/** Whether nothing is taken. */
export function isIndependent({ links, directories, vacuous }: Surroundings): boolean {
  return links.length === 0 && directories.length === 0 && vacuous.length === 0;
}

/**
 * A layer with what it takes from those below written out: laid over them as a file system it shows what unpacking it there gives.
 * @throws StackError STACK4006 where links lead two entries to one path that cannot be one
 */
export function withSurroundings(tree: Tree, surroundings: Surroundings): Tree {
  if (isIndependent(surroundings)) return tree;
  const layer = entriesByPlace(tree, surroundings.links);
  for (const directory of surroundings.directories) {
    const own = layer.get(directory.path);
    if (own === undefined) layer.set(directory.path, directory);
    else if (own.type === 'directory' && own.implied === true)
      layer.set(own.path, { ...directory, opaque: own.opaque });
  }
  for (const path of surroundings.vacuous) layer.delete(path);
  return sortTree(layer.values());
}

/** The links that are followed on the way to any directory of a layer, each once. */
function linksOf(tree: Tree, whereIs: (directory: string) => string): [string, string][] {
  const links = new Map<string, string>();
  const known = new Set(['']);
  for (const entry of tree) {
    for (const directory of ancestorsOf(entry.path)) {
      if (known.has(directory)) continue;
      known.add(directory);
      const place = whereIs(directory);
      if (place !== pathIn(whereIs(parentOf(directory)), directory)) links.set(directory, place);
    }
  }
  return [...links].sort(([a], [b]) => compareNames(a, b));
}

/** The entries of a layer by the places that links of the layers below lead them to. */
function entriesByPlace(tree: Tree, links: Surroundings['links']): Map<string, Entry> {
  if (links.length === 0) return new Map(tree.map((entry) => [entry.path, entry]));
  const placeOf = placer(new Map(links));
  const layer = new Map<string, Entry>();
  const targets = new Set(tree.flatMap((entry) => (entry.type === 'hardlink' ? [placeOf(entry.target)] : [])));
  for (const entry of tree) {
    const path = placeOf(entry.path);
    const moved = movedTo(entry, path, placeOf);
    const earlier = layer.get(path);
    layer.set(path, earlier === undefined ? moved : united(earlier, moved, targets.has(path)));
  }
  return withoutInhabitedWhiteouts(layer);
}

function placer(links: ReadonlyMap<string, string>): (path: string) => string {
  const places = new Map([['', '']]);
  const whereIs = (directory: string): string => {
    let place = places.get(directory);
    if (place === undefined) {
      place = links.get(directory) ?? pathIn(whereIs(parentOf(directory)), directory);
      places.set(directory, place);
    }
    return place;
  };
  return (path) => (path === '' ? '' : pathIn(whereIs(parentOf(path)), path));
}

/** One entry of two that links lead to one path: as with two of one name, the last stands, but only in the same role. */
function united(earlier: Entry, later: Entry, isLinked: boolean): Entry {
  if (earlier.type === 'whiteout') return later.type === 'directory' ? { ...later, opaque: true } : later;
  if (later.type === 'whiteout') return earlier.type === 'directory' ? { ...earlier, opaque: true } : earlier;
  if (earlier.type === 'directory' && later.type === 'directory') {
    const described = later.implied === true ? earlier : later;
    return { ...described, opaque: earlier.opaque ?? later.opaque };
  }
  if (earlier.type === later.type && !isLinked) return later;
  const { path } = later;
  throw new StackError(
    'STACK4006',
    `links of the layers below lead a ${earlier.type} and a ${later.type} of one layer to '/${path}'`,
  );
}

/** Whiteouts act on the layers below only: one of a directory that the layer puts something into makes that opaque. */
function withoutInhabitedWhiteouts(layer: Map<string, Entry>): Map<string, Entry> {
  for (const path of [...layer.keys()]) {
    if (layer.get(path)?.type === 'whiteout') continue;
    for (const directory of ancestorsOf(path)) {
      if (layer.get(directory)?.type !== 'whiteout') continue;
      layer.set(directory, { ...plainDirectory(directory, 0), opaque: true });
    }
  }
  return layer;
}

/** Directories that a layer has something in, or makes opaque, and does not describe; outermost first. */
function undescribed(layer: ReadonlyMap<string, Entry>): readonly string[] {
  const missing = new Set<string>();
  const add = (path: string): void => {
    const entry = layer.get(path);
    if (entry === undefined || (entry.type === 'directory' && entry.implied === true)) missing.add(path);
  };
  add('');
  const known = new Set(['']);
  for (const path of layer.keys()) {
    add(path);
    for (let parent = parentOf(path); !known.has(parent); parent = parentOf(parent)) {
      known.add(parent);
      add(parent);
    }
  }
  return [...missing].sort(compareNames);
}

/** Tells what is below a directory that a layer removes or makes opaque. */
function hiddenBy(layer: Iterable<Entry>): (path: string) => boolean {
  const hiding = new Set<string>();
  for (const entry of layer) {
    if (entry.type === 'whiteout' || (entry.type === 'directory' && entry.opaque === true)) hiding.add(entry.path);
  }
  if (hiding.size === 0) return () => false;
  return (path) => path !== '' && (hiding.has('') || ancestorsOf(path).some((directory) => hiding.has(directory)));
}

/**
 * Whether a directory is as one that no layer describes. The time of the root directory alone makes no difference: it would
 * make another image of every layer for every base.
 */
function isPlain({ path, mode, uid, gid, mtime, xattrs }: DirectoryEntry, epoch: number): boolean {
  const plain = plainDirectory(path, epoch);
  const isSameTime = path === '' || mtime === epoch;
  return mode === plain.mode && uid === 0 && gid === 0 && xattrs === undefined && isSameTime;
}
