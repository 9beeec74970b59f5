import { StackError } from '../core';
import {
  addAncestors,
  ancestorsOf,
  parentOf,
  plainDirectory,
  resolveInView,
  sortTree,
  treeDigest,
  type DirectoryEntry,
  type Entry,
  type PathList,
  type Tree,
  type View,
} from '../pack';
import { FileView } from './file-view';
import { fileAt } from './merged-files';
import { withRootOf } from './root-directory';
import { sha256Of } from './same-entry';

/** What comes on top of a combination, so that nothing of its components is lost (stacking.md §6). */
export class Glue {
  private readonly entries = new Map<string, Entry>();
  /** At least the directories above what was put here. */
  private readonly parents = new Set<string>();
  private merged: FileView;

  /**
   * @param below what containers see without it
   * @param origins of directories that are not there: what the components have
   * @param epoch time of directories that nobody describes, seconds since 1970
   */
  public constructor(
    private readonly below: FileView,
    private readonly origins: readonly View[],
    private readonly epoch: number,
  ) {
    this.merged = below;
  }

  /** What containers see with everything that was put here. */
  public get view(): FileView {
    return this.merged;
  }

  public get isEmpty(): boolean {
    return this.entries.size === 0;
  }

  /**
   * Puts something on top, or removes what is there; nothing is kept of what makes no difference. The view does not have it
   * before {@link settle}.
   * @returns whether it is kept
   * @throws StackError STACK5029 when it would have to take the place of a directory, or its parent is none
   */
  public put(path: string, entry: Entry | undefined): boolean {
    const now: View = { get: (each) => this.entries.get(each) ?? this.below.get(each) };
    const parent = resolveInView(now, parentOf(path));
    const place = `${parent === '' ? '' : `${parent}/`}${path.slice(path.lastIndexOf('/') + 1)}`;
    const there = fileAt(this.below, place);
    if (entry === undefined) return this.remove(place, there);
    const isFile = (each: Entry | undefined): boolean => each !== undefined && NO_DIRECTORY.has(each.type);
    const above = ancestorsOf(place).find((each) => isFile(now.get(each)));
    if (above !== undefined) throw misplaced(place, `/${above} is no directory`);
    const isDirectory = now.get(place)?.type === 'directory' || this.putBelow(place).length > 0;
    if (isDirectory && entry.type !== 'directory') throw misplaced(place, 'it is a directory');
    this.reopenAbove(place);
    addAncestors(this.parents, place);
    const isNew = there === undefined || !isAlike(there, entry);
    if (isNew) this.entries.set(place, { ...entry, path: place });
    else this.entries.delete(place);
    return isNew;
  }

  /** Paths of what was put below another. */
  private putBelow(place: string): readonly string[] {
    if (!this.parents.has(place)) return [];
    const below = [...this.entries].filter(([path]) => path.startsWith(`${place}/`));
    return below.flatMap(([path, { type }]) => (type === 'whiteout' ? [] : [path]));
  }

  /** What was put below goes, too. */
  private remove(place: string, there: Entry | undefined): boolean {
    if (there?.type === 'directory' || this.parents.has(place)) {
      for (const path of [...this.entries.keys()]) if (path.startsWith(`${place}/`)) this.entries.delete(path);
    }
    this.entries.delete(place);
    const isGone = ancestorsOf(place).some((each) => (this.entries.get(each)?.type ?? 'directory') !== 'directory');
    if (there !== undefined && !isGone) this.entries.set(place, { type: 'whiteout', path: place });
    return there !== undefined;
  }

  /** A directory that was removed is there again when something is put into it; what else it had stays away. */
  private reopenAbove(place: string): void {
    for (const directory of ancestorsOf(place)) {
      if (this.entries.get(directory)?.type !== 'whiteout') continue;
      this.entries.delete(directory);
      if (this.below.get(directory)?.type !== 'directory') this.entries.set(directory, this.directory(directory));
      for (const path of this.below.childrenOf(directory)) this.entries.set(path, { type: 'whiteout', path });
    }
  }

  /** Takes what was put here into the view. */
  public settle(): void {
    this.merged = this.isEmpty ? this.below : FileView.of([this.below.under(''), this.withParents()], this.epoch);
  }

  /**
   * All of it, with the directories above. Equal layers are one layer, so it differs from those that are there: by the time of
   * the root directory. A filesystem image has all directories, so layers are equal also where only one describes them.
   * @param others the other layers' paths
   */
  public tree(others: readonly PathList[]): Tree {
    const tree = withRootOf(this.below, this.withParents());
    const rest = tree.filter(({ path }) => path !== '');
    const taken = new Set(
      others.filter(({ size }) => size <= rest.length + 1).map((list) => this.digestOf(entriesOf(list))),
    );
    let unique = tree;
    for (let later = 1; taken.has(this.digestOf(unique)); later += 1) {
      const root = this.directory('');
      unique = [{ ...root, mtime: root.mtime + later }, ...rest];
    }
    return unique;
  }

  /** Of a tree with all its directories. */
  private digestOf(tree: Tree): string {
    const all = new Map(tree.map((entry) => [entry.path, entry]));
    for (const { path } of tree) {
      for (const parent of ['', ...ancestorsOf(path)]) {
        if (!all.has(parent)) all.set(parent, plainDirectory(parent, this.epoch));
      }
    }
    return treeDigest(sortTree(all.values())) ?? '';
  }

  private withParents(): Tree {
    const all = new Map(this.entries);
    for (const path of this.entries.keys()) {
      for (const parent of ancestorsOf(path)) if (!all.has(parent)) all.set(parent, this.directory(parent));
    }
    return sortTree(all.values());
  }

  private directory(path: string): DirectoryEntry {
    for (const entry of [this.entries.get(path), ...[this.below, ...this.origins].map((view) => view.get(path))]) {
      if (entry?.type === 'directory') return { ...entry, opaque: undefined };
    }
    return plainDirectory(path, this.epoch);
  }
}

function entriesOf(list: PathList): Tree {
  return Array.from({ length: list.size }, (_, at) => list.entry(at));
}

/** What nothing can lie below; what is removed can be made again. */
const NO_DIRECTORY: ReadonlySet<Entry['type']> = new Set(['file', 'hardlink', 'symlink', 'char', 'block', 'fifo']);

function misplaced(path: string, why: string): StackError {
  return new StackError('STACK5029', `a merger puts something at /${path}, but ${why}`);
}

/** Whether two entries differ in nothing but their time and how they are called. */
function isAlike(a: Entry, b: Entry): boolean {
  if (a.type !== b.type || a.type === 'whiteout' || b.type === 'whiteout') return false;
  const isLink = a.type === 'symlink';
  if ((!isLink && a.mode !== b.mode) || a.uid !== b.uid || a.gid !== b.gid) return false;
  if (textOf(a.xattrs) !== textOf(b.xattrs)) return false;
  if (a.type === 'symlink' && b.type === 'symlink') return a.target === b.target;
  if (a.type === 'file' && b.type === 'file') return a.size === b.size && sha256Of(a) === sha256Of(b);
  return a.type === 'directory';
}

function textOf(xattrs: Extract<Entry, { type: 'file' }>['xattrs']): string {
  return JSON.stringify(xattrs ?? []);
}
