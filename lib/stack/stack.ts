import { canonicalJson, StackError } from '../core';
import { formatPlatform, samePlatform, type RuntimeConfig } from '../oci';
import { mergeConfigs } from './config';
import { orderLayers } from './order';
import { familyOf, identityOf, layersOf, type ImageStep, type ImageVariant } from './variant';

/** A component of a combination. */
export interface Component {
  /** Names it in messages. */
  readonly name: string;
  readonly variant: ImageVariant;
}

/** Layers that fit in the options of one overlay mount, and that container runtimes accept (formats.md). */
const LIMITS = { tar: 127, filesystem: 35 } as const;

/**
 * Combines images without touching a byte of their layers: the result lists the components' layers, bottom to top,
 * each once, with descriptors copied verbatim (stacking.md §1 and §2).
 * @param settled runtime config fields that the combination sets itself, so that components may differ in them
 * @throws StackError STACK5001 (platforms), STACK5002 (media families), STACK5003 (order), STACK5004 (config), STACK5005 (too many layers)
 */
export function stackImages(
  components: readonly [Component, ...Component[]],
  settled: ReadonlySet<keyof RuntimeConfig> = new Set(),
): ImageVariant {
  const [first, ...others] = components;
  for (const other of others) {
    if (samePlatform(first.variant.platform, other.variant.platform)) continue;
    throw new StackError(
      'STACK5001',
      `'${first.name}' is for ${formatPlatform(first.variant.platform)} and '${other.name}' for ${formatPlatform(other.variant.platform)}`,
      { hint: 'set the same platform on all components' },
    );
  }
  requireOneFamily(components);
  const steps = combineSteps(components);
  return {
    platform: first.variant.platform,
    config: mergeConfigs(
      components.map(({ name, variant }) => ({ name, config: variant.config })),
      settled,
    ),
    steps,
  };
}

function requireOneFamily(components: readonly Component[]): void {
  let seen: { readonly name: string; readonly family: string } | undefined;
  for (const { name, variant } of components) {
    for (const layer of layersOf(variant)) {
      const family = familyOf(layer);
      if (seen !== undefined && seen.family !== family) {
        throw new StackError(
          'STACK5002',
          `'${seen.name}' has ${seen.family} layers and '${name}' ${family} layers; no runtime mounts both in one image`,
          {
            hint: 'build the components in one format',
          },
        );
      }
      seen ??= { name, family };
    }
  }
}

/** Every layer step once in the common order; a component's empty steps stay directly behind the layer they followed. */
function combineSteps(components: readonly Component[]): ImageStep[] {
  const groups = new Map<string, ImageStep[]>();
  const leading: ImageStep[] = [];
  const sequences = components.map(({ name, variant }) => {
    const layers: string[] = [];
    let group = leading;
    for (const step of variant.steps) {
      if (step.layer !== undefined) {
        const identity = identityOf(step.layer);
        layers.push(identity);
        group = groups.has(identity) ? [] : [step]; // the first component's blob is kept
        if (!groups.has(identity)) groups.set(identity, group);
      } else if (!(group === leading && leading.some((known) => canonicalJson(known) === canonicalJson(step)))) {
        group.push(step);
      }
    }
    return { name, layers };
  });
  const order = orderLayers(sequences);
  const [component] = components;
  const family = component === undefined ? 'tar' : (layersOf(component.variant).map(familyOf)[0] ?? 'tar');
  if (order.length > LIMITS[family]) {
    throw new StackError(
      'STACK5005',
      `the combination has ${String(order.length)} layers; runtimes mount at most ${String(LIMITS[family])} ${family} layers`,
      {
        hint: 'combine fewer images, or put several into one layer',
      },
    );
  }
  return [...leading, ...order.flatMap((identity) => groups.get(identity) ?? [])];
}
