import { StackError } from '../core';
import { ANNOTATION, formatReference, parseReference, type ImageConfigFile, type Platform } from '../oci';
import type { SourcePlan } from '../plan';
import {
  baseWithin,
  flattenComponents,
  isKnownEmpty,
  parseRecord,
  sharedBase,
  type Component,
  type ImageVariant,
} from '../stack';
import type { BuildContext } from './context';
import type { ExistingImage } from './existing-image';

/** Makes of an image from outside one that tells what it stands on. */
export type TellBase = (variant: ImageVariant) => ImageVariant;

/**
 * Finds out what an image from outside stands on: what the app says, else what the manifest of a combination records. What
 * annotations say is only passed on: it is looked up where a combination has to know.
 * @param path construct path of the image
 * @throws StackError STACK5032 when it does not stand on what the app says; what opening that throws
 */
export async function knownBase(
  context: BuildContext,
  path: string,
  source: SourcePlan | undefined,
  platform: Platform,
  image: ExistingImage,
): Promise<TellBase> {
  const base = source && (await openBase(context, path, source, platform));
  const layers = base && sharedLayers(base, image);
  if (base !== undefined && layers === undefined) {
    throw new StackError(
      'STACK5032',
      `'${path}' does not begin with the layers of the base that it is said to stand on`,
      {
        hint: 'name the image that it was built from, or leave base out',
      },
    );
  }
  return (variant) => {
    const known =
      base === undefined || layers === undefined
        ? recordedBase(image, variant)
        : baseWithin(variant, layers, base.config);
    if (known !== undefined) return { ...variant, base: known };
    return { ...variant, hasUnknownBase: true, baseReference: namedBase(image) };
  };
}

function openBase(
  context: BuildContext,
  path: string,
  source: SourcePlan,
  platform: Platform,
): Promise<ExistingImage> | undefined {
  if (source.type === 'oci-layout') return context.layoutImages.open(source, platform);
  return source.type === 'registry' ? context.registryImages.open(path, source.reference, platform) : undefined;
}

/** How many layers of an image are its base's, known empty ones not counted; undefined where it does not begin with them. */
function sharedLayers(base: ExistingImage, image: ExistingImage): number | undefined {
  const keysOf = ({ deltas }: ExistingImage): readonly string[] =>
    deltas.flatMap(({ contentKey }) => (isKnownEmpty(contentKey) ? [] : [contentKey]));
  const keys = keysOf(image);
  const below = keysOf(base);
  return below.every((key, at) => keys[at] === key) ? below.length : undefined;
}

/** What a combination records; of one that cannot be read its layers tell as much as of other images. */
function recordedBase({ annotations }: ExistingImage, variant: ImageVariant): ImageVariant | undefined {
  const text = annotations?.[ANNOTATION.components];
  if (text === undefined) return undefined;
  try {
    const { base } = parseRecord(text, 'a component');
    const steps = base?.steps.flatMap((at) => variant.steps[at] ?? []);
    return base && steps && { platform: variant.platform, config: base.config, steps };
  } catch (error) {
    if (StackError.is(error)) return undefined;
    throw error;
  }
}

function namedBase({ annotations }: ExistingImage): ImageVariant['baseReference'] {
  const [digest, name] = [annotations?.[ANNOTATION.baseDigest], annotations?.[ANNOTATION.baseName]];
  if (digest === undefined || name === undefined) return undefined;
  try {
    return { digest, name: formatReference({ ...parseReference(name), digest }) };
  } catch (error) {
    if (StackError.is(error)) return undefined;
    throw error;
  }
}

/** Configs of images that annotations name, by name; undefined where an image cannot be had. */
export type NamedBases = ReadonlyMap<string, ImageConfigFile | undefined>;

/**
 * Looks up the bases that components name in annotations, where only these tell what all of them share. One that cannot be had is
 * a warning: then layers and histories tell.
 * @param image construct path of the combination
 */
export async function namedBases(
  context: BuildContext,
  image: string,
  components: readonly Component[],
): Promise<NamedBases> {
  const bases = new Map<string, ImageConfigFile | undefined>();
  const shared = sharedBase(components);
  if (components.length < 2 || (shared !== undefined && shared.isInferred !== true)) return bases;
  for (const { variant } of flattenComponents(components)) {
    const root = rootOf(variant);
    const name = root.hasUnknownBase === true ? root.baseReference?.name : undefined;
    if (name === undefined || bases.has(name)) continue;
    try {
      bases.set(name, (await context.registryImages.open(image, name, root.platform)).config);
    } catch (error) {
      if (!StackError.is(error)) throw error;
      bases.set(name, undefined);
      const message = `the base ${name} cannot be read, so components tell what they share: ${error.message}`;
      context.listener({ code: 'warning', id: 'base-unknown', message, image });
    }
  }
  return bases;
}

/** A component that stands on the base its annotations name. */
export function withNamedBase(variant: ImageVariant, bases: NamedBases): ImageVariant {
  const { base, components, baseReference, hasUnknownBase } = variant;
  if (components !== undefined) {
    return {
      ...variant,
      base: base && withNamedBase(base, bases),
      components: components.map((each) => ({ ...each, variant: withNamedBase(each.variant, bases) })),
    };
  }
  if (base !== undefined) return { ...variant, base: withNamedBase(base, bases) };
  const config = hasUnknownBase === true && baseReference !== undefined ? bases.get(baseReference.name) : undefined;
  const known = config && namedWithin(variant, config);
  return known === undefined ? variant : { ...variant, base: known, hasUnknownBase: undefined };
}

function namedWithin(variant: ImageVariant, config: ImageConfigFile): ImageVariant | undefined {
  const below = config.rootfs.diff_ids.filter((diffId) => !isKnownEmpty(diffId));
  const diffIds = variant.steps.flatMap(({ layer }) =>
    layer === undefined || isKnownEmpty(layer.diffId) ? [] : [layer.diffId],
  );
  return below.every((diffId, at) => diffIds[at] === diffId) ? baseWithin(variant, below.length, config) : undefined;
}

function rootOf(variant: ImageVariant): ImageVariant {
  return variant.base === undefined ? variant : rootOf(variant.base);
}
