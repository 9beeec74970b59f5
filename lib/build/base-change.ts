import { canonicalJson } from '../core';
import { digestOf } from '../oci';
import { ancestorsOf, parentOf, sortTree, type Entry, type PathList, type Tree } from '../pack';
import { isSameState } from '../stack';
import type { BuildContext } from './context';
import type { KnownDelta } from './delta';
import { FileView, treesOf } from './file-view';
import { fileAt } from './merged-files';
import { pathListsOf } from './path-lists';

/** Another number where the same images give another change. */
const RULES = 1;

/**
 * The change from one image to another as a single delta: laid over the layers of the first it gives the files of the second. It is
 * never published; it is how a new base takes part in a merge (stacking.md §7).
 */
export function baseChange(context: BuildContext, from: readonly KnownDelta[], to: readonly KnownDelta[]): KnownDelta {
  const keysOf = (deltas: readonly KnownDelta[]): readonly string[] => deltas.map(({ contentKey }) => contentKey);
  let made: Promise<Tree> | undefined;
  return {
    contentKey: digestOf(canonicalJson({ baseChange: RULES, from: keysOf(from), to: keysOf(to) })),
    createdBy: 'what the new base changes',
    tree: () => (made ??= changeOf(context, from, to)),
  };
}

async function changeOf(context: BuildContext, from: readonly KnownDelta[], to: readonly KnownDelta[]): Promise<Tree> {
  const viewOf = async (deltas: readonly KnownDelta[]): Promise<FileView> =>
    FileView.of((await pathListsOf(context, deltas)).map(entriesOf), context.epoch);
  const [before, after] = [await viewOf(from), await viewOf(to)];
  const contents = FileView.of(await treesOf(to), context.epoch);
  const change = new Map<string, Entry>();
  const add = (path: string, entry: Entry): void => {
    for (const parent of ancestorsOf(path)) {
      const directory = contents.get(parent);
      if (directory?.type === 'directory' && !change.has(parent)) change.set(parent, directory);
    }
    change.set(path, entry);
  };
  for (const { path } of after.under('')) {
    const [was, is, entry] = [fileAt(before, path), fileAt(after, path), fileAt(contents, path)];
    if (is === undefined || entry === undefined || (was !== undefined && isSame(was, is))) continue;
    add(path, entry.type === 'file' && is.type === 'file' ? { ...entry, sha256: is.sha256 } : entry);
  }
  for (const { path } of before.under('')) {
    const isGone = after.get(path) === undefined && after.get(parentOf(path))?.type === 'directory';
    if (isGone) add(path, { type: 'whiteout', path });
  }
  return sortTree(change.values());
}

function entriesOf(list: PathList): Tree {
  return Array.from({ length: list.size }, (_, at) => list.entry(at));
}

function isSame(a: Entry, b: Entry): boolean {
  return isSameState(a, b) && timeOf(a) === timeOf(b);
}

function timeOf(entry: Entry): number | undefined {
  return entry.type === 'whiteout' ? undefined : entry.mtime;
}
