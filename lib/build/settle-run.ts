import { hardlinkTo, parentOf, type Entry, type FileEntry, type Tree, type View } from '../pack';
import { excludeFilter, withoutExcluded } from './exclude';
import type { FileView } from './file-view';
import { minimalLayer } from './minimal-layer';
import { withRootOf } from './root-directory';

/** How a script's changes are read. */
export interface SettleOptions {
  /** When the script began, seconds since 1970. */
  readonly started: number;
  /** The time of what the script wrote, seconds since 1970. */
  readonly epoch: number;
  /** What is left out: patterns, see `excludeFilter`. */
  readonly exclude: readonly string[];
  /** What of the layer was there before the script, by path: its imports. */
  readonly imported?: View | undefined;
}

/**
 * Makes of what overlayfs has in its upper directory the layer that leaves exactly what the script left.
 *
 * - What is as the base has it is left out, also where the script removed it and made it again.
 * - What `exclude` names is left out.
 * - What was written by the script gets the epoch as its time; what has an older time keeps it (design.md §6). A directory
 *   of the base that only got or lost entries keeps the time it had there: nobody set another.
 * @param upper as read from the upper directory
 * @param base what was below
 */
export function settleRun(upper: Tree, base: FileView, options: SettleOptions): Tree {
  const { exclude, imported } = options;
  const before: View = { get: (path) => imported?.get(path) ?? base.get(path) };
  const settled = withTimes(leaveOut(upper, exclude), before, options);
  return withRootOf(base, minimalLayer(settled, base, excludeFilter(exclude)));
}

/** A link whose file is left out becomes that file. */
function leaveOut(upper: Tree, patterns: readonly string[]): Tree {
  const kept = withoutExcluded(upper, patterns);
  const names = new Set(kept.map(({ path }) => path));
  const gone = new Map<string, FileEntry>();
  for (const entry of upper) if (entry.type === 'file' && !names.has(entry.path)) gone.set(entry.path, entry);
  const heirs = new Map<string, string>();
  return kept.map((entry) => {
    const file = entry.type === 'hardlink' ? gone.get(entry.target) : undefined;
    if (entry.type !== 'hardlink' || file === undefined) return entry;
    const heir = heirs.get(entry.target);
    if (heir !== undefined) return hardlinkTo(file, entry.path, heir);
    heirs.set(entry.target, entry.path);
    return { ...file, path: entry.path };
  });
}

/** @param before what the script found */
function withTimes(upper: Tree, before: View, { started, epoch }: SettleOptions): Tree {
  const made = new Set<string>(); // directories that the script made
  return upper.map((entry): Entry => {
    if (entry.type === 'whiteout') return entry;
    const found = entry.type === 'directory' ? before.get(entry.path) : undefined;
    const isFound = found?.type === 'directory' && !isOpaque(entry) && !made.has(parentOf(entry.path));
    if (entry.type === 'directory' && !isFound) made.add(entry.path);
    if (entry.mtime < started) return entry;
    return { ...entry, mtime: isFound ? found.mtime : epoch };
  });
}

/** Overlayfs marks every directory that is made where the layers below may have one. */
function isOpaque(entry: Entry): boolean {
  return entry.type === 'directory' && entry.opaque === true;
}
