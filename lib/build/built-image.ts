import { StackError } from '../core';
import type { Platform } from '../oci';
import type { ImagePlan, LayerFormat, StackedPlan } from '../plan';
import type { CombinationRecord, Configuration, ImageVariant } from '../stack';
import type { KnownDelta } from './delta';

/** An image with all its layers in the store, ready to be published or used by another one. */
export interface BuiltImage {
  /** Construct path. */
  readonly path: string;
  readonly plan: ImagePlan;
  readonly platform: Platform;
  /** Which is the same in every format. */
  readonly configuration: Configuration;
  /** The image in every format that was asked for. */
  readonly variants: ReadonlyMap<LayerFormat, ImageVariant>;
  /** What it consists of, bottom to top, whatever the format. */
  readonly deltas: readonly KnownDelta[];
  /** Of a combination: what each image in it consists of. */
  readonly combines?: readonly DeltaSequence[] | undefined;
  /** Of a combination: what its manifest records of its components, by format. */
  readonly records?: ReadonlyMap<LayerFormat, CombinationRecord> | undefined;
  /** Where it stands on another base than it was built on. */
  readonly moved?: MovedBase | undefined;
  /** The image outside of the app that it stands on. */
  readonly base?: BaseReference | undefined;
  /** Of one that exists already: the digest of its manifest. */
  readonly manifestDigest?: string | undefined;
}

/** The deltas of one image. */
export interface DeltaSequence {
  /** Construct path. */
  readonly name: string;
  readonly deltas: readonly KnownDelta[];
  /** Where it stands on another base than it was built on. */
  readonly moved?: MovedBase | undefined;
}

/** The base that an image was built on, and the one that it stands on now. */
export interface MovedBase {
  readonly from: readonly KnownDelta[];
  readonly to: DeltaSequence;
}

/** What is combined, and how. */
export interface CombinedDeltas {
  /** Bottom to top, without what is put on top of them. */
  readonly deltas: readonly KnownDelta[];
  readonly combines: readonly DeltaSequence[];
  /**
   * The same files by other layers, where a component was moved to another base: what it was built on is the ancestor of all
   * changes, and what the new base changed of that is one of them.
   */
  readonly compared?: Pick<CombinedDeltas, 'deltas' | 'combines'> | undefined;
  /** Nothing of an image that is no combination. */
  readonly how?: Pick<StackedPlan, 'conflicts' | 'mergers' | 'glue'> | undefined;
}

/** An image outside of the app, for the annotations `org.opencontainers.image.base.*`. */
export interface BaseReference {
  readonly digest: string;
  /** Its reference; none for an image in a layout, whose name is a path on this machine. */
  readonly name?: string | undefined;
  /** The format of its layers: in another one an image does not have them. */
  readonly format: LayerFormat;
}

/** The images built so far, by construct path: everything an image needs comes before it. */
export type BuiltImages = ReadonlyMap<string, BuiltImage>;

/** One image to be built. */
export interface ImageRequest {
  /** Construct path. */
  readonly path: string;
  readonly plan: ImagePlan;
  /** Those it is published in, and those that images on top of it need. */
  readonly formats: readonly LayerFormat[];
}

/** An image that another one uses. */
export function requireImage(images: BuiltImages, path: string): BuiltImage {
  const image = images.get(path);
  if (image === undefined) throw new StackError('STACK9001', `'${path}' was needed before it was built`);
  return image;
}
