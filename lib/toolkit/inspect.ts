import { existsSync } from 'node:fs';
import { StackError } from '../core';
import {
  ANNOTATION,
  mediaFamilyOf,
  OciLayout,
  type FoundImage,
  type ImageConfigFile,
  type Manifest,
  type Platform,
} from '../oci';
import { LAYER_FORMATS, type Assembly, type ImagePlan, type LayerFormat } from '../plan';
import { platformOf } from './platform';
import { registryOnce } from './registry-once';
import { parseTarget, referenceIn, suffixOf, type LayoutTarget, type RegistryTarget } from './target';

/** What to look at. */
export interface InspectOptions {
  readonly assembly: Assembly;
  /** Construct path. */
  readonly image: string;
  /** `oci:DIR`, relative to the app's directory, or `docker://HOST[/PREFIX]`. */
  readonly target: string;
  /** Default: every format that is there in a layout, and those that the image is published in in a registry. */
  readonly formats?: readonly LayerFormat[];
  /** Registry hosts that are spoken to without encryption. */
  readonly plainHttp?: readonly string[];
}

/** An image as it is published, under one name. */
export interface InspectResult {
  readonly reference: string;
  readonly digest: string;
  readonly manifest: Manifest;
  readonly config: ImageConfigFile;
}

/**
 * Reads what a target holds of an image: all its formats and tags.
 * @throws StackError STACK6002 when it was not deployed there, STACK6001, STACK6004, STACK6005
 */
export async function inspect(options: InspectOptions): Promise<readonly InspectResult[]> {
  const { plan, directory } = options.assembly;
  const image = plan.images[options.image];
  if (image === undefined) throw new StackError('STACK9001', `the plan has no image '${options.image}'`);
  const target = parseTarget(options.target, directory);
  const platform = platformOf(plan, options.image);
  const results =
    target.kind === 'layout'
      ? await inspectLayout(target, image, platform, options.formats)
      : await inspectRegistry(target, image, platform, options);
  if (results.length > 0) return results;
  throw new StackError('STACK6002', `'${options.target}' has no image named '${image.name}'`, {
    hint: image.buildOnly
      ? 'it is buildOnly, so it is never published'
      : `run stack deploy ${options.image} --to ${options.target}`,
  });
}

async function inspectLayout(
  target: LayoutTarget,
  image: ImagePlan,
  platform: Platform,
  formats: readonly LayerFormat[] | undefined,
): Promise<readonly InspectResult[]> {
  // What was never deployed is no fault of the layout.
  if (!existsSync(target.directory)) return [];
  const layout = await OciLayout.open(target.directory);
  const { manifests } = await layout.index();
  const results = new Map<string, InspectResult>();
  for (const descriptor of manifests) {
    const refName = descriptor.annotations?.[ANNOTATION.refName];
    if (refName === undefined || !isNameOf(refName, image.name)) continue;
    const reference = `${target.text}:${refName}`;
    for (const format of formats ?? LAYER_FORMATS) {
      const found = await layout.read(descriptor, inFormat(descriptor.platform ?? platform, format));
      if (isIn(found, format)) results.set(`${reference} ${found.descriptor.digest}`, resultOf(reference, found));
    }
  }
  return [...results.values()];
}

/** A registry is asked for the tags that a deploy sets: that of the format alone, and that of all formats. */
async function inspectRegistry(
  target: RegistryTarget,
  image: ImagePlan,
  platform: Platform,
  { assembly, formats, plainHttp }: InspectOptions,
): Promise<readonly InspectResult[]> {
  const tags = image.tags === undefined || image.tags.length === 0 ? [undefined] : image.tags;
  const { get, close } = registryOnce({ plainHttp, listener: () => undefined });
  const look = async (tag: string | undefined, format: LayerFormat): Promise<readonly InspectResult[]> => {
    for (const suffix of new Set([suffixOf(format), ''])) {
      const reference = referenceIn(target, { name: image.name, tag, suffix });
      if ((await get().tryResolve(reference)) === undefined) continue;
      const found = await get().image(reference, { platform: inFormat(platform, format) });
      if (isIn(found, format)) return [resultOf(reference, found)];
    }
    return [];
  };
  try {
    const wanted = formats ?? image.formats ?? assembly.plan.formats;
    const found = wanted.flatMap((format) => tags.map((tag) => look(tag, format)));
    return (await Promise.all(found)).flat();
  } finally {
    await close();
  }
}

/** Whether a layout has an image of this name under a name: with a tag or a format behind it, or both. */
function isNameOf(refName: string, name: string): boolean {
  const bare = LAYER_FORMATS.map(suffixOf).reduce((left, suffix) => {
    return suffix !== '' && left.endsWith(suffix) ? left.slice(0, -suffix.length) : left;
  }, refName);
  return [refName, bare].includes(name) || refName.startsWith(`${name}:`);
}

/** The platform, as an index names images in a format. */
function inFormat(platform: Platform, format: LayerFormat): Platform {
  return format === 'tar' ? platform : { ...platform, 'os.features': [format] };
}

/** Whether an image has layers in a format; one without any is in all. */
function isIn({ manifest }: FoundImage, format: LayerFormat): boolean {
  return manifest.layers.every(({ mediaType }) => (mediaFamilyOf(mediaType) === 'tar') === (format === 'tar'));
}

function resultOf(reference: string, { descriptor, manifest, config }: FoundImage): InspectResult {
  return { reference, digest: descriptor.digest, manifest, config };
}
