import { ancestorsOf, hardlinkTo, indexLine, sortTree, type Entry, type FileEntry, type Tree } from '../pack';
import { withoutExcluded } from './exclude';
import type { FileView } from './file-view';

/** How a script's changes are read. */
export interface SettleOptions {
  /** When the script began, seconds since 1970. */
  readonly started: number;
  /** The time of what the script wrote, seconds since 1970. */
  readonly epoch: number;
  /** What is left out: patterns, see `excludeFilter`. */
  readonly exclude: readonly string[];
}

/**
 * What a script really changed, out of what overlayfs has in its upper directory.
 *
 * - Whiteouts and opaque marks that hide nothing of the base are dropped: stacked on something else they would hide that
 *   (stacking.md §4; overlayfs marks every directory made in a merged parent).
 * - Entries that are as the base has them are dropped, and directories that were only copied up on the way.
 * - What `exclude` names is left out.
 * - What was written by the script gets the epoch as its time; what kept an older time keeps it (design.md §6).
 * @param upper as read from the upper directory
 * @param base what was below
 */
export function settleRun(upper: Tree, base: FileView, options: SettleOptions): Tree {
  const kept = new Map<string, Entry>();
  for (const entry of leaveOut(upper, options.exclude)) {
    if (entry.path === '') continue; // the root stays what the base says it is
    const settled = settle(entry, base, options);
    if (settled !== undefined) kept.set(entry.path, settled);
  }
  const changed = [...kept.values()].filter((entry) => !isSame(entry, base.get(entry.path)));
  const needed = new Set(changed.map(({ path }) => path));
  for (const entry of changed) {
    for (const parent of ancestorsOf(entry.path)) needed.add(parent);
    if (entry.type === 'hardlink') needed.add(entry.target);
  }
  return sortTree([...kept.values()].filter(({ path }) => needed.has(path)));
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

function settle(entry: Entry, base: FileView, { started, epoch }: SettleOptions): Entry | undefined {
  const below = base.get(entry.path);
  if (entry.type === 'whiteout') return below === undefined ? undefined : entry;
  const mtime = entry.mtime >= started ? epoch : entry.mtime;
  if (entry.type !== 'directory') return { ...entry, mtime };
  const hides = entry.opaque === true && base.childrenOf(entry.path).length > 0;
  const directory: Entry = { ...entry, mtime, opaque: hides ? true : undefined };
  // A directory that only got or lost entries keeps the time it had: nobody set it.
  const untouched = below?.type === 'directory' && isSame({ ...directory, mtime: below.mtime }, below);
  return untouched ? { ...directory, mtime: below.mtime } : directory;
}

function isSame(entry: Entry, below: Entry | undefined): boolean {
  const line = (each: Entry): string => indexLine(each, each.type === 'file' ? each.sha256 : undefined);
  return below !== undefined && line(entry) === line(below);
}
