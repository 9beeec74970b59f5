import { StackError } from '../core';
import {
  mediaFamilyOf,
  type Descriptor,
  type HistoryEntry,
  type MediaFamily,
  type Platform,
  type RuntimeConfig,
} from '../oci';
import type { ConfigPlan } from '../plan';

/** A layer as an image lists it. */
export interface ImageLayer {
  /** Copied verbatim from image to image, annotations included. */
  readonly descriptor: Descriptor;
  readonly diffId: string;
  /** `HOST/NAME` of a repository that has its blob; the store need not. Not part of what the layer is. */
  readonly origin?: string | undefined;
}

/** One step of an image's history; a step that changed files has the layer it made. */
export interface ImageStep {
  readonly history: HistoryEntry;
  readonly layer?: ImageLayer | undefined;
}

/** An image in one layer format, before it is written: what stacking works on. */
export interface ImageVariant {
  readonly platform: Platform;
  readonly config: RuntimeConfig;
  /** Bottom to top. */
  readonly steps: readonly ImageStep[];
  /** The image it stands on, where that is known: tells what of its config is its own. */
  readonly base?: ImageVariant | undefined;
  /** Of an image whose layers stand on another base than they were built on. */
  readonly builtOn?: Origin | undefined;
  /** Set on an image from outside of which nothing tells what it stands on. */
  readonly hasUnknownBase?: boolean | undefined;
  /** Names what such an image says it stands on. */
  readonly baseReference?: { readonly digest: string; readonly name: string } | undefined;
  /** Set on a base of which only the layers are certain: its config is what the images on it have in common. */
  readonly isInferred?: boolean | undefined;
  /** Names it for others, where that is known. */
  readonly reference?: { readonly digest: string; readonly name?: string | undefined } | undefined;
  /** Of a combination: what it sets itself. */
  readonly declared?: ConfigPlan | undefined;
  /** Of a combination: what it combines, bottom to top. */
  readonly components?: readonly Component[] | undefined;
}

/** The base that an image was built on, and its configuration there. */
export interface Origin {
  readonly base: ImageVariant;
  readonly config: RuntimeConfig;
}

/** A component of a combination. */
export interface Component {
  /** Names it in messages. */
  readonly name: string;
  readonly variant: ImageVariant;
}

/** The layers of an image, bottom to top. */
export function layersOf(variant: ImageVariant): readonly ImageLayer[] {
  return variant.steps.flatMap((step) => step.layer ?? []);
}

/** What makes two layers the same one: a tar's diffId however it is compressed, a filesystem image's digest (stacking.md §1). */
export function identityOf(layer: ImageLayer): string {
  return familyOf(layer) === 'tar' ? layer.diffId : layer.descriptor.digest;
}

/**
 * Media family of a layer.
 * @throws StackError STACK5002 when its media type is none we know
 */
export function familyOf({ descriptor }: ImageLayer): MediaFamily {
  const family = mediaFamilyOf(descriptor.mediaType);
  if (family === undefined) {
    throw new StackError(
      'STACK5002',
      `layer ${descriptor.digest} has the media type '${descriptor.mediaType}', which is neither a tar nor a filesystem image`,
    );
  }
  return family;
}

/** Steps with their history normalised: image configs may leave entries out, or list too many (stacking.md §2). */
export function stepsOf(
  layers: readonly ImageLayer[],
  history: readonly HistoryEntry[],
  created: string,
): readonly ImageStep[] {
  let next = 0;
  const steps = history.map((entry): ImageStep => {
    if (entry.empty_layer === true) return { history: entry };
    const layer = layers[next];
    next += 1;
    return layer === undefined ? { history: { ...entry, empty_layer: true } } : { history: entry, layer };
  });
  const rest = layers
    .slice(next)
    .map((layer) => ({ history: { created, created_by: 'layer without history' }, layer }));
  return [...steps, ...rest];
}
