import { forEachParallel } from '../core';
import type { Platform } from '../oci';
import type { ImagePlan, LayerFormat, SourcePlan, StackedPlan } from '../plan';
import { stepsOf, type Configuration, type ImageLayer, type ImageVariant } from '../stack';
import { requireImage, type BaseReference, type BuiltImages } from './built-image';
import type { BuildContext } from './context';
import type { Delta, KnownDelta } from './delta';
import type { ExistingImage } from './existing-image';
import { isoSeconds } from './iso-seconds';
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
      return layOnExisting(context, path, name, await context.layoutImages.open(from, platform), platform, formats);
    }
    case 'registry': {
      const image = await context.registryImages.open(path, from.reference, platform);
      return layOnExisting(context, path, `docker://${from.reference}`, image, platform, formats);
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

/** Its layers as they are where the format fits, else converted. */
async function layOnExisting(
  context: BuildContext,
  path: string,
  name: string,
  { digest, reference, config: file, deltas }: ExistingImage,
  platform: Platform,
  formats: readonly LayerFormat[],
): Promise<Foundation> {
  const config = file.config ?? {};
  const layers = new Map(formats.map((format): [LayerFormat, ImageLayer[]] => [format, []]));
  await readUnpacked(context, path, deltas, formats);
  for (const delta of deltas) {
    const packed = await packDelta(context, path, delta, formats);
    for (const [format, layer] of packed.layers) layers.get(format)?.push(layer);
  }
  const created = isoSeconds(context.epoch);
  const variants = new Map(
    [...layers].map(([format, list]): [LayerFormat, ImageVariant] => [
      format,
      { platform, config, steps: stepsOf(list, file.history ?? [], created) },
    ]),
  );
  const format = deltas[0]?.existing?.format;
  const configuration = { name, runtime: config, layers: deltas.map(({ contentKey }) => contentKey) };
  return { configuration, deltas, variants, added: [], base: format && { digest, name: reference, format } };
}

/** Transfers and unpacks together what is to be converted, which is then done one by one, each on all cores. */
async function readUnpacked(
  context: BuildContext,
  path: string,
  deltas: readonly KnownDelta[],
  formats: readonly LayerFormat[],
): Promise<void> {
  await forEachParallel(deltas, UNPACKED_AT_A_TIME, async (delta) => {
    if (!(await isPacked(context, path, delta, formats))) await delta.tree();
  });
}
