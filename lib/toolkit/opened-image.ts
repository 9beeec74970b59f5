import { isoSeconds } from '../build';
import { StackError } from '../core';
import {
  isIndexType,
  MAX_DOCUMENT,
  mediaFamilyOf,
  ociLayer,
  parseConfig,
  parseDocument,
  parseManifest,
  type Descriptor,
  type ImageConfigFile,
  type Manifest,
} from '../oci';
import type { LayerFormat } from '../plan';
import { stepsOf, type ImageLayer, type ImageVariant } from '../stack';
import type { ImagePlace } from './image-place';
import { readStoredImage, rootOf, type ReadOptions, type StoredImage } from './stored-image';

/** A whole image that exists. */
export interface OpenedImage {
  readonly name: string;
  readonly stored: StoredImage;
  readonly manifest: Manifest;
  readonly config: ImageConfigFile;
  readonly layers: readonly ImageLayer[];
  readonly format: LayerFormat;
  readonly variant: ImageVariant;
}

/**
 * Reads an image that is there alone: its manifest and config, and no layer.
 * @param options `created`: time of layers without history, RFC 3339; default: that of the image, or the epoch
 * @throws StackError STACK6005 for an index; STACK6001 to STACK6005, STACK6101 to STACK6113
 */
export async function openImage(
  place: ImagePlace,
  options: ReadOptions & { readonly created?: string | undefined },
): Promise<OpenedImage> {
  const stored = await readStoredImage(place, options);
  const name = place.text;
  const root = rootOf(stored);
  if (isIndexType(root.mediaType)) {
    throw new StackError('STACK6005', `'${name}' is an index of several images, of which none can be exchanged alone`, {
      hint: 'deploy the app that made it, or name one of its images by digest',
    });
  }
  const manifest = parseManifest(parseDocument(stored.documents.at(-1)?.content ?? Buffer.alloc(0), name), name);
  const config = parseConfig(
    parseDocument(await readWhole(stored, manifest.config), name),
    name,
    manifest.layers.length,
  );
  const [origin] = stored.knownIn(root);
  const layers = manifest.layers.map((descriptor, at) => {
    return { descriptor: ociLayer(descriptor), diffId: config.rootfs.diff_ids[at] ?? '', origin };
  });
  const { os, architecture, variant: cpu } = config;
  const variant: ImageVariant = {
    platform: { os, architecture, ...(cpu === undefined ? {} : { variant: cpu }) },
    config: config.config ?? {},
    hasUnknownBase: true,
    steps: stepsOf(layers, config.history ?? [], options.created ?? config.created ?? isoSeconds(0)),
  };
  const isMounted = layers.some(({ descriptor }) => mediaFamilyOf(descriptor.mediaType) === 'filesystem');
  return { name, stored, manifest, config, layers, format: isMounted ? 'squashfs' : 'tar', variant };
}

/** A config, which is small. */
async function readWhole({ open }: StoredImage, descriptor: Descriptor): Promise<Buffer> {
  if (descriptor.size > MAX_DOCUMENT) {
    throw new StackError('STACK6005', `${descriptor.digest} has more than ${String(MAX_DOCUMENT)} bytes`);
  }
  const pieces: Buffer[] = [];
  for await (const piece of open(descriptor)) pieces.push(piece);
  return Buffer.concat(pieces);
}
