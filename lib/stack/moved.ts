import { isSameBase, ownSteps } from './base';
import { mergeConfigs } from './config';
import { applyConfig, settledBy } from './declared-config';
import { rebaseConfig } from './rebase-config';
import { combineSteps } from './steps';
import type { Component, ImageVariant, Origin } from './variant';
import type { ConfigPlan } from '../plan';

/**
 * An image whose own layers stand on a base. Where that is another one than it was built on, that is remembered, so that it can be
 * moved again as if it never had been.
 * @param variant on the base `below`
 * @param from what it was built on
 */
export function placeOn(
  base: ImageVariant,
  variant: ImageVariant,
  below: ImageVariant | undefined,
  from: Origin,
): ImageVariant {
  const common = { platform: variant.platform, steps: [...base.steps, ...ownSteps(variant, below)] };
  if (isSameBase(from.base, base)) {
    return { ...common, config: from.config, ...(from.base.isInferred === true ? { hasUnknownBase: true } : { base }) };
  }
  return { ...common, config: rebaseConfig(from.config, from.base.config, base.config), base, builtOn: from };
}

/**
 * A combination inside of another one, made of its components as the app makes it.
 * @param base what its components share
 */
export function nest(
  components: readonly Component[],
  declared: ConfigPlan | undefined,
  base: ImageVariant | undefined,
): ImageVariant {
  const [first] = components;
  const configs = components.map(({ name, variant }) => ({ name, config: variant.config }));
  return {
    platform: first?.variant.platform ?? { os: '', architecture: '' },
    config: applyConfig(mergeConfigs(configs, base?.config, settledBy(declared)), declared),
    // The order counts only where all components of all combinations are ordered together.
    steps: combineSteps(components, () => true),
    base,
    components,
    ...(declared === undefined ? {} : { declared }),
  };
}
