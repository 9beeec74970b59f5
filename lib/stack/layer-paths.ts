import { compareNames, StackError } from '../core';
import type { PathList } from '../pack';
import { parentOf, resolveInView, type Entry, type View } from '../pack';
import type { State } from './entry-conflict';

/** Stands for a directory that a layer has files in and does not describe. */
const IMPLIED = -1;

/** The paths of one layer, with the links of the combination followed in their parents, sorted by their bytes. */
export class LayerPaths {
  /** @param whereIs gives the place of a directory in the combination */
  public static of(list: PathList, whereIs: (directory: string) => string): LayerPaths {
    const { paths, types } = list;
    const known = new Set(['']);
    for (const [at, path] of paths.entries()) if (types[at] === 'directory') known.add(path);
    const implied: string[] = [];
    const moved: { readonly at: number; readonly place: string }[] = [];
    let parent = '';
    let place = '';
    for (const [at, path] of paths.entries()) {
      if (path.lastIndexOf('/') !== parent.length || !path.startsWith(parent)) {
        parent = parentOf(path);
        place = whereIs(parent);
        for (let missing = parent; !known.has(missing); missing = parentOf(missing)) {
          known.add(missing);
          // Something else than a directory is told by itself.
          if (find(paths, missing) === undefined) implied.push(join(whereIs(parentOf(missing)), missing));
        }
      }
      if (place !== parent) moved.push({ at, place });
    }
    if (implied.length === 0 && moved.length === 0) return new LayerPaths(list, paths, undefined);
    const places = [...paths, ...implied];
    for (const { at, place: directory } of moved) places[at] = join(directory, paths[at] ?? '');
    const order = [...places.keys()].sort((a, b) => compareNames(places[a] ?? '', places[b] ?? ''));
    return new LayerPaths(
      list,
      order.map((at) => places[at] ?? ''),
      order.map((at) => (at < paths.length ? at : IMPLIED)),
    );
  }

  /** Positions of whiteouts and opaque directories. */
  public readonly marks: readonly number[];
  private readonly hiding: ReadonlySet<string>;

  private constructor(
    private readonly list: PathList,
    private readonly paths: readonly string[],
    /** Where the paths are in the list; undefined where they are all of it, in its order. */
    private readonly positions: readonly number[] | undefined,
  ) {
    this.marks = this.marksOf();
    this.hiding = new Set(this.marks.map((at) => this.path(at)));
  }

  /** How many paths there are. */
  public get size(): number {
    return this.paths.length;
  }

  /** Whether all paths are plain ASCII. */
  public get isAscii(): boolean {
    return this.list.isAscii && this.positions === undefined;
  }

  /** Whether anything of the layers below is hidden. */
  public get hasMarks(): boolean {
    return this.marks.length > 0;
  }

  /** Path at a position. */
  public path(at: number): string {
    return this.paths[at] ?? '';
  }

  /** What is at a position; `implied` for a directory that the layer does not describe. */
  public type(at: number): Entry['type'] | 'implied' {
    return this.list.types[this.position(at)] ?? 'implied';
  }

  public isOpaque(at: number): boolean {
    return this.list.isOpaque(this.position(at));
  }

  /** What is at a position; the file itself where that is a hard link. */
  public state(at: number): State {
    const position = this.position(at);
    if (position === IMPLIED) return 'implied';
    const entry = this.list.entry(position);
    const target = entry.type === 'hardlink' ? find(this.list.paths, entry.target) : undefined;
    return target === undefined ? entry : this.list.entry(target);
  }

  /** Whether two positions have the same entry, path included. */
  public isSame(at: number, other: LayerPaths, otherAt: number): boolean {
    const [position, otherPosition] = [this.position(at), other.position(otherAt)];
    if (position === IMPLIED || otherPosition === IMPLIED) return position === otherPosition;
    return this.list.isSame(position, other.list, otherPosition);
  }

  /** Position of a path. */
  public find(path: string): number | undefined {
    return find(this.paths, path);
  }

  /** Positions of what lies below a directory: from, and to before. */
  public below(directory: string): readonly [from: number, to: number] {
    if (directory === '') return [this.path(0) === '' ? 1 : 0, this.paths.length];
    return [lowerBound(this.paths, `${directory}/`), lowerBound(this.paths, `${directory}0`)];
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

  private marksOf(): number[] {
    const marks: number[] = [];
    for (let at = 0; at < this.paths.length; at += 1) {
      if (this.type(at) === 'whiteout' || this.isOpaque(at)) marks.push(at);
    }
    return marks;
  }

  private position(at: number): number {
    return this.positions === undefined ? at : (this.positions[at] ?? IMPLIED);
  }
}

/**
 * Tells where directories are in a combination of layers, bottom to top: `lib` is at `usr/lib` where it is a link to there.
 * Links that lead nowhere stay what they are.
 */
export function directoriesOf(layers: readonly PathList[]): (directory: string) => string {
  const links = new Map<string, { readonly list: PathList; readonly at: number }>();
  for (const list of layers) {
    for (const [at, type] of list.types.entries()) {
      if (type === 'symlink') links.set(list.paths[at] ?? '', { list, at });
    }
  }
  if (links.size === 0) return (directory) => directory;
  const view: View = {
    get: (path) => {
      const link = links.get(path);
      return link !== undefined && isOnTop(layers, link.list, path) ? link.list.entry(link.at) : undefined;
    },
  };
  const places = new Map([['', '']]);
  const whereIs = (directory: string): string => {
    const known = places.get(directory);
    if (known !== undefined) return known;
    const path = join(whereIs(parentOf(directory)), directory);
    const place = links.has(path) ? follow(view, path) : path;
    places.set(directory, place);
    return place;
  };
  return whereIs;
}

/** Whether no layer above one has something at a path, or removes it. */
function isOnTop(layers: readonly PathList[], list: PathList, path: string): boolean {
  return layers.slice(layers.lastIndexOf(list) + 1).every((layer) => {
    const { paths, types } = layer;
    for (let at = path; at !== ''; at = parentOf(at)) {
      const found = find(paths, at);
      if (found !== undefined && (at === path || types[found] !== 'directory' || layer.isOpaque(found))) return false;
    }
    return true;
  });
}

function follow(view: View, path: string): string {
  try {
    return resolveInView(view, path);
  } catch (error) {
    if (StackError.is(error)) return path; // a loop
    throw error;
  }
}

/** The last component of a path in another directory. */
function join(directory: string, path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return directory === '' ? name : `${directory}/${name}`;
}

function find(paths: readonly string[], path: string): number | undefined {
  const at = lowerBound(paths, path);
  return paths[at] === path ? at : undefined;
}

function lowerBound(paths: readonly string[], path: string): number {
  let from = 0;
  let to = paths.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (compareNames(paths[middle] ?? '', path) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}
