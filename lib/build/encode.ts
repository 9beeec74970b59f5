import { canonicalJson, StackError } from '../core';
import {
  ANNOTATION,
  encodeDocument,
  MEDIA_TYPE,
  type BlobSource,
  type Descriptor,
  type ImageConfigFile,
  type Manifest,
} from '../oci';
import type { LayerFormat } from '../plan';
import { layersOf, type ImageVariant } from '../stack';
import type { Store } from '../store';
import type { BuiltImage } from './built-image';
import { isoSeconds } from './iso-seconds';

/** An image as it is published: its manifest, and everything that must be there before it. */
export interface EncodedImage {
  /** Carries the platform, as an index wants it. */
  readonly manifest: Descriptor;
  readonly document: Manifest;
  readonly config: ImageConfigFile;
  /** Layers, config and the manifest itself, in that order. */
  readonly blobs: readonly BlobSource[];
}

/**
 * The manifest and config of an image in one format.
 * @param epoch seconds since 1970, which `created` says
 */
export function encodeImage(image: BuiltImage, format: LayerFormat, store: Store, epoch: number): EncodedImage {
  const variant = image.variants.get(format);
  if (variant === undefined) throw new StackError('STACK9001', `'${image.path}' was not built as ${format}`);
  const config = configOf(variant, epoch);
  const encodedConfig = encodeDocument(MEDIA_TYPE.config, config);
  const layers = layersOf(variant).map(({ descriptor }) => descriptor);
  const annotations = annotationsOf(image, format);
  const document: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.manifest,
    config: encodedConfig.descriptor,
    layers,
    ...(annotations === undefined ? {} : { annotations }),
  };
  const manifest = encodeDocument(MEDIA_TYPE.manifest, document);
  return {
    manifest: { ...manifest.descriptor, platform: variant.platform },
    document,
    config,
    blobs: [
      ...layers.map((descriptor) => ({ descriptor, from: store.blobPath(descriptor.digest) })),
      { descriptor: encodedConfig.descriptor, from: encodedConfig.content },
      { descriptor: manifest.descriptor, from: manifest.content },
    ],
  };
}

function configOf({ platform, config, steps }: ImageVariant, epoch: number): ImageConfigFile {
  const diffIds = steps.flatMap(({ layer }) => (layer === undefined ? [] : [layer.diffId]));
  const history = steps.map((step) => step.history);
  const changing = history.filter((entry) => entry.empty_layer !== true).length;
  if (changing !== diffIds.length) {
    throw new StackError(
      'STACK9001',
      `the history has ${String(changing)} layers, the image ${String(diffIds.length)}: ${canonicalJson(history)}`,
    );
  }
  return {
    created: isoSeconds(epoch),
    ...platform,
    config,
    rootfs: { type: 'layers', diff_ids: diffIds },
    history,
  };
}

/** The base's name is not told: that of a layout is a path on this machine, and no reference that others could follow. */
function annotationsOf({ plan, base }: BuiltImage, format: LayerFormat): Readonly<Record<string, string>> | undefined {
  const annotations = {
    ...(base?.format === format ? { [ANNOTATION.baseDigest]: base.digest } : {}),
    ...plan.annotations,
  };
  return Object.keys(annotations).length === 0 ? undefined : annotations;
}
