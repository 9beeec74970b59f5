import { digestOf, MEDIA_TYPE, type HistoryEntry, type RuntimeConfig } from '../../lib/oci';
import type { Component, ImageLayer, ImageStep, ImageVariant } from '../../lib/stack';

/** A tar layer that is known by a word. */
export function tarLayer(word: string, changes: Partial<ImageLayer['descriptor']> = {}): ImageLayer {
  return {
    descriptor: { mediaType: MEDIA_TYPE.tarZstd, digest: digestOf(`blob of ${word}`), size: word.length, ...changes },
    diffId: digestOf(`tar of ${word}`),
  };
}

/** A filesystem image that is known by a word. */
export function squashfsLayer(word: string): ImageLayer {
  const digest = digestOf(`squashfs of ${word}`);
  const annotations = { 'io.stackeroci.stacker.atomfs_verity_root_hash': digest.slice(7), other: word };
  return { descriptor: { mediaType: MEDIA_TYPE.squashfs, digest, size: 4096, annotations }, diffId: digest };
}

export function step(layer: ImageLayer, created_by = 'a layer'): ImageStep {
  return { history: { created_by }, layer };
}

export function emptyStep(created_by: string, more: HistoryEntry = {}): ImageStep {
  return { history: { created_by, empty_layer: true, ...more } };
}

/** An image of tar layers that are known by words. */
export function image(
  words: readonly string[],
  config: RuntimeConfig = {},
  changes: Partial<ImageVariant> = {},
): ImageVariant {
  const steps = words.map((word) => step(tarLayer(word), word));
  return { platform: { os: 'linux', architecture: 'amd64' }, config, steps, ...changes };
}

export function component(name: string, variant: ImageVariant): Component {
  return { name, variant };
}

/** Components named after their place: a, b, c … */
export function components(...variants: readonly [ImageVariant, ...ImageVariant[]]): [Component, ...Component[]] {
  return variants.map((variant, place) => component(String.fromCharCode(97 + place), variant)) as [
    Component,
    ...Component[],
  ];
}

/** The words of an image's layers, bottom to top; they are kept in the history. */
export function wordsOf(variant: ImageVariant): (string | undefined)[] {
  return variant.steps.flatMap(({ history, layer }) => (layer === undefined ? [] : [history.created_by]));
}
