import type { LayerFormat, LayerPlan, StackedPlan } from '../plan';
import {
  flattenComponents,
  isKnownEmpty,
  layersOf,
  lostPackages,
  ownSteps,
  STATUS,
  type Component,
  type ImageLayer,
  type ImageVariant,
} from '../stack';
import type { BaseReference, BuiltImage, DeltaSequence, MovedBase } from './built-image';
import type { BuildContext } from './context';
import { combinationOf } from './combined';
import type { KnownDelta } from './delta';
import { existingDelta, takeBlob } from './existing-image';
import { viewOf } from './file-view';
import { filesOf } from './merged-files';
import { buildStacked } from './stacked';

/** What combinations are stacked of that exist already. */
export interface ExistingCombination {
  /** How messages name it. */
  readonly name: string;
  readonly format: LayerFormat;
  readonly components: readonly Component[];
  /** How messages name what all components stand on. */
  readonly baseName: string;
  /** The image outside of the app that all components stand on, where that was recorded. */
  readonly base: BaseReference | undefined;
  /** Digests of the components' manifests, by name. */
  readonly digests: ReadonlyMap<string, string>;
  /** Streams the blob of a layer from wherever it is; it fails at its end unless digest and size are right. */
  readonly open: (layer: ImageLayer) => AsyncIterable<Buffer>;
}

/** Stacks images that exist already: blobs are read only where nobody knows the paths in them, or something is merged. */
export class Restacking {
  private readonly deltas = new Map<string, KnownDelta>();
  private readonly images = new Map<string, BuiltImage>();

  public constructor(
    private readonly context: BuildContext,
    private readonly combination: ExistingCombination,
  ) {
    for (const component of combination.components) this.add(component);
  }

  /**
   * The combination.
   * @param how how its components are combined
   * @throws StackError as `buildStacked`
   */
  public async build(how: Omit<StackedPlan, 'type' | 'name' | 'buildOnly' | 'components'>): Promise<BuiltImage> {
    const { name, format, components } = this.combination;
    const plan: StackedPlan = {
      ...how,
      type: 'stacked-image',
      name,
      buildOnly: false,
      components: components.map((component) => component.name),
    };
    return buildStacked(this.context, { path: name, plan, formats: [format] }, plan, this.images);
  }

  /**
   * The packages that a system would lose with another image in the place of one, as dpkg knows them.
   * @throws StackError as `pathListOf`, STACK5023
   */
  public async packagesLost(before: ImageVariant, after: ImageVariant): Promise<readonly string[]> {
    return this.lost(this.deltasOf(before), this.deltasOf(after));
  }

  /**
   * The packages of a new base that the combination lacks, or has in earlier versions, though no component removed them from the
   * base it was built on.
   * @throws StackError as {@link packagesLost}
   */
  public async basePackagesLost(base: ImageVariant, { deltas }: BuiltImage): Promise<readonly string[]> {
    const lost = new Set(await this.lost(this.deltasOf(base), deltas));
    for (const { variant } of lost.size === 0 ? [] : flattenComponents(this.combination.components)) {
      const { builtOn } = variant;
      if (builtOn === undefined) continue;
      const own = ownSteps(variant, variant.base);
      const built = { ...builtOn.base, steps: [...builtOn.base.steps, ...own] };
      for (const each of await this.packagesLost(builtOn.base, built)) lost.delete(each);
    }
    return [...lost];
  }

  private async lost(before: readonly KnownDelta[], after: readonly KnownDelta[]): Promise<readonly string[]> {
    const old = await this.statusOf(before);
    const present = old && (await this.statusOf(after));
    return old === undefined ? [] : lostPackages(old, present ?? Buffer.alloc(0));
  }

  private async statusOf(deltas: readonly KnownDelta[]): Promise<Buffer | undefined> {
    const { layers } = await combinationOf(this.context, { deltas, combines: [] });
    if (layers.every((layer) => layer.find(STATUS) === undefined)) return undefined;
    return filesOf(await viewOf(deltas, this.context.epoch)).read(STATUS);
  }

  /** Each image once, also where several combinations combine it. */
  private add({ name, variant }: Component): readonly DeltaSequence[] {
    const known = this.images.get(name);
    if (known !== undefined) return known.combines ?? [{ name, deltas: known.deltas, moved: known.moved }];
    const parts = variant.components?.flatMap((part) => this.add(part));
    const combines = parts && [...new Map(parts.map((part) => [part.name, part])).values()];
    const deltas = this.deltasOf(variant);
    const moved = this.movedOf(variant);
    this.images.set(name, {
      path: name,
      plan: nothing(name),
      platform: variant.platform,
      configuration: { name, runtime: variant.config, layers: deltas.map(({ contentKey }) => contentKey) },
      variants: new Map([[this.combination.format, variant]]),
      deltas,
      combines,
      moved,
      base: this.combination.base,
      manifestDigest: this.combination.digests.get(name),
    });
    return combines ?? [{ name, deltas, moved }];
  }

  private movedOf({ base, builtOn }: ImageVariant): MovedBase | undefined {
    if (base === undefined || builtOn === undefined) return undefined;
    return { from: this.deltasOf(builtOn.base), to: { name: this.combination.baseName, deltas: this.deltasOf(base) } };
  }

  private deltasOf(variant: ImageVariant): readonly KnownDelta[] {
    const { store, signal } = this.context;
    const layers = layersOf(variant).filter(({ diffId }) => !isKnownEmpty(diffId));
    return layers.map((layer) => {
      const known = this.deltas.get(layer.descriptor.digest);
      if (known !== undefined) return known;
      const provide = (): Promise<void> =>
        takeBlob(store, layer.descriptor, () => this.combination.open(layer), signal);
      const delta = existingDelta(store, layer, provide, signal);
      this.deltas.set(layer.descriptor.digest, delta);
      return delta;
    });
  }
}

/** Stands for the recipe of an image that exists. */
function nothing(name: string): LayerPlan {
  return { type: 'layer', name, buildOnly: true, from: { type: 'scratch' }, imports: [] };
}
