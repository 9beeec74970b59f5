import type { Combination, Place } from './combination';
import type { ConflictCode } from './conflict-report';
import { isEqual } from './entry-conflict';

/** Something that a whiteout or opaque mark of one component does to a path of another one. */
export interface WhiteoutConflict {
  /** `UNDONE_REMOVAL`: the victim is on top, but has only what the base has, so that nobody but the remover meant a change. */
  readonly code: Extract<ConflictCode, 'MODIFY_DELETE' | 'FOREIGN_WHITEOUT' | 'VACUOUS_WHITEOUT'> | 'UNDONE_REMOVAL';
  /** Number of the component that removes, and where. */
  readonly remover: number;
  readonly mark: Place;
  /** Number of the component that has the path, and where. */
  readonly victim: number;
  readonly place: Place;
  readonly path: string;
}

/**
 * Follows every whiteout and opaque mark to what it hides of other components (stacking.md §4). Of a path that the shared base
 * has, too, one component removes what the other one changes, whichever is on top.
 */
export function visitWhiteouts(combination: Combination, visit: (conflict: WhiteoutConflict) => void): void {
  for (const [layer, paths] of combination.layers.entries()) {
    // What lies below a mark is hidden by that one already.
    for (const at of paths.marks) if (!paths.hides(paths.path(at))) followMark(combination, { layer, at }, visit);
  }
}

function followMark(combination: Combination, mark: Place, visit: (conflict: WhiteoutConflict) => void): void {
  const removers = combination.ownersOf(mark.layer);
  let meant: boolean | undefined;
  for (const [layer, paths] of combination.layers.entries()) {
    if (!combination.isForeign(layer, mark.layer)) continue;
    for (const at of reachOf(combination, mark, layer)) {
      const type = paths.type(at);
      if (type === 'whiteout' || type === 'implied') continue;
      const path = paths.path(at);
      const place = { layer, at };
      const places = combination.placesOf(path);
      for (const victim of combination.ownersOf(layer)) {
        if (!isAt(combination.finalOf(path, places, victim), place)) continue;
        for (const remover of removers) {
          if (!isLastWord(combination, mark, remover, path)) continue;
          const base = combination.finalOf(path, places, remover, victim);
          const found = { remover, mark, victim, place, path };
          if (base !== undefined) {
            const code = lossOf(combination, base, place, mark);
            if (code !== undefined) visit({ ...found, code });
          } else if (layer < mark.layer) {
            meant ??= removers.some((each) => hidesOwn(combination, mark, each));
            visit({ ...found, code: meant ? 'FOREIGN_WHITEOUT' : 'VACUOUS_WHITEOUT' });
          }
        }
      }
    }
  }
}

/** Positions in a layer of what a mark would hide. */
function* reachOf(combination: Combination, mark: Place, layer: number): Generator<number> {
  const marking = combination.layer(mark.layer);
  const directory = marking.path(mark.at);
  const paths = combination.layer(layer);
  const itself = marking.type(mark.at) === 'whiteout' ? paths.find(directory) : undefined;
  if (itself !== undefined) yield itself;
  const [from, to] = paths.below(directory);
  for (let at = from; at < to; at += 1) yield at;
}

/** Whether nothing of the component comes to a path from the mark's layer or above, and no other mark removes it again. */
function isLastWord(combination: Combination, mark: Place, component: number, path: string): boolean {
  for (let layer = mark.layer; layer < combination.layers.length; layer += 1) {
    if (!combination.has(component, layer)) continue;
    const paths = combination.layer(layer);
    const at = paths.find(path);
    const isRemoved = layer === mark.layer && at !== undefined && (at === mark.at || paths.type(at) === 'whiteout');
    if (at !== undefined && !isRemoved) return false;
    if (layer > mark.layer && paths.hides(path)) return false;
  }
  return true;
}

/** Whether a component has something below a mark's layer that the mark hides. */
function hidesOwn(combination: Combination, mark: Place, component: number): boolean {
  for (let layer = mark.layer - 1; layer >= 0; layer -= 1) {
    if (!combination.has(component, layer)) continue;
    for (const at of reachOf(combination, mark, layer)) {
      const path = combination.layer(layer).path(at);
      const below = combination.placesOf(path).filter((place) => place.layer < mark.layer);
      if (isVisible(combination, component, path, below, mark.layer)) return true;
    }
  }
  return false;
}

/** Whether a component has a path before a layer is laid over it. */
function isVisible(
  combination: Combination,
  component: number,
  path: string,
  places: readonly Place[],
  before: number,
): boolean {
  const own = places.filter(({ layer }) => combination.has(component, layer));
  const last = own.at(-1);
  if (last === undefined || combination.layer(last.layer).type(last.at) === 'whiteout') return false;
  for (let layer = last.layer + 1; layer < before; layer += 1) {
    if (combination.has(component, layer) && combination.layer(layer).hides(path)) return false;
  }
  return true;
}

/** What is lost of a removal and of what another component has: a change, the removal of what was not changed, or nothing. */
function lossOf(
  combination: Combination,
  base: Place,
  place: Place,
  mark: Place,
): 'MODIFY_DELETE' | 'UNDONE_REMOVAL' | undefined {
  const [before, now] = [base, place].map(({ layer, at }) => combination.layer(layer).state(at));
  if (before === undefined || now === undefined) return undefined;
  if (!isEqual(before, now)) return 'MODIFY_DELETE';
  return place.layer > mark.layer && now !== 'implied' ? 'UNDONE_REMOVAL' : undefined;
}

function isAt(a: Place | undefined, b: Place): boolean {
  return a?.layer === b.layer && a.at === b.at;
}
