import { Combination, type IndexedLayer } from '../stack';
import type { CombinedDeltas } from './built-image';
import type { BuildContext } from './context';
import { pathListOf } from './path-lists';

/** The paths of what is combined. @throws StackError as `pathListOf` */
export async function combinationOf(
  context: BuildContext,
  { deltas, combines }: Pick<CombinedDeltas, 'deltas' | 'combines'>,
): Promise<Combination> {
  const layers: IndexedLayer[] = [];
  for (const delta of deltas) {
    const { contentKey: key, createdBy } = delta;
    layers.push({ key, createdBy, list: await pathListOf(context, delta) });
  }
  const components = combines.map((each) => ({
    name: each.name,
    layers: each.deltas.map(({ contentKey }) => contentKey),
  }));
  return new Combination(layers, components);
}
