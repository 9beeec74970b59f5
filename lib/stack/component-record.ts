import type { RuntimeConfig } from '../oci';
import type { CombiningPlan } from '../plan';
import { layersOf, type Component, type ImageVariant } from './variant';

/** A component as the manifest of a combination records it. */
export interface ComponentRecord {
  /** Construct path. */
  readonly name: string;
  /** Of its manifest in the format of the combination. */
  readonly digest: string;
  readonly config: RuntimeConfig;
  /** Of its layers, bottom to top, without those of the base that all components share. */
  readonly diffIds?: readonly string[];
  /** Instead of layers, where it is a combination itself. */
  readonly components?: readonly ComponentRecord[];
}

/** What it takes to stack a combination again from itself: its layers have everything else. */
export interface CombinationRecord {
  /** Another number: read otherwise. */
  readonly version: 1;
  /** What all components stand on, where there is such an image. */
  readonly base?: { readonly config: RuntimeConfig; readonly diffIds: readonly string[] };
  /** Bottom to top. */
  readonly components: readonly ComponentRecord[];
  /** What the combination set itself. */
  readonly how: CombiningPlan;
}

/**
 * Records a combination.
 * @param digestOf gives the digest of a component's manifest, by construct path
 */
export function recordOf(
  { base, components = [] }: ImageVariant,
  { config, conflicts, mergers, glue }: CombiningPlan,
  digestOf: (component: string) => string,
): CombinationRecord {
  const shared = base === undefined ? [] : diffIdsOf(base);
  const isShared = new Set(shared);
  const record = ({ name, variant }: Component): ComponentRecord => ({
    name,
    digest: digestOf(name),
    config: variant.config,
    ...(variant.components === undefined
      ? { diffIds: diffIdsOf(variant).filter((diffId) => !isShared.has(diffId)) }
      : { components: variant.components.map(record) }),
  });
  return {
    version: 1,
    ...(base === undefined ? {} : { base: { config: base.config, diffIds: shared } }),
    components: components.map(record),
    how: {
      ...(config === undefined ? {} : { config }),
      ...(conflicts === undefined ? {} : { conflicts }),
      ...(mergers === undefined ? {} : { mergers }),
      ...(glue === undefined ? {} : { glue }),
    },
  };
}

function diffIdsOf(variant: ImageVariant): readonly string[] {
  return layersOf(variant).map(({ diffId }) => diffId);
}
