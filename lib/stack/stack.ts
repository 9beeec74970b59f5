import { StackError } from '../core';
import { ANNOTATION, formatPlatform, samePlatform } from '../oci';
import { sharedBase } from './base';
import type { Commute } from './commute';
import { mergeConfigs, NOTHING_SETTLED, type Settled } from './config';
import { combineSteps } from './steps';
import { familyOf, layersOf, type Component, type ImageVariant } from './variant';

/**
 * Combines images without touching a byte of their layers: the result lists the components' layers, bottom to top,
 * each once, with descriptors copied verbatim (stacking.md §1 and §2).
 * @param settled what the combination sets itself, so that components may differ in it
 * @param commute tells of which layers any order will do; default: of none
 * @throws StackError STACK5001 (platforms), STACK5002 (media families), STACK5003 (order), STACK5004 (config)
 */
export function stackImages(
  components: readonly [Component, ...Component[]],
  settled: Settled = NOTHING_SETTLED,
  commute?: Commute,
): ImageVariant {
  const { platform } = components[0].variant;
  requireOnePlatform(components);
  requireOneFamily(components);
  requireOneVerity(components);
  const base = sharedBase(components);
  const configs = components.map(({ name, variant }) => ({ name, config: variant.config }));
  return {
    platform,
    config: mergeConfigs(configs, base?.config, settled),
    steps: combineSteps(components, commute),
    base,
    components,
  };
}

function requireOnePlatform([first, ...others]: readonly [Component, ...Component[]]): void {
  const other = others.find(({ variant }) => !samePlatform(first.variant.platform, variant.platform));
  if (other === undefined) return;
  const [a, b] = [first, other].map(({ name, variant }) => `'${name}' is for ${formatPlatform(variant.platform)}`);
  throw new StackError('STACK5001', `${a ?? ''} and ${b ?? ''}`, { hint: 'set the same platform on all components' });
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
          { hint: 'build the components in one format' },
        );
      }
      seen ??= { name, family };
    }
  }
}

/** A filesystem image has one root hash: who mounts it by another one gets nothing, or not what was meant. */
function requireOneVerity(components: readonly Component[]): void {
  const seen = new Map<string, { readonly name: string; readonly hash: string | undefined }>();
  for (const { name, variant } of components) {
    for (const layer of layersOf(variant)) {
      if (familyOf(layer) === 'tar') continue;
      const { digest, annotations = {} } = layer.descriptor;
      const hash = annotations[ANNOTATION.verityRootHash] ?? annotations[ANNOTATION.verityRootHashLegacy];
      const first = seen.get(digest);
      if (first === undefined) seen.set(digest, { name, hash });
      else if (first.hash !== hash) throw contradictingHashes(digest, first, { name, hash });
    }
  }
}

function contradictingHashes(
  digest: string,
  ...sides: readonly { readonly name: string; readonly hash: string | undefined }[]
): StackError {
  const told = sides.map(({ name, hash }) => `'${name}' has ${hash === undefined ? 'none' : hash}`);
  return new StackError(
    'STACK5007',
    `of the layer ${digest} the root hashes for dm-verity differ: ${told.join(', ')}`,
    {
      hint: 'one of the images was changed after it was built: build it again, or take the layer from the other one',
    },
  );
}
