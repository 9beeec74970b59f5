import type { MergerPlan } from '../plan';
import { BUILT_IN_MERGERS } from '../stack';
import type { BuildContext } from './context';
import type { KeyedMerger } from './keyed-merger';
import { openMergerModule } from './merger-module';

/**
 * The mergers of a combination in the order in which they are asked: the user's first.
 * @throws StackError STACK5029
 */
export async function mergersOf(
  context: BuildContext,
  plans: readonly MergerPlan[] = [],
): Promise<readonly KeyedMerger[]> {
  const own = await Promise.all(plans.map((plan) => openMergerModule(context, plan)));
  const builtIn = BUILT_IN_MERGERS.map((merger) => ({ ...merger, key: [merger.name, merger.version] }));
  return [...own, ...builtIn];
}
