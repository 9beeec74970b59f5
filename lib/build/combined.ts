import { Combination, type IndexedLayer } from '../stack';
import type { CombinedDeltas } from './built-image';
import type { BuildContext } from './context';
import { pathListsOf } from './path-lists';

/** The paths of what is combined. @throws StackError as `pathListsOf` */
export async function combinationOf(
  context: BuildContext,
  { deltas, combines }: Pick<CombinedDeltas, 'deltas' | 'combines'>,
): Promise<Combination> {
  const lists = await pathListsOf(context, deltas);
  const layers = deltas.flatMap(({ contentKey: key, createdBy }, at): IndexedLayer[] => {
    const list = lists[at];
    return list === undefined ? [] : [{ key, createdBy, list }];
  });
  const components = combines.map((each) => ({
    name: each.name,
    layers: each.deltas.map(({ contentKey }) => contentKey),
  }));
  return new Combination(layers, components);
}
