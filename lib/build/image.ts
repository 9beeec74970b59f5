import { parsePlatform, hostPlatform, type HistoryEntry, type Platform, type RuntimeConfig } from '../oci';
import { resolveInView } from '../pack';
import { StackError } from '../core';
import type { ImagePlan, LayerFormat, LayerPlan, StackedPlan } from '../plan';
import {
  orderLayers,
  stackImages,
  stepsOf,
  type Component,
  type ImageLayer,
  type ImageStep,
  type ImageVariant,
} from '../stack';
import { applyConfig, fieldsSet } from './config';
import type { BuildContext } from './context';
import { platformOfArchitecture } from './debian';
import { debianDelta } from './debian-delta';
import { packDelta, type Delta } from './delta';
import { isoSeconds } from './iso-seconds';
import { layerDelta, viewOf, type KnownDelta } from './layer-delta';
import { openLayoutImage } from './layout-image';
import { openTarEntry, openTarFile } from './root-tar';

/** An image with all its layers in the store, ready to be published or used by another one. */
export interface BuiltImage {
  readonly path: string;
  readonly plan: ImagePlan;
  readonly platform: Platform;
  /** The image in every format that was asked for. */
  readonly variants: ReadonlyMap<LayerFormat, ImageVariant>;
  /** What it consists of, bottom to top, whatever the format. */
  readonly deltas: readonly KnownDelta[];
  /** The image outside of the app that it stands on. */
  readonly base?: BaseReference | undefined;
}

/** An image outside of the app, for the annotations `org.opencontainers.image.base.*`. */
export interface BaseReference {
  readonly name: string;
  readonly digest: string;
}

/** The images built so far, by construct path: everything an image needs comes before it. */
export type BuiltImages = ReadonlyMap<string, BuiltImage>;

/** What an image starts from. */
interface Foundation {
  readonly config: RuntimeConfig;
  readonly deltas: readonly KnownDelta[];
  readonly steps: ReadonlyMap<LayerFormat, readonly ImageStep[]>;
  /** Deltas that are new with this image, such as a root filesystem tar. */
  readonly added: readonly Delta[];
  readonly base?: BaseReference | undefined;
}

/**
 * Builds one image in the given formats.
 * @param key construct path
 * @param formats those it is published in, and those that images on top of it need
 * @throws StackError with the cause; the caller adds the construct's place
 */
export async function buildImage(
  context: BuildContext,
  key: string,
  plan: ImagePlan,
  formats: readonly LayerFormat[],
  images: BuiltImages,
): Promise<BuiltImage> {
  const platform = platformOf(plan);
  switch (plan.type) {
    case 'layer': {
      const foundation = await layFoundation(context, key, plan, platform, formats, images);
      return complete(context, key, plan, platform, formats, foundation, async (base) =>
        layerDelta(context, plan, base, (image) => required(images, image).deltas),
      );
    }
    case 'debian-packages': {
      const foundation: Foundation = { config: {}, deltas: [], steps: new Map(), added: [] };
      return complete(context, key, plan, platform, formats, foundation, () => debianDelta(context, key, plan));
    }
    case 'stacked-image':
      return buildStacked(key, plan, formats, images);
  }
}

async function complete(
  context: BuildContext,
  key: string,
  plan: Exclude<ImagePlan, StackedPlan>,
  platform: Platform,
  formats: readonly LayerFormat[],
  foundation: Foundation,
  makeDelta: (base: readonly KnownDelta[]) => Promise<Delta | undefined>,
): Promise<BuiltImage> {
  const steps = new Map(formats.map((format) => [format, [...(foundation.steps.get(format) ?? [])]]));
  const deltas = [...foundation.deltas];
  const created = isoSeconds(context.epoch);
  const add = async (delta: Delta): Promise<void> => {
    const packed = await packDelta(context, key, delta, formats);
    deltas.push(packed.delta);
    for (const [format, layer] of packed.layers)
      steps.get(format)?.push({ history: { created, created_by: delta.createdBy }, layer });
  };
  for (const delta of foundation.added) await add(delta);
  const own = await makeDelta(deltas);
  if (own !== undefined) await add(own);
  else if (plan.config !== undefined) for (const list of steps.values()) list.push(configStep(created));
  const config = applyConfig(foundation.config, plan.config);
  return {
    path: key,
    plan,
    platform,
    deltas,
    base: foundation.base,
    variants: new Map(formats.map((format) => [format, { platform, config, steps: steps.get(format) ?? [] }])),
  };
}

function configStep(created: string): ImageStep {
  const history: HistoryEntry = { created, created_by: 'config', empty_layer: true };
  return { history };
}

async function layFoundation(
  context: BuildContext,
  key: string,
  plan: LayerPlan,
  platform: Platform,
  formats: readonly LayerFormat[],
  images: BuiltImages,
): Promise<Foundation> {
  const { from } = plan;
  const nothing: Foundation = { config: {}, deltas: [], steps: new Map(), added: [] };
  switch (from.type) {
    case 'scratch':
      return nothing;
    case 'tar':
      return { ...nothing, added: [await openRootTar(context, from, images)] };
    case 'image': {
      const { variants, deltas, base } = required(images, from.image);
      const [some] = variants.values();
      const steps = new Map([...variants].map(([format, variant]) => [format, variant.steps]));
      return { config: some?.config ?? {}, deltas, steps, added: [], base };
    }
    case 'oci-layout': {
      const existing = await openLayoutImage(context, from, platform);
      const steps = new Map<LayerFormat, readonly ImageStep[]>();
      for (const format of formats) {
        const layers: ImageLayer[] = [];
        for (const delta of existing.deltas) {
          const layer = (await packDelta(context, key, delta, [format])).layers.get(format);
          if (layer !== undefined) layers.push(layer);
        }
        steps.set(format, stepsOf(layers, existing.history, isoSeconds(context.epoch)));
      }
      const base = {
        name: `${from.directory}${from.reference === undefined ? '' : `:${from.reference}`}`,
        digest: existing.descriptor.digest,
      };
      return { config: existing.config, deltas: existing.deltas, steps, added: [], base };
    }
  }
}

async function openRootTar(
  context: BuildContext,
  from: Extract<LayerPlan['from'], { type: 'tar' }>,
  images: BuiltImages,
): Promise<Delta> {
  const { file, sha256 } = from;
  if (file.type === 'path') return openTarFile(context, file.path, sha256);
  const view = await viewOf(required(images, file.image).deltas);
  const found = view.get(resolveInView(view, file.path));
  const entry = found?.type === 'hardlink' ? view.get(found.target) : found;
  if (entry?.type !== 'file') throw new StackError('STACK3004', `'${file.path}' is not a file in '${file.image}'`);
  return openTarEntry(context, entry, `'${file.path}' of '${file.image}'`, sha256);
}

function buildStacked(
  key: string,
  plan: StackedPlan,
  formats: readonly LayerFormat[],
  images: BuiltImages,
): BuiltImage {
  const parts = plan.components.map((path) => required(images, path));
  const [first] = parts;
  if (first === undefined) throw new StackError('STACK2006', 'a stacked image needs at least one component');
  const settled = fieldsSet(plan.config);
  const variants = new Map<LayerFormat, ImageVariant>();
  for (const format of formats) {
    const components = parts.map((part): Component => {
      const variant = part.variants.get(format);
      if (variant === undefined) throw new StackError('STACK9001', `'${part.path}' was not built as ${format}`);
      return { name: part.path, variant };
    });
    const combined = stackImages(components as [Component, ...Component[]], settled);
    variants.set(format, { ...combined, config: applyConfig(combined.config, plan.config) });
  }
  return { path: key, plan, platform: first.platform, variants, deltas: stackDeltas(parts) };
}

/** The components' deltas in the order their layers have in the combination. */
function stackDeltas(parts: readonly BuiltImage[]): KnownDelta[] {
  const known = new Map(parts.flatMap(({ deltas }) => deltas).map((delta) => [delta.contentKey, delta]));
  const order = orderLayers(
    parts.map(({ path, deltas }) => ({ name: path, layers: deltas.map(({ contentKey }) => contentKey) })),
  );
  return order.flatMap((contentKey) => known.get(contentKey) ?? []);
}

function platformOf(plan: ImagePlan): Platform {
  if (plan.type === 'debian-packages' && plan.platform === undefined && plan.architecture !== undefined) {
    const known = platformOfArchitecture(plan.architecture);
    if (known !== undefined) return known;
  }
  const parsed = plan.platform === undefined ? hostPlatform() : parsePlatform(plan.platform);
  if (parsed === undefined)
    throw new StackError('STACK2006', `'${plan.platform ?? ''}' is not a platform`, {
      hint: 'write os/architecture, such as linux/arm64',
    });
  return parsed;
}

function required(images: BuiltImages, path: string): BuiltImage {
  const image = images.get(path);
  if (image === undefined) throw new StackError('STACK9001', `'${path}' was needed before it was built`);
  return image;
}
