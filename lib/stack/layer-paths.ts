import { compareNames, lowerBound, StackError } from '../core';
import type { PathList } from '../pack';
import { MAX_LINKS, parentOf, resolveInView, type Entry, type View } from '../pack';
import { isEqual, type State } from './entry-conflict';

/** Stands for a directory that a layer has files in and does not describe. */
const IMPLIED = -1;

/** The paths of one layer, with the links of the combination followed in their parents, sorted by their bytes. */
export class LayerPaths {
  /** @param whereIs gives the place of a directory in the combination */
  public static of(list: PathList, whereIs: (directory: string) => string): LayerPaths {
    const known = new Set(['']);
    const implied: string[] = [];
    const moved: { readonly at: number; readonly place: string }[] = [];
    for (const [number, { directory, from }] of list.groups.entries()) {
      for (let missing = directory; !known.has(missing); missing = parentOf(missing)) {
        known.add(missing);
        // Something else than a directory is told by itself.
        if (list.find(missing) === undefined) implied.push(join(whereIs(parentOf(missing)), missing));
      }
      const place = whereIs(directory);
      if (place === directory) continue;
      const to = list.groups[number + 1]?.from ?? list.size;
      for (let at = from; at < to; at += 1) moved.push({ at, place: join(place, list.path(at)) });
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
  private readonly hiding: ReadonlySet<string>;

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
    return this.marks.length > 0;
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

/** A link of some layer, and the layer. */
interface Link {
  readonly list: PathList;
  readonly at: number;
}

/**
 * Tells where directories are in a combination of layers, bottom to top: `lib` is at `usr/lib` where it is a link to there.
 * Links that lead nowhere stay what they are.
 */
export function directoriesOf(layers: readonly PathList[]): (directory: string) => string {
  let whereIs = (directory: string): string => directory;
  let places = '';
  // A link may lie in a directory that is elsewhere because of another link.
  for (let round = 0; round <= MAX_LINKS; round += 1) {
    const links = linksIn(layers, whereIs);
    const now = [...links.keys()].join('\0');
    if (now === places) break;
    places = now;
    whereIs = followLinks(layers, links);
  }
  return whereIs;
}

/** By their places; of several at one place the topmost. */
function linksIn(layers: readonly PathList[], whereIs: (directory: string) => string): ReadonlyMap<string, Link> {
  const links = new Map<string, Link>();
  for (const list of layers) {
    for (const at of list.symlinks) {
      const path = list.path(at);
      links.set(join(whereIs(parentOf(path)), path), { list, at });
    }
  }
  return links;
}

function followLinks(layers: readonly PathList[], links: ReadonlyMap<string, Link>): (directory: string) => string {
  const view: View = {
    get: (path) => {
      const link = links.get(path);
      return link !== undefined && isOnTop(layers, link, path) ? link.list.entry(link.at) : undefined;
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

/** Whether no layer above a link's has something at its place, by that name or the link's own, or removes it. */
function isOnTop(layers: readonly PathList[], { list, at: position }: Link, place: string): boolean {
  const names = new Set([place, list.path(position)]);
  return layers.slice(layers.lastIndexOf(list) + 1).every((layer) =>
    [...names].every((path) => {
      for (let at = path; at !== ''; at = parentOf(at)) {
        const found = layer.find(at);
        if (found !== undefined && (at === path || layer.type(found) !== 'directory' || layer.isOpaque(found)))
          return false;
      }
      return true;
    }),
  );
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
