import { encodeImage, requireImage, type BuiltImages, type EncodedImage } from '../build';
import type { ImagePlan, LayerFormat } from '../plan';
import { layersOf } from '../stack';
import type { Store } from '../store';

/** An image in one format, ready to be published. */
export interface PublishedImage {
  /** Construct path. */
  readonly path: string;
  readonly plan: ImagePlan;
  readonly format: LayerFormat;
  /** Its own tags, else the deploy's. */
  readonly tags: readonly string[] | undefined;
  readonly encoded: EncodedImage;
}

/** Names of the images that have a layer, by its digest: where it was published before, or is now. */
export type LayerOwners = ReadonlyMap<string, readonly string[]>;

/** The owners of all layers of images that are published, now or at another time. */
export function ownersOf(built: BuiltImages): LayerOwners {
  const owners = new Map<string, string[]>();
  for (const { plan, variants } of built.values()) {
    if (plan.buildOnly) continue;
    const layers = [...variants.values()].flatMap((variant) => layersOf(variant));
    for (const { descriptor } of layers) {
      owners.set(descriptor.digest, [...(owners.get(descriptor.digest) ?? []), plan.name]);
    }
  }
  return owners;
}

/** What decides what is published. */
export interface PublishOptions {
  /** Construct paths, in build order. */
  readonly images: readonly string[];
  /** None for an image that is not published. */
  readonly formatsOf: (image: string) => readonly LayerFormat[];
  /** Of images that have none of their own. */
  readonly tags: readonly string[] | undefined;
  readonly store: Store;
  /** Seconds since 1970. */
  readonly epoch: number;
}

/** Encodes images in all their formats. */
export function encodeImages(built: BuiltImages, options: PublishOptions): readonly PublishedImage[] {
  const { images, formatsOf, tags, store, epoch } = options;
  return images.flatMap((path) => {
    const image = requireImage(built, path);
    const { plan } = image;
    return formatsOf(path).map((format): PublishedImage => {
      return { path, plan, format, tags: plan.tags ?? tags, encoded: encodeImage(image, format, store, epoch) };
    });
  });
}
