import { mapParallel } from '../core';
import { Combination, type IndexedLayer } from '../stack';
import type { CombinedDeltas } from './built-image';
import type { BuildContext } from './context';
import { pathListOf } from './path-lists';

/** Indexes read at a time: of a layer that nobody knows the paths of, it is transferred and unpacked. */
const READ_AT_A_TIME = 4;

/** The paths of what is combined. @throws StackError as `pathListOf` */
export async function combinationOf(
  context: BuildContext,
  { deltas, combines }: Pick<CombinedDeltas, 'deltas' | 'combines'>,
): Promise<Combination> {
  const layers = await mapParallel(deltas, READ_AT_A_TIME, async (delta): Promise<IndexedLayer> => {
    const { contentKey: key, createdBy } = delta;
    return { key, createdBy, list: await pathListOf(context, delta) };
  });
  const components = combines.map((each) => ({
    name: each.name,
    layers: each.deltas.map(({ contentKey }) => contentKey),
  }));
  return new Combination(layers, components);
}
