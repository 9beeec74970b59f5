import { compareNames } from '../core';
import { ancestorsOf } from '../pack';
import type { Combination, Place } from './combination';
import type { Conflict, ConflictCode, Severity } from './conflict-report';
import type { Judge } from './conflict-rules';
import type { Finding, Owner, Restoration } from './findings';
import { visitWhiteouts, type WhiteoutConflict } from './whiteout-conflicts';

/** Paths that are listed with a whiteout. */
const MAX_HIDDEN = 20;
/** Bytes of files that a glue layer repeats at most, and how many entries. */
const MAX_REPAIRED_BYTES = 64 * 1024 * 1024;
const MAX_REPAIRED = 100_000;

/** What whiteouts and opaque marks do to other components. */
export interface Hidden {
  /** Files that one component removes and another one changes. */
  readonly conflicts: readonly Finding[];
  /** Marks that hide something which stays hidden; what with severity and some paths. */
  readonly marks: readonly {
    readonly finding: Finding;
    readonly more: Pick<Conflict, 'severity' | 'hidden' | 'hiddenCount'>;
  }[];
  readonly restorations: readonly Restoration[];
}

/** Follows all whiteouts, and decides what of that is repaired: all of it, or nothing when it would be too much. */
export function findHidden(combination: Combination, judge: Judge): Hidden {
  const conflicts = new Map<string, Finding>();
  const restorations = new Map<string, Restoration>();
  const marks = new Marks(combination);
  const repairs: HidingConflict[] = [];
  const directories: string[] = [];
  visitWhiteouts(combination, (found) => {
    const { code, path } = found;
    if (code === 'FOREIGN_WHITEOUT' || code === 'VACUOUS_WHITEOUT') {
      const hiding = { ...found, code };
      if (judge.repairs(code, `/${path}`)) repairs.push(hiding);
      else marks.add(hiding, judge.severityOf(code, `/${path}`));
    } else if (code === 'UNDONE_REMOVAL' && judge.keepsChange(`/${path}`)) {
      restorations.set(path, { path, by: 'one-sided change', owners: ownersOf(found) });
      if (typeOf(combination, found.place) === 'directory') directories.push(path);
    } else if (code === 'UNDONE_REMOVAL' && typeOf(combination, found.place) === 'directory') {
      // A rule leaves it to the component on top.
    } else if (!conflicts.has(path)) {
      conflicts.set(path, { code: 'MODIFY_DELETE', path, owners: ownersOf(found) });
    }
  });
  for (const path of conflicts.keys()) restorations.delete(path);
  const repaired = repairsOf(combination, repairs);
  removeEmptied(combination, directories, restorations, new Set(repaired?.map(({ path }) => path)));
  if (repaired === undefined) for (const each of repairs) marks.add(each, judge.severityOf(each.code, `/${each.path}`));
  return {
    conflicts: [...conflicts.values()],
    marks: marks.list(),
    restorations: [...restorations.values(), ...(repaired ?? [])],
  };
}

/** Leaves only removals of directories in which nothing is left, in the place of those of what was in them. */
function removeEmptied(
  combination: Combination,
  directories: readonly string[],
  removals: Map<string, Restoration>,
  repaired: ReadonlySet<string>,
): void {
  const deepestFirst = [...new Set(directories)].sort((a, b) => compareNames(b, a));
  for (const directory of deepestFirst) {
    const isFull = [...contentsOf(combination, directory)].some((path) => !removals.has(path) || repaired.has(path));
    if (isFull) removals.delete(directory);
  }
  for (const path of [...removals.keys()]) {
    if (ancestorsOf(path).some((each) => removals.has(each))) removals.delete(path);
  }
}

/** What all layers together have below a directory, but for directories that no layer describes. */
function* contentsOf(combination: Combination, directory: string): Generator<string> {
  for (const [layer, paths] of combination.layers.entries()) {
    const [from, to] = paths.below(directory);
    for (let at = from; at < to; at += 1) {
      const type = paths.type(at);
      const path = paths.path(at);
      if (type !== 'whiteout' && type !== 'implied' && !isLost(combination, path, layer)) yield path;
    }
  }
}

/** Whether layers above one hide or remove a path. */
function isLost(combination: Combination, path: string, below: number): boolean {
  return combination.layers.some((paths, layer) => {
    if (layer <= below) return false;
    const at = paths.find(path);
    return paths.hides(path) || (at !== undefined && paths.type(at) === 'whiteout');
  });
}

function typeOf(combination: Combination, { layer, at }: Place): string {
  return combination.layer(layer).type(at);
}

type HidingConflict = WhiteoutConflict & { readonly code: Extract<ConflictCode, `${string}_WHITEOUT`> };

/** What is to be put back, the topmost of what is hidden at a path; undefined when it is too much. */
function repairsOf(combination: Combination, hidden: readonly HidingConflict[]): readonly Restoration[] | undefined {
  const tops = new Map<string, { readonly place: Place; readonly owners: Owner[] }>();
  for (const found of hidden) {
    const { path, mark, place } = found;
    if (isCovered(combination, path, mark)) continue;
    const known = tops.get(path);
    const isHigher = known === undefined || place.layer > known.place.layer;
    tops.set(path, {
      place: isHigher ? place : known.place,
      owners: [...(known?.owners ?? []), ...ownersOf(found)],
    });
  }
  let bytes = 0;
  for (const { place } of tops.values()) {
    const state = combination.layer(place.layer).state(place.at);
    if (state !== 'implied' && state.type === 'file') bytes += state.size;
  }
  if (bytes > MAX_REPAIRED_BYTES || tops.size > MAX_REPAIRED) return undefined;
  return [...tops].map(([path, { place, owners }]) => ({ path, place, by: 'repair', owners }));
}

/** Whether another layer above a mark has a path again. */
function isCovered(combination: Combination, path: string, mark: Place): boolean {
  return combination
    .placesOf(path)
    .some(({ layer, at }) => layer > mark.layer && combination.layer(layer).type(at) !== 'whiteout');
}

/** Marks with what they hide: each is told once for each severity. */
class Marks {
  private readonly marks = new Map<
    string,
    {
      readonly finding: Finding;
      readonly severity: Severity;
      readonly owners: Map<number, Owner>;
      readonly paths: Set<string>;
    }
  >();

  public constructor(private readonly combination: Combination) {}

  public add({ code, path, mark, remover, victim, place }: HidingConflict, severity: Severity): void {
    const key = [severity, code, mark.layer, mark.at].join(' ');
    const owners = new Map<number, Owner>();
    const finding = { code, path: this.combination.layer(mark.layer).path(mark.at), owners: [] };
    const known = this.marks.get(key) ?? { finding, severity, owners, paths: new Set<string>() };
    this.marks.set(key, known);
    known.owners.set(-1 - remover, { ...mark, component: remover });
    if (!known.owners.has(victim)) known.owners.set(victim, { ...place, component: victim });
    known.paths.add(`/${path}`);
  }

  public list(): Hidden['marks'] {
    return [...this.marks.values()].map(({ finding, severity, owners, paths }) => ({
      finding: { ...finding, owners: [...owners.values()] },
      more: { severity, hidden: [...paths].slice(0, MAX_HIDDEN), hiddenCount: paths.size },
    }));
  }
}

function ownersOf({ remover, mark, victim, place }: WhiteoutConflict): readonly Owner[] {
  return [
    { ...mark, component: remover },
    { ...place, component: victim },
  ];
}
