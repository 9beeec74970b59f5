import { forEachParallel } from '../core';
import type { Platform, RuntimeConfig } from '../oci';
import type { ImagePlan, LayerFormat, SourcePlan, StackedPlan } from '../plan';
import { isKnownEmpty, layersOf, stepsOf, withoutEmptyLayer, type Configuration, type ImageVariant } from '../stack';
import { requireImage, type BaseReference, type BuiltImages } from './built-image';
import type { BuildContext } from './context';
import { layerIn, type Delta, type KnownDelta } from './delta';
import type { ExistingImage } from './existing-image';
import { isoSeconds } from './iso-seconds';
import { knownBase, type TellBase } from './known-base';
import { isPacked, packDelta } from './pack-delta';
import { openTarAtUrl, openTarFile, openTarInImage } from './root-tar';

/** What an image starts from. */
export interface Foundation {
  /** Of the image below; none when there is none. */
  readonly configuration?: Configuration | undefined;
  readonly deltas: readonly KnownDelta[];
  /** The image below, in every wanted format; none when there is none. */
  readonly variants: ReadonlyMap<LayerFormat, ImageVariant>;
  /** Deltas that are new with this image, such as a root filesystem tar. */
  readonly added: readonly Delta[];
  readonly base?: BaseReference | undefined;
}

/** Layers unpacked at a time. */
const UNPACKED_AT_A_TIME = 4;

const NOTHING: Foundation = { deltas: [], variants: new Map(), added: [] };

/**
 * Gets ready what an image stands on, in every wanted format.
 * @param path construct path of the image, for events
 * @throws StackError STACK3001 to STACK3004, STACK3020, STACK3021, STACK4001 to STACK4006, STACK5002, STACK6001 to STACK6005,
 *   STACK6101 to STACK6113, STACK7001, STACK7002
 */
export async function layFoundation(
  context: BuildContext,
  path: string,
  plan: Exclude<ImagePlan, StackedPlan>,
  platform: Platform,
  formats: readonly LayerFormat[],
  images: BuiltImages,
): Promise<Foundation> {
  if (plan.type === 'debian-packages') return NOTHING;
  const { from } = plan;
  switch (from.type) {
    case 'scratch':
      return NOTHING;
    case 'tar':
      return { ...NOTHING, added: [await openRootTar(context, path, from, images)] };
    case 'image': {
      const { configuration, variants, deltas, base } = requireImage(images, from.image);
      return { configuration, deltas, variants, added: [], base };
    }
    case 'oci-layout': {
      const name = ['oci', from.directory, ...(from.reference === undefined ? [] : [from.reference])].join(':');
      const image = await context.layoutImages.open(from, platform);
      const tell = await knownBase(context, path, plan.base, platform, image);
      return layOnExisting(context, path, name, image, platform, formats, tell);
    }
    case 'registry': {
      const image = await context.registryImages.open(path, from.reference, platform);
      const tell = await knownBase(context, path, plan.base, platform, image);
      return layOnExisting(context, path, `docker://${from.reference}`, image, platform, formats, tell);
    }
  }
}

async function openRootTar(
  context: BuildContext,
  path: string,
  { file, sha256 }: Extract<SourcePlan, { type: 'tar' }>,
  images: BuiltImages,
): Promise<Delta> {
  if (file.type === 'path') return openTarFile(context, file.path, sha256);
  if (file.type === 'url') return openTarAtUrl(context, path, { url: file.url, sha256 });
  return openTarInImage(context, file, requireImage(images, file.image).deltas, sha256);
}

/** Its layers as they are where the format fits, else converted, and known empty ones left out. */
async function layOnExisting(
  context: BuildContext,
  path: string,
  name: string,
  { digest, reference, config: file, deltas }: ExistingImage,
  platform: Platform,
  formats: readonly LayerFormat[],
  tell: TellBase,
): Promise<Foundation> {
  const config = file.config ?? {};
  const known = deltas.filter(({ contentKey }) => !isKnownEmpty(contentKey));
  await readUnpacked(context, path, known, formats);
  const packed: KnownDelta[] = [];
  for (const delta of known) packed.push((await packDelta(context, path, delta, formats, [...packed])).delta);
  const places = new Map(known.map((delta, at) => [delta, at]));
  const origin = deltas[0]?.existing?.format;
  const variants = formats.map((format): [LayerFormat, ImageVariant] => {
    const layers = deltas.map((each) => {
      const delta = packed[places.get(each) ?? -1];
      return delta === undefined ? each.existing?.layer : layerIn(delta, format);
    });
    const steps = stepsOf(
      layers.flatMap((layer) => layer ?? []),
      file.history ?? [],
      isoSeconds(context.epoch),
    );
    const written = format === origin ? steps : steps.map(withoutEmptyLayer);
    return [format, tell({ platform, config, steps: written })];
  });
  return {
    configuration: configurationOf(name, config, packed, variants[0]?.[1].base),
    deltas: packed,
    variants: new Map(variants),
    added: [],
    base: origin && { digest, name: reference, format: origin },
  };
}

function configurationOf(
  name: string,
  runtime: RuntimeConfig,
  deltas: readonly KnownDelta[],
  base: ImageVariant | undefined,
): Configuration {
  const layers = deltas.map(({ contentKey }) => contentKey);
  if (base === undefined) return { name, runtime, layers };
  const below = layersOf(base).filter(({ diffId }) => !isKnownEmpty(diffId)).length;
  return {
    name,
    runtime,
    layers,
    base: { name: `the base of ${name}`, runtime: base.config, layers: layers.slice(0, below) },
  };
}

/** Transfers and unpacks together what is to be converted, which is then done one by one, each on all cores. */
async function readUnpacked(
  context: BuildContext,
  path: string,
  deltas: readonly KnownDelta[],
  formats: readonly LayerFormat[],
): Promise<void> {
  await forEachParallel(deltas.entries(), UNPACKED_AT_A_TIME, async ([at, delta]) => {
    if (!(await isPacked(context, path, delta, formats, deltas.slice(0, at)))) await delta.tree();
  });
}
