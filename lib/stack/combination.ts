import { compareNames } from '../core';
import type { PathList } from '../pack';
import { placeLayers, type LayerPaths } from './layer-paths';

/** A layer of a combination with its paths. */
export interface IndexedLayer {
  /** What it is by content. */
  readonly key: string;
  /** How it was made. */
  readonly createdBy: string;
  readonly list: PathList;
}

/** A component of a combination, no combination itself. */
export interface LayeredComponent {
  /** Construct path. */
  readonly name: string;
  /** Keys of its layers, bottom to top. */
  readonly layers: readonly string[];
}

/** What one layer has at a path. */
export interface Place {
  /** Number of the layer, from the bottom. */
  readonly layer: number;
  /** Position in its paths. */
  readonly at: number;
}

/**
 * The layers of a combination, bottom to top, and which component each is of. Layers that some component has both are its own
 * matter; of all others one is foreign to the other.
 */
export class Combination {
  public readonly layers: readonly LayerPaths[];
  private readonly owned: readonly (readonly boolean[])[];
  private readonly foreign: readonly (readonly boolean[])[];
  /** Of each component, its layers, top to bottom. */
  private readonly ownLayers: readonly (readonly number[])[];

  public constructor(
    public readonly indexed: readonly IndexedLayer[],
    public readonly components: readonly LayeredComponent[],
  ) {
    const { layers, whereIs } = placeLayers(indexed.map(({ list }) => list));
    this.layers = layers;
    this.whereIs = whereIs;
    this.owned = components.map(({ layers }) => {
      const keys = new Set(layers);
      return indexed.map(({ key }) => keys.has(key));
    });
    this.foreign = indexed.map((_, a) => indexed.map((__, b) => !this.owned.some((has) => has[a] && has[b])));
    this.ownLayers = this.owned.map((has) => [...layers.keys()].filter((at) => has[at]).reverse());
  }

  /** The place of a directory, links followed. */
  public readonly whereIs: (directory: string) => string;

  /** Whether a component has a layer. */
  public has(component: number, layer: number): boolean {
    return this.owned[component]?.[layer] === true;
  }

  /** The components that have a layer. */
  public ownersOf(layer: number): readonly number[] {
    return [...this.components.keys()].filter((component) => this.has(component, layer));
  }

  /** Whether two components have a layer in common. */
  public sharesLayer(a: number, b: number): boolean {
    return this.layers.some((_, layer) => this.has(a, layer) && this.has(b, layer));
  }

  /** Whether no component has both layers. */
  public isForeign(a: number, b: number): boolean {
    return this.foreign[a]?.[b] === true;
  }

  public layer(at: number): LayerPaths {
    const layer = this.layers[at];
    if (layer === undefined) throw new RangeError(`there is no layer ${String(at)}`);
    return layer;
  }

  /** Everything that layers have at a path, bottom to top. */
  public placesOf(path: string): readonly Place[] {
    return this.layers.flatMap((paths, layer) => {
      const at = paths.find(path);
      return at === undefined ? [] : [{ layer, at }];
    });
  }

  /**
   * What a component has at a path in the end; undefined when that is nothing.
   * @param places all at this path, bottom to top
   * @param other only layers that this component has too
   */
  public finalOf(path: string, places: readonly Place[], component: number, other = component): Place | undefined {
    for (let at = places.length - 1; at >= 0; at -= 1) {
      const place = places[at];
      if (place === undefined || !this.has(component, place.layer) || !this.has(other, place.layer)) continue;
      if (this.layer(place.layer).type(place.at) === 'whiteout') return undefined;
      const isHidden = this.ownLayers[component]?.some(
        (layer) => layer > place.layer && this.has(other, layer) && this.layer(layer).hides(path),
      );
      return isHidden === true ? undefined : place;
    }
    return undefined;
  }

  /**
   * Visits paths once, in byte order, with what the layers have there, bottom to top. What lies below a directory that only one
   * layer has is left out: nothing else can have to do with it.
   */
  public walk(visit: (path: string, places: readonly Place[]) => void): void {
    const heap = new PathHeap(this.layers);
    for (let path = heap.peek(); path !== undefined; path = heap.peek()) {
      const places = [heap.isAlone() ? heap.takeWithout(path) : heap.take()];
      while (heap.peek() === path) places.push(heap.take());
      visit(path, places);
    }
  }
}

/** The next paths of all layers, the first in byte order on top; of equal ones that of the lower layer. */
class PathHeap {
  /** Position and path that come next, by layer. */
  private readonly next: number[];
  private readonly heads: string[];
  private readonly heap: number[] = [];
  private readonly isAscii: boolean;
  /** Whether layers have the directories above all their paths. */
  private readonly isWhole: boolean;
  /** Positions that are left out, by layer, the next ones last. */
  private readonly leftOut: (readonly [from: number, to: number])[][];

  public constructor(private readonly layers: readonly LayerPaths[]) {
    this.next = layers.map(() => 0);
    this.heads = layers.map((layer) => layer.path(0));
    this.isAscii = layers.every((layer) => layer.isAscii);
    this.isWhole = layers.every((layer) => !layer.isMoved);
    this.leftOut = layers.map(() => []);
    for (const [layer, { size }] of layers.entries()) if (size > 0) this.heap.push(layer);
    for (let at = this.heap.length >> 1; at >= 0; at -= 1) this.sink(at);
  }

  /** The path that {@link take} gives next; undefined at the end. */
  public peek(): string | undefined {
    return this.headAt(0);
  }

  /** Whether the next path is that of one layer only. */
  public isAlone(): boolean {
    const first = this.headAt(0);
    return first !== this.headAt(1) && first !== this.headAt(2);
  }

  public take(): Place {
    const layer = this.heap[0] ?? 0;
    const at = this.next[layer] ?? 0;
    this.advance(layer, at + 1);
    return { layer, at };
  }

  /** Takes a path that is alone; if it is a directory, what lies below it is left out. */
  public takeWithout(path: string): Place {
    const layer = this.heap[0] ?? 0;
    const paths = this.layers[layer];
    const type = paths?.type(this.next[layer] ?? 0);
    // Layers need not have the root.
    if (this.isWhole && path !== '' && (type === 'directory' || type === 'implied')) {
      const range = paths?.below(path) ?? [0, 0];
      if (range[0] < range[1]) this.leftOut[layer]?.push(range);
    }
    return this.take();
  }

  private headAt(at: number): string | undefined {
    const layer = this.heap[at];
    return layer === undefined ? undefined : this.heads[layer];
  }

  private advance(layer: number, position: number): void {
    const paths = this.layers[layer];
    const leftOut = this.leftOut[layer] ?? [];
    let to = position;
    for (let range = leftOut.at(-1); range?.[0] === to; range = leftOut.at(-1)) {
      leftOut.pop();
      [, to] = range;
    }
    this.next[layer] = to;
    if (paths !== undefined && to < paths.size) {
      this.heads[layer] = paths.path(to);
    } else {
      const last = this.heap.pop();
      if (last !== undefined && this.heap.length > 0) this.heap[0] = last;
    }
    this.sink(0);
  }

  private sink(from: number): void {
    for (let at = from; ;) {
      let first = at;
      if (this.isBefore(2 * at + 1, first)) first = 2 * at + 1;
      if (this.isBefore(2 * at + 2, first)) first = 2 * at + 2;
      if (first === at) return;
      const moved = this.heap[at] ?? 0;
      this.heap[at] = this.heap[first] ?? 0;
      this.heap[first] = moved;
      at = first;
    }
  }

  private isBefore(a: number, b: number): boolean {
    if (a >= this.heap.length || b >= this.heap.length) return false;
    const [layer, other] = [this.heap[a] ?? 0, this.heap[b] ?? 0];
    const [path, otherPath] = [this.heads[layer] ?? '', this.heads[other] ?? ''];
    if (path === otherPath) return layer < other;
    return this.isAscii ? path < otherPath : compareNames(path, otherPath) < 0;
  }
}
