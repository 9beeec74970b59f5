import { ancestorsOf, parentOf, sortTree, type DirectoryEntry, type Entry, type FileEntry, type Tree } from '../pack';
import type { FileView } from './file-view';
import { fileAt } from './merged-files';
import { isSameEntry } from './same-entry';

/**
 * Returns the smallest layer that turns a base into what it looks like below another layer.
 *
 * - What is as the base has it is left out, and so are removals of what the base does not have (stacking.md §4).
 * - Removals are told one by one. An opaque mark would hide what is left out, and what another image has in the directory.
 * - Names share a file exactly where they do below the given layer.
 * @param layer in its full form, as overlayfs keeps it: directories in full where they are opaque
 * @param isLeftOut tells which paths of the base stay although the layer removes them
 */
export function minimalLayer(layer: Tree, base: FileView, isLeftOut: (path: string) => boolean = () => false): Tree {
  return new Difference(layer, base, isLeftOut).tree();
}

/** All names of one file in a layer. */
interface Names {
  readonly file: FileEntry;
  readonly paths: string[];
}

class Difference {
  private readonly own = new Map<string, Entry>();
  /** The topmost paths that are gone. */
  private readonly gone = new Set<string>();

  public constructor(
    layer: Tree,
    private readonly base: FileView,
    private readonly isLeftOut: (path: string) => boolean,
  ) {
    for (const entry of layer) if (entry.type !== 'whiteout') this.own.set(entry.path, entry);
    for (const entry of layer) {
      if (entry.type === 'whiteout' && base.get(entry.path) !== undefined) this.gone.add(entry.path);
      if (entry.type === 'directory' && entry.opaque === true) this.removeBelow(entry.path);
    }
  }

  public tree(): Tree {
    const kept = new Map<string, Entry>();
    const keep = (path: string): void => {
      const entry = this.own.get(path) ?? this.base.get(path);
      if (entry !== undefined) kept.set(path, entry.type === 'directory' ? withoutMark(entry) : entry);
    };
    for (const path of [...this.changedFiles(), ...this.changedOthers()]) keep(path);
    for (const path of [...kept.keys(), ...this.gone]) {
      for (const parent of ancestorsOf(path)) if (!kept.has(parent)) keep(parent);
    }
    for (const path of this.gone) kept.set(path, { type: 'whiteout', path });
    return sortTree(kept.values());
  }

  /** Removes what the base has in a directory and the layer has not. */
  private removeBelow(directory: string): void {
    const done = new Set<string>(); // what is below was decided with it
    for (const { path } of this.base.under(directory)) {
      if (path === directory) continue;
      const own = this.own.get(path);
      if (!done.has(parentOf(path))) {
        if (own?.type === 'directory') continue;
        if (own === undefined && !this.isLeftOut(path)) this.gone.add(path);
      }
      done.add(path);
    }
  }

  private *changedOthers(): Generator<string> {
    for (const [path, entry] of this.own) {
      if (entry.type === 'file' || entry.type === 'hardlink') continue;
      const below = this.base.get(path);
      const changed = entry.type === 'directory' ? withoutMark(entry) : entry;
      if (below === undefined || !isSameEntry(changed, below)) yield path;
    }
  }

  /** All names of a file or none, so that no name is left without what it is a name of. */
  private *changedFiles(): Generator<string> {
    const taken = new Set<string>();
    for (const names of this.files()) {
      const first = this.sharedBelow(names);
      if (first === undefined || taken.has(first)) yield* names.paths;
      else taken.add(first);
    }
  }

  /**
   * Reports by which first name the base has a file, if it has it under all its names and would show it under no other one.
   * Several files of the layer may have become of one of the base.
   */
  private sharedBelow({ file, paths }: Names): string | undefined {
    const isUnchanged = (path: string): boolean => {
      const below = fileAt(this.base, path);
      return below !== undefined && isSameEntry(file, below);
    };
    if (!paths.every(isUnchanged)) return undefined;
    const before = this.base.namesOf(paths[0] ?? '');
    const [shared, present] = [new Set(before), new Set(paths)];
    const areShared = paths.every((path) => shared.has(path));
    return areShared && before.every((path) => present.has(path) || this.isReplaced(path)) ? before[0] : undefined;
  }

  /** Reports whether a path of the base is not visible any more. */
  private isReplaced(path: string): boolean {
    if (this.own.has(path) || this.gone.has(path)) return true;
    return ancestorsOf(path).some((parent) => {
      const own = this.own.get(parent);
      return this.gone.has(parent) || (own !== undefined && own.type !== 'directory');
    });
  }

  private files(): Iterable<Names> {
    const files = new Map<string, Names>();
    for (const [path, entry] of this.own) if (entry.type === 'file') files.set(path, { file: entry, paths: [path] });
    for (const [path, entry] of this.own) if (entry.type === 'hardlink') files.get(entry.target)?.paths.push(path);
    return files.values();
  }
}

function withoutMark(directory: DirectoryEntry): DirectoryEntry {
  return directory.opaque === undefined ? directory : { ...directory, opaque: undefined };
}
