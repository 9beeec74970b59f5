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

/** A blob to publish. That of a layer with an origin need not be in the store. */
export interface EncodedBlob extends BlobSource {
  /** `HOST/NAME` of a repository that has it. */
  readonly origin?: string | undefined;
}

/** An image as it is published: its manifest, and everything that must be there before it. */
export interface EncodedImage {
  /** Carries the platform, as an index wants it. */
  readonly manifest: Descriptor;
  readonly document: Manifest;
  readonly config: ImageConfigFile;
  /** Layers, config and the manifest itself, in that order. */
  readonly blobs: readonly EncodedBlob[];
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
  const layers = layersOf(variant);
  const annotations = annotationsOf(image, format);
  const document: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.manifest,
    config: encodedConfig.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    ...(annotations === undefined ? {} : { annotations }),
  };
  const manifest = encodeDocument(MEDIA_TYPE.manifest, document);
  return {
    manifest: { ...manifest.descriptor, platform: variant.platform },
    document,
    config,
    blobs: [
      ...layers.map(({ descriptor, origin }) => ({ descriptor, from: store.blobPath(descriptor.digest), origin })),
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

function annotationsOf(
  { plan, base, records }: BuiltImage,
  format: LayerFormat,
): Readonly<Record<string, string>> | undefined {
  const record = records?.get(format);
  const annotations = {
    ...(record === undefined ? {} : { [ANNOTATION.components]: canonicalJson(record) }),
    ...(base?.format === format
      ? {
          [ANNOTATION.baseDigest]: base.digest,
          ...(base.name === undefined ? {} : { [ANNOTATION.baseName]: base.name }),
        }
      : {}),
    ...plan.annotations,
  };
  return Object.keys(annotations).length === 0 ? undefined : annotations;
}
