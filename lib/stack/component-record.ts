import type { RuntimeConfig } from '../oci';
import type { CombiningPlan } from '../plan';
import { isKnownEmpty } from './steps';
import { layersOf, type Component, type ImageVariant } from './variant';

/** An image of a combination as its manifest records it. */
export type ImageRecord = LayeredRecord | NestedRecord;

/** One that has layers of its own. */
export interface LayeredRecord {
  /** Construct path. */
  readonly name: string;
  /** Of its manifest in the format of the combination. */
  readonly digest: string;
  readonly config: RuntimeConfig;
  /** Of its layers, bottom to top, each once, without those of the base that all components share. */
  readonly diffIds: readonly string[];
}

/** A combination inside of the combination: it is what its components are. */
export interface NestedRecord {
  /** Construct path. */
  readonly name: string;
  readonly config: RuntimeConfig;
  /** Names, bottom to top. */
  readonly components: readonly string[];
}

/** What it takes to stack a combination again from itself: its layers have everything else. */
export interface CombinationRecord {
  /** Another number: read otherwise. */
  readonly version: 2;
  /** What all components stand on, where there is such an image. */
  readonly base?: { readonly config: RuntimeConfig; readonly diffIds: readonly string[] };
  /** Each image once, those that a combination combines before it. */
  readonly images: readonly ImageRecord[];
  /** Names of the components, bottom to top. */
  readonly components: readonly string[];
  /** What the combination set itself. */
  readonly how: CombiningPlan;
}

/**
 * Records a combination.
 * @param digestOf gives the digest of an image's manifest, by construct path
 */
export function recordOf(
  { base, components = [] }: ImageVariant,
  { config, conflicts, mergers, glue }: CombiningPlan,
  digestOf: (image: string) => string,
): CombinationRecord {
  const shared = base === undefined ? [] : diffIdsOf(base);
  const isShared = new Set(shared);
  const images = new Map<string, ImageRecord>();
  const namesOf = (parts: readonly Component[]): readonly string[] => {
    for (const part of parts) if (!images.has(part.name)) images.set(part.name, record(part));
    return parts.map(({ name }) => name);
  };
  const record = ({ name, variant }: Component): ImageRecord => {
    const { config, components: parts } = variant;
    if (parts !== undefined) return { name, config, components: namesOf(parts) };
    return { name, digest: digestOf(name), config, diffIds: diffIdsOf(variant).filter((each) => !isShared.has(each)) };
  };
  const names = namesOf(components);
  return {
    version: 2,
    ...(base === undefined ? {} : { base: { config: base.config, diffIds: shared } }),
    images: [...images.values()],
    components: names,
    how: {
      ...(config === undefined ? {} : { config }),
      ...(conflicts === undefined ? {} : { conflicts }),
      ...(mergers === undefined ? {} : { mergers }),
      ...(glue === undefined ? {} : { glue }),
    },
  };
}

function diffIdsOf(variant: ImageVariant): readonly string[] {
  const diffIds = new Set(layersOf(variant).map(({ diffId }) => diffId));
  return [...diffIds].filter((diffId) => !isKnownEmpty(diffId));
}
