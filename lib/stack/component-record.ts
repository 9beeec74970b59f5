import { StackError } from '../core';
import type { Descriptor, ImageConfigFile, RuntimeConfig } from '../oci';
import type { CombiningPlan, ConfigPlan } from '../plan';
import { isSameBase, ownSteps } from './base';
import { StepPositions } from './step-positions';
import { withoutEmptyLayer } from './steps';
import { layersOf, type Component, type ImageVariant } from './variant';

/** An image of a combination as its manifest records it. */
export type ImageRecord = LayeredRecord | NestedRecord;

/** An image without its place in a combination. */
export interface VariantRecord {
  /** As it was built: on the ancestor, where it has one. */
  readonly config: RuntimeConfig;
  /** Where its own steps are in the history of the combination; those of the base that all components share are not among them. */
  readonly steps: readonly number[];
  /** Which of the ancestors it was built on. @default the base */
  readonly ancestor?: number | undefined;
  /** Whether nothing tells what it stands on. */
  readonly hasUnknownBase?: true | undefined;
}

/** One that has layers of its own. */
export interface LayeredRecord extends VariantRecord {
  /** Construct path. */
  readonly name: string;
  /** Of its manifest in the format of the combination, as it was published: a rebase does not change it. */
  readonly digest: string;
}

/** A combination inside of the combination: it is what its components are. */
export interface NestedRecord {
  /** Construct path. */
  readonly name: string;
  /** Names, bottom to top. */
  readonly components: readonly string[];
  /** What it set itself. */
  readonly declared?: ConfigPlan | undefined;
  /** What its components share. @default what all share */
  readonly base?: VariantRecord | undefined;
}

/** A base that components were built on before they were moved to another one. Its layers are not in the combination. */
export interface AncestorRecord {
  readonly image: Pick<ImageConfigFile, 'os' | 'architecture' | 'variant' | 'config' | 'rootfs' | 'history'>;
  readonly layers: readonly Descriptor[];
  readonly isInferred?: true | undefined;
  /** Of its manifest, where that is known. */
  readonly digest?: string | undefined;
  /** `HOST/NAME[:TAG]`. */
  readonly name?: string | undefined;
}

/** What it takes to stack a combination again from itself: its layers have everything else. */
export interface CombinationRecord {
  /** Another number: read otherwise. */
  readonly version: 3;
  /** What all components stand on, where that is known. */
  readonly base?: Omit<VariantRecord, 'ancestor'> | undefined;
  /** In the order in which components need them. */
  readonly ancestors?: readonly AncestorRecord[] | undefined;
  /** Each image once, those that a combination combines before it. */
  readonly images: readonly ImageRecord[];
  /** Names of the components, bottom to top. */
  readonly components: readonly string[];
  /** What the combination set itself. */
  readonly how: CombiningPlan;
}

/**
 * Records a combination.
 * @param combined without a glue layer
 * @param digestOf gives the digest of an image's manifest, by construct path
 */
export function recordOf(
  combined: ImageVariant,
  { config, conflicts, mergers, glue }: CombiningPlan,
  digestOf: (image: string) => string,
): CombinationRecord {
  const recorder = new Recorder(combined, digestOf);
  const components = recorder.namesOf(combined.components ?? []);
  return {
    version: 3,
    ...recorder.bases(),
    images: recorder.images(),
    components,
    how: {
      ...(config === undefined ? {} : { config }),
      ...(conflicts === undefined ? {} : { conflicts }),
      ...(mergers === undefined ? {} : { mergers }),
      ...(glue === undefined ? {} : { glue }),
    },
  };
}

class Recorder {
  private readonly recorded = new Map<string, ImageRecord>();
  private readonly ancestors: ImageVariant[] = [];
  private readonly positions: StepPositions;
  /** An inferred one is found again in the same way. */
  private readonly base: ImageVariant | undefined;

  public constructor(
    combined: ImageVariant,
    private readonly digestOf: (image: string) => string,
  ) {
    this.positions = new StepPositions(combined.steps);
    this.base = combined.base?.isInferred === true ? undefined : combined.base;
  }

  public namesOf(parts: readonly Component[]): readonly string[] {
    for (const part of parts) if (!this.recorded.has(part.name)) this.recorded.set(part.name, this.record(part));
    return parts.map(({ name }) => name);
  }

  public images(): readonly ImageRecord[] {
    return [...this.recorded.values()];
  }

  public bases(): Pick<CombinationRecord, 'base' | 'ancestors'> {
    const { base, ancestors } = this;
    if (base === undefined) return {};
    return {
      base: { config: base.config, steps: this.positions.of(base.steps) },
      ...(ancestors.length === 0 ? {} : { ancestors: ancestors.map(ancestorRecord) }),
    };
  }

  private record({ name, variant }: Component): ImageRecord {
    if (variant.components === undefined) return { name, digest: this.digestOf(name), ...this.recordVariant(variant) };
    const components = this.namesOf(variant.components);
    const { base, declared } = variant;
    const isOwnBase =
      base !== undefined && base.isInferred !== true && this.base !== undefined && !isSameBase(base, this.base);
    return {
      name,
      components,
      ...(declared === undefined ? {} : { declared }),
      ...(isOwnBase ? { base: this.recordVariant(base) } : {}),
    };
  }

  private recordVariant(variant: ImageVariant): VariantRecord {
    const { config, builtOn } = variant;
    const count = ownSteps(variant, this.base).length;
    const own = this.positions.of(variant.steps).slice(variant.steps.length - count);
    const unknown = this.base === undefined && isUnknown(variant) ? ({ hasUnknownBase: true } as const) : {};
    if (builtOn === undefined) return { config, steps: own, ...unknown };
    return { config: builtOn.config, steps: own, ancestor: this.ancestorOf(builtOn.base) };
  }

  private ancestorOf(base: ImageVariant): number {
    const known = this.ancestors.findIndex((each) => isSameBase(each, base));
    return known === -1 ? this.ancestors.push(base) - 1 : known;
  }
}

function isUnknown({ base, hasUnknownBase }: ImageVariant): boolean {
  return base === undefined ? hasUnknownBase === true : isUnknown(base);
}

function ancestorRecord(variant: ImageVariant): AncestorRecord {
  const { platform, config, isInferred, reference } = variant;
  const steps = variant.steps.map(withoutEmptyLayer);
  const layers = layersOf({ ...variant, steps });
  if (steps.some(({ history, layer }) => (layer === undefined) !== (history.empty_layer === true))) {
    throw new StackError('STACK9001', 'the history of a base does not fit its layers');
  }
  return {
    image: {
      ...platform,
      config,
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: steps.map(({ history }) => history),
    },
    layers: layers.map(({ descriptor }) => descriptor),
    ...(isInferred === true ? { isInferred } : {}),
    ...(reference === undefined ? {} : { digest: reference.digest }),
    ...(reference?.name === undefined ? {} : { name: reference.name }),
  };
}
