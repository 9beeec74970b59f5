import { StackError } from '../core';
import type { PathList } from '../pack';
import type { LayerFormat } from '../plan';
import { commute, identityOf, type Commute } from '../stack';
import type { BuiltImage } from './built-image';
import type { BuildContext } from './context';
import { layerIn, type KnownDelta } from './delta';
import { deltasIn } from './described';
import { pathListsOf } from './path-lists';

/**
 * Orders layers. Where components contradict each other it is tried again with the paths of their layers: of two layers that
 * have nothing to do with each other any order will do, and the first component's is taken (stacking.md §1).
 * @param work orders them
 * @param warn is told that it was taken, with what contradicts itself
 * @throws StackError STACK5003 where layers do have to do with each other; as `pathListsOf`; what the work throws
 */
export async function withCommuting<T>(
  context: BuildContext,
  parts: readonly BuiltImage[],
  formats: readonly LayerFormat[],
  work: (commute?: Commute) => T,
  warn?: (message: string) => void,
): Promise<T> {
  try {
    return work();
  } catch (error) {
    if (!StackError.is(error) || error.code !== 'STACK5003') throw error;
    const result = work(await commuteOf(context, parts, formats));
    warn?.(`${error.message}; these have nothing to do with each other, so the first component's order is taken`);
    return result;
  }
}

/** By content keys as by identities in the formats. */
async function commuteOf(
  context: BuildContext,
  parts: readonly BuiltImage[],
  formats: readonly LayerFormat[],
): Promise<Commute> {
  const deltas = new Map<KnownDelta, string[]>();
  for (const format of formats.length === 0 ? [undefined] : formats) {
    for (const part of parts) {
      for (const delta of await deltasIn(context, part.deltas, format)) {
        const layer = format === undefined ? undefined : layerIn(delta, format);
        const names = [delta.contentKey, ...(layer === undefined ? [] : [identityOf(layer)])];
        deltas.set(delta, [...(deltas.get(delta) ?? []), ...names]);
      }
    }
  }
  const lists = new Map<string, PathList>();
  const read = await pathListsOf(context, [...deltas.keys()]);
  for (const [at, names] of [...deltas.values()].entries()) {
    const list = read[at];
    if (list !== undefined) for (const name of names) lists.set(name, list);
  }
  return (below, above) => {
    const [a, b] = [lists.get(below), lists.get(above)];
    return a !== undefined && b !== undefined && commute(a, b);
  };
}
