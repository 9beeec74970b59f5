import { StackError } from '../core';
import {
  ANNOTATION,
  hostPlatform,
  OciLayout,
  parsePlatform,
  type ImageConfigFile,
  type Manifest,
  type Platform,
} from '../oci';
import type { Assembly, ImagePlan, LayerFormat } from '../plan';
import { registryOnce } from '../build';
import { parseTarget, registryTags, type LayoutTarget, type RegistryTarget } from './target';

/** What to look at. */
export interface InspectOptions {
  readonly assembly: Assembly;
  /** Construct path. */
  readonly image: string;
  /** `oci:DIR`, relative to the app's directory, or `docker://HOST[/PREFIX]`. */
  readonly target: string;
  /** Default: every format that is there. */
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
  const platform = (image.platform === undefined ? undefined : parsePlatform(image.platform)) ?? hostPlatform();
  const results =
    target.kind === 'layout'
      ? await inspectLayout(target, image, platform, options.formats)
      : await inspectRegistry(target, image, platform, options);
  if (results.length > 0) return results;
  throw new StackError('STACK6002', `'${options.target}' has no image named '${image.name}'`, {
    hint: image.buildOnly ? 'it is buildOnly, so it is never published' : `run stack deploy ${options.image}`,
  });
}

async function inspectLayout(
  target: LayoutTarget,
  image: ImagePlan,
  platform: Platform,
  formats: readonly LayerFormat[] | undefined,
): Promise<readonly InspectResult[]> {
  const layout = await OciLayout.open(target.directory);
  const { manifests } = await layout.index();
  const results: InspectResult[] = [];
  for (const descriptor of manifests) {
    const refName = descriptor.annotations?.[ANNOTATION.refName];
    const format = refName === undefined ? undefined : formatOf(refName, image.name);
    if (format === undefined || formats?.includes(format) === false) continue;
    const { manifest, config } = await layout.read(descriptor, descriptor.platform ?? platform);
    results.push({ reference: `${target.text}:${refName ?? ''}`, digest: descriptor.digest, manifest, config });
  }
  return results;
}

/** A registry is asked for the tags that a deploy sets. */
async function inspectRegistry(
  target: RegistryTarget,
  image: ImagePlan,
  platform: Platform,
  { assembly, formats, plainHttp }: InspectOptions,
): Promise<readonly InspectResult[]> {
  const wanted = formats ?? image.formats ?? assembly.plan.formats;
  const references = wanted.flatMap((format) =>
    registryTags(image.tags, format).map((tag) => `${target.prefix}/${image.name}:${tag}`),
  );
  const { get, close } = registryOnce({ plainHttp, listener: () => undefined });
  try {
    const found = references.map(async (reference): Promise<readonly InspectResult[]> => {
      if ((await get().tryResolve(reference)) === undefined) return [];
      const { descriptor, manifest, config } = await get().image(reference, { platform });
      return [{ reference, digest: descriptor.digest, manifest, config }];
    });
    return (await Promise.all(found)).flat();
  } finally {
    await close();
  }
}

/** The format a name in a layout means for an image of this name; undefined when it is another image's. */
function formatOf(refName: string, name: string): LayerFormat | undefined {
  const match = /^(.*?)(-squashfs)?$/.exec(refName);
  const bare = match?.[1] ?? '';
  if (bare !== name && !bare.startsWith(`${name}:`)) return undefined;
  return match?.[2] === undefined ? 'tar' : 'squashfs';
}
