import type { Tree } from '../pack';
import type { LayerFormat } from '../plan';
import type { ImageLayer } from '../stack';

/** One filesystem delta: what will be, or already is, one layer. */
export interface Delta {
  /** What the delta is by content: its tree's digest, or the diffId of a layer that exists. Undefined until every file was read. */
  readonly contentKey: string | undefined;
  /** How it was made, for the image's history. */
  readonly createdBy: string;
  /** The entries, made again when they are asked for and not in memory: a delta holds on to no tree. */
  readonly tree: () => Promise<Tree>;
  /** The entries where they were made just now, until they are packed. */
  readonly atHand?: Tree | undefined;
  /** A layer that exists already is used as it is where its format fits. */
  readonly existing?: { readonly format: LayerFormat; readonly layer: ImageLayer } | undefined;
  /** The layers it was packed as. */
  readonly packed?: ReadonlyMap<LayerFormat, ImageLayer> | undefined;
  /** Takes the content key when that came out only by packing. */
  remember?(contentKey: string): Promise<void>;
}

/** A delta whose content is known. */
export type KnownDelta = Delta & { readonly contentKey: string };

/** The layer that a delta is in a format; undefined where it was not packed in it. */
export function layerIn({ packed, existing }: Delta, format: LayerFormat): ImageLayer | undefined {
  return packed?.get(format) ?? (existing?.format === format ? existing.layer : undefined);
}
