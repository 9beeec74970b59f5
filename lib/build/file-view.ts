import { compareNames, lowerBound, mapParallel, reopened } from '../core';
import { ancestorsOf, mergeTrees, parentOf, plainDirectory, type Entry, type Tree, type View } from '../pack';
import type { KnownDelta } from './delta';

/** What a container of an image sees: all its files, also directories that no layer describes. */
export class FileView implements View {
  /**
   * @param layers bottom to top
   * @param epoch time of directories that no layer describes, seconds since 1970
   */
  public static of(layers: readonly Tree[], epoch: number): FileView {
    const entries = mergeTrees(layers);
    for (const path of [...entries.keys()]) {
      for (const parent of ancestorsOf(path)) {
        if (!entries.has(parent)) entries.set(parent, plainDirectory(parent, epoch));
      }
    }
    if (!entries.has('')) entries.set('', plainDirectory('', epoch));
    return new FileView(entries);
  }

  private sorted: readonly Entry[] | undefined;
  /** By the path that holds the content, of files that have several names. */
  private links: ReadonlyMap<string, readonly string[]> | undefined;

  private constructor(private readonly entries: ReadonlyMap<string, Entry>) {}

  public get(path: string): Entry | undefined {
    return this.entries.get(path);
  }

  /** What is at a path and everything below it, in byte order of the paths. */
  public under(path: string): readonly Entry[] {
    const top = this.entries.get(path);
    if (top === undefined) return [];
    this.sorted ??= [...this.entries.values()].sort((a, b) => compareNames(a.path, b.path));
    if (path === '') return this.sorted;
    // What is below `a` lies between `a/` and `a0`, 0 being the character behind the slash.
    return [top, ...this.sorted.slice(this.position(`${path}/`), this.position(`${path}0`))];
  }

  /** Paths of what lies directly in a directory. */
  public childrenOf(directory: string): readonly string[] {
    return this.under(directory).flatMap(({ path }) => (path !== '' && parentOf(path) === directory ? [path] : []));
  }

  /** All names of the file at a path, the one that holds its content first. */
  public namesOf(path: string): readonly string[] {
    const entry = this.entries.get(path);
    const holder = entry?.type === 'hardlink' ? entry.target : path;
    this.links ??= linksIn(this.entries.values());
    return [holder, ...(this.links.get(holder) ?? [])];
  }

  /** Where a path is, or would be, in the sorted list. */
  private position(path: string): number {
    const sorted = this.sorted ?? [];
    return lowerBound(sorted.length, (at) => compareNames(sorted[at]?.path ?? '', path) < 0);
  }
}

function linksIn(entries: Iterable<Entry>): ReadonlyMap<string, readonly string[]> {
  const links = new Map<string, string[]>();
  for (const entry of entries) {
    if (entry.type !== 'hardlink') continue;
    const names = links.get(entry.target);
    if (names === undefined) links.set(entry.target, [entry.path]);
    else names.push(entry.path);
  }
  return links;
}

/** Layers unpacked at a time, where their files were not needed before. */
const UNPACKED_AT_A_TIME = 4;

/** What deltas consist of. @throws what making a tree throws, when no other one is being made any more */
export function treesOf(deltas: readonly KnownDelta[]): Promise<readonly Tree[]> {
  return mapParallel(deltas, UNPACKED_AT_A_TIME, (delta) => delta.tree());
}

const views = new WeakMap<readonly KnownDelta[], () => Promise<FileView>>();

/** The view of an image's deltas; made once for one list of them while it is in use. */
export async function viewOf(deltas: readonly KnownDelta[], epoch: number): Promise<FileView> {
  let view = views.get(deltas);
  if (view === undefined) {
    view = reopened(async () => FileView.of(await treesOf(deltas), epoch));
    views.set(deltas, view);
  }
  return view();
}
