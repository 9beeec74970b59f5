import { canonicalJson, StackError } from '../core';
import { baseChange } from './base-change';
import type { CombinedDeltas, DeltaSequence, MovedBase } from './built-image';
import type { BuildContext } from './context';
import type { KnownDelta } from './delta';

type OrderedDeltas = Pick<CombinedDeltas, 'deltas' | 'combines'>;

/**
 * What is compared where components were moved to another base (stacking.md §7): the layers of the base they were built on, above
 * them what the new base changes, and then the components' own layers. These are the files of the combination, by layers whose
 * common ones are the ancestor; the new base is one more side of the merge, its bottom one. Components that were built on different
 * bases stand on one after the other.
 * @returns undefined where every component stands on what it was built on
 */
export function comparedDeltas(context: BuildContext, { deltas, combines }: OrderedDeltas): OrderedDeltas | undefined {
  const moves = combines.flatMap(({ moved }) => moved ?? []);
  const [move] = moves;
  if (move === undefined) return undefined;
  const { to } = move;
  const inBase = keysIn(to.deltas);
  const isOwn = ({ contentKey }: KnownDelta): boolean => !inBase.has(contentKey);
  const own = deltas.filter(isOwn);
  const bases = new Lineage(context, moves, own);
  return {
    deltas: [...bases.of(to.deltas), ...own],
    combines: [
      { name: to.name, deltas: bases.of(to.deltas) },
      ...combines.map((each): DeltaSequence => {
        const below = bases.of(each.moved?.from ?? to.deltas);
        return { name: each.name, deltas: [...below, ...each.deltas.filter(isOwn)] };
      }),
    ],
  };
}

/** Bases, each as the one before it with what it changes of that. */
class Lineage {
  private readonly known = new Map<string, readonly KnownDelta[]>();

  /** @param own layers of the components; they can be the same as some of an old base */
  public constructor(context: BuildContext, moves: readonly MovedBase[], own: readonly KnownDelta[]) {
    const [first, ...others] = distinct([...moves.map(({ from }) => from), ...moves.map(({ to }) => to.deltas)]);
    if (first === undefined) return;
    const owned = keysIn(own);
    const isMixed = first.some(({ contentKey }) => owned.has(contentKey));
    let below = isMixed ? [baseChange(context, [], first)] : first;
    this.known.set(keyOf(first), below);
    let previous = first;
    for (const each of others) {
      below = [...below, baseChange(context, previous, each)];
      this.known.set(keyOf(each), below);
      previous = each;
    }
  }

  public of(base: readonly KnownDelta[]): readonly KnownDelta[] {
    const deltas = this.known.get(keyOf(base));
    if (deltas === undefined) throw new StackError('STACK9001', 'a component was moved to a base that is not known');
    return deltas;
  }
}

/** The last one comes last, whatever was before. */
function distinct(bases: readonly (readonly KnownDelta[])[]): readonly (readonly KnownDelta[])[] {
  const last = bases.at(-1);
  const others = new Map(bases.map((each) => [keyOf(each), each]));
  if (last === undefined) return [];
  others.delete(keyOf(last));
  return [...others.values(), last];
}

function keysIn(deltas: readonly KnownDelta[]): ReadonlySet<string> {
  return new Set(deltas.map(({ contentKey }) => contentKey));
}

function keyOf(deltas: readonly KnownDelta[]): string {
  return canonicalJson(deltas.map(({ contentKey }) => contentKey));
}
