import { compareNames, lowerBound } from '../core';
import {
  ancestorsOf,
  directoriesIn,
  parentOf,
  pathIn,
  plainDirectory,
  type Entry,
  type PathList,
  type View,
} from '../pack';
import { isEqual, type State } from './entry-conflict';

/** Stands for a directory that a layer has files in and does not describe. */
const IMPLIED = -1;

/** The paths of one layer, with the links of the layers below followed in their parents, sorted by their bytes. */
export class LayerPaths {
  /** @param whereIs gives the place of a directory of the layer in the combination */
  public static of(list: PathList, whereIs: (directory: string) => string): LayerPaths {
    const known = new Set(['']);
    const implied: string[] = [];
    const moved: { readonly at: number; readonly place: string }[] = [];
    for (const [number, { directory, from }] of list.groups.entries()) {
      for (let missing = directory; !known.has(missing); missing = parentOf(missing)) {
        known.add(missing);
        // Something else than a directory is told by itself.
        if (list.find(missing) === undefined) implied.push(pathIn(whereIs(parentOf(missing)), missing));
      }
      const place = whereIs(directory);
      if (place === directory) continue;
      const to = list.groups[number + 1]?.from ?? list.size;
      for (let at = from; at < to; at += 1) moved.push({ at, place: pathIn(place, list.path(at)) });
    }
    if (implied.length === 0 && moved.length === 0) return new LayerPaths(list, undefined, false);
    const places = [...Array.from({ length: list.size }, (_, at) => list.path(at)), ...implied];
    for (const { at, place } of moved) places[at] = place;
    const order = [...places.keys()].sort((a, b) => compareNames(places[a] ?? '', places[b] ?? ''));
    const reordered = order.map((at) => ({ path: places[at] ?? '', position: at < list.size ? at : IMPLIED }));
    return new LayerPaths(list, reordered, moved.length > 0);
  }

  /** Positions of whiteouts and opaque directories. */
  public readonly marks: readonly number[];
  private readonly hiding: Set<string>;

  private constructor(
    private readonly list: PathList,
    /** Paths in their order, and where they are in the list; undefined where they are all of it, in its order. */
    private readonly reordered: readonly { readonly path: string; readonly position: number }[] | undefined,
    /** Whether some paths are elsewhere than the layer says: what is above them may be in the layers below only. */
    public readonly isMoved: boolean,
  ) {
    this.marks = reordered === undefined ? list.marks : this.marksOf();
    this.hiding = new Set(this.marks.map((at) => this.path(at)));
  }

  /** How many paths there are. */
  public get size(): number {
    return this.reordered?.length ?? this.list.size;
  }

  /** Whether all paths are plain ASCII. */
  public get isAscii(): boolean {
    return this.list.isAscii && this.reordered === undefined;
  }

  /** Whether anything of the layers below is hidden. */
  public get hasMarks(): boolean {
    return this.hiding.size > 0;
  }

  /** Path at a position. */
  public path(at: number): string {
    return this.reordered === undefined ? this.list.path(at) : (this.reordered[at]?.path ?? '');
  }

  /** What is at a position; `implied` for a directory that the layer does not describe. */
  public type(at: number): Entry['type'] | 'implied' {
    const position = this.position(at);
    return position === IMPLIED ? 'implied' : this.list.type(position);
  }

  public isOpaque(at: number): boolean {
    const position = this.position(at);
    return position !== IMPLIED && this.list.isOpaque(position);
  }

  /** What is at a position; the file itself where that is a hard link. */
  public state(at: number): State {
    const position = this.position(at);
    if (position === IMPLIED) return 'implied';
    const entry = this.list.entry(position);
    if (entry.type === 'directory' && entry.implied === true) return 'implied';
    const target = entry.type === 'hardlink' ? this.list.find(entry.target) : undefined;
    return target === undefined ? entry : this.list.entry(target);
  }

  /** Whether two positions have the same entry, path included; of hard links the files are compared. */
  public isSame(at: number, other: LayerPaths, otherAt: number): boolean {
    const [position, otherPosition] = [this.position(at), other.position(otherAt)];
    if (position === IMPLIED || otherPosition === IMPLIED) return position === otherPosition;
    if (!this.list.isSame(position, other.list, otherPosition)) return false;
    return this.list.type(position) !== 'hardlink' || isEqual(this.state(at), other.state(otherAt));
  }

  /** Position of a path. */
  public find(path: string): number | undefined {
    const at = this.firstFrom(path);
    return at < this.size && this.path(at) === path ? at : undefined;
  }

  /** Positions of what lies below a directory: from, and to before. */
  public below(directory: string): readonly [from: number, to: number] {
    if (directory === '') return [this.size > 0 && this.path(0) === '' ? 1 : 0, this.size];
    return [this.firstFrom(`${directory}/`), this.firstFrom(`${directory}0`)];
  }

  /** Takes note that what is at a path here is no directory, in the place of one of the layers below. */
  public cover(path: string): void {
    this.hiding.add(path);
  }

  /** Whether a directory above a path is removed or opaque here, so that nothing below this layer is seen there. */
  public hides(path: string): boolean {
    return this.hider(path) !== undefined;
  }

  /** The directory above a path that is removed or opaque here. */
  public hider(path: string): string | undefined {
    if (this.hiding.size === 0 || path === '') return undefined;
    for (let at = parentOf(path); at !== ''; at = parentOf(at)) if (this.hiding.has(at)) return at;
    return this.hiding.has('') ? '' : undefined;
  }

  /** Whether nothing below this layer is seen at a path: a directory above it is removed, opaque or something else here. */
  public covers(path: string): boolean {
    if (this.hides(path)) return true;
    for (let directory = parentOf(path); directory !== ''; directory = parentOf(directory)) {
      const at = this.find(directory);
      if (at !== undefined && this.type(at) !== 'directory' && this.type(at) !== 'implied') return true;
    }
    return false;
  }

  /** Paths of symbolic links. */
  public *symlinks(): Generator<string> {
    if (this.reordered === undefined) for (const at of this.list.symlinks) yield this.list.path(at);
    else for (let at = 0; at < this.size; at += 1) if (this.type(at) === 'symlink') yield this.path(at);
  }

  private marksOf(): number[] {
    const marks: number[] = [];
    for (let at = 0; at < this.size; at += 1) {
      if (this.type(at) === 'whiteout' || this.isOpaque(at)) marks.push(at);
    }
    return marks;
  }

  private position(at: number): number {
    return this.reordered === undefined ? at : (this.reordered[at]?.position ?? IMPLIED);
  }

  private firstFrom(path: string): number {
    if (this.reordered === undefined) return this.list.firstFrom(path);
    return lowerBound(this.size, (at) => compareNames(this.path(at), path) < 0);
  }
}

/** The layers of a combination with their places, and where a directory is in the end. */
export interface PlacedLayers {
  readonly layers: readonly LayerPaths[];
  /** `lib` is at `usr/lib` where it is a link to there. Links that lead nowhere stay what they are. */
  readonly whereIs: (directory: string) => string;
}

/**
 * Places the paths of layers, bottom to top: a layer is laid over what the layers below it give, so only their links are
 * followed, and none where the layer has a directory itself.
 */
export function placeLayers(lists: readonly PathList[]): PlacedLayers {
  const layers: LayerPaths[] = [];
  const links = new Set<string>();
  for (const list of lists) {
    const paths = LayerPaths.of(list, resolverOf(layers, links, list));
    layers.push(paths);
    for (const place of paths.symlinks()) links.add(place);
  }
  return { layers, whereIs: resolverOf(layers, links) };
}

/**
 * Follows the links of layers.
 * @param links at least the places of all their links
 * @param own what is laid over them
 */
function resolverOf(
  layers: readonly LayerPaths[],
  links: ReadonlySet<string>,
  own?: PathList,
): (directory: string) => string {
  if (links.size === 0) return (directory) => directory;
  const below = [...layers].reverse();
  const hiding = new Set(own?.marks.map((at) => own.path(at)));
  const isOwn = (path: string): boolean =>
    own?.find(path) !== undefined || (hiding.size > 0 && ['', ...ancestorsOf(path)].some((each) => hiding.has(each)));
  const view: View = { get: (path) => (links.has(path) && !isOwn(path) ? linkAt(below, path) : undefined) };
  return directoriesIn(view);
}

/**
 * What layers show together, hard links as their files.
 * @param epoch time of directories that no layer describes, seconds since 1970
 */
export function viewOfLayers(lists: readonly PathList[], epoch: number): View {
  const layers = [...placeLayers(lists).layers].reverse();
  const get = (path: string): Entry | undefined => {
    const state = stateAt(layers, path);
    return state === 'implied' ? plainDirectory(path, epoch) : state;
  };
  return { get };
}

/** The link that layers, top to bottom, have at a place; undefined where that is something else, or nothing. */
export function linkAt(layers: Iterable<LayerPaths>, place: string): Entry | undefined {
  const state = stateAt(layers, place);
  return state !== 'implied' && state?.type === 'symlink' ? state : undefined;
}

/** What layers, top to bottom, have at a place; `implied` for a directory that none of them describes. */
function stateAt(layers: Iterable<LayerPaths>, place: string): State | undefined {
  let found: 'implied' | undefined;
  for (const layer of layers) {
    const at = layer.find(place);
    const state = at === undefined ? undefined : layer.state(at);
    if (state === 'implied') found = 'implied';
    else if (state?.type === 'whiteout') return found;
    else if (state !== undefined) return state;
    if (layer.covers(place)) return found;
  }
  return found;
}
