import { StackError } from '../core';
import { isTag } from '../oci';
import { buildImages, type BuildContext } from '../build';
import type { LayerFormat } from '../plan';
import { concurrencyOf, withBuild, withDependencies, type BuildOptions } from './build-context';
import type { DeployedTarget } from './deployed';
import { publishInLayout, readyMissing } from './publish-layout';
import { publishInRegistries } from './publish-registry';
import { encodeImages, ownersOf, type LayerOwners, type PublishedImage } from './published-images';
import { parseTarget, type Target } from './target';

export type { DeployedImage, DeployedTarget } from './deployed';

/** What to deploy, and where. */
export interface DeployOptions extends BuildOptions {
  /** Construct paths of the images to publish; what they need is built too. Those that are `buildOnly` are only built. */
  readonly images: readonly string[];
  /** Replaces the formats of every image. */
  readonly formats?: readonly LayerFormat[];
  /** `oci:DIR`, relative to the app's directory, or `docker://HOST[/PREFIX]`. */
  readonly targets: readonly string[];
  /** Tags of images that have none of their own; default: the bare name in a layout, `latest` in a registry. */
  readonly tags?: readonly string[];
  /** Build, and tell what would be written, but write to no target. */
  readonly dryRun?: boolean;
}

/** What a deploy published, or with `dryRun` would. */
export interface DeployResult {
  readonly targets: readonly DeployedTarget[];
}

/**
 * Builds images and publishes them: blobs first, names last. Nothing is published unless everything could be built.
 * @throws StackError with a code for every cause; see docs/errors.md
 */
export async function deploy(options: DeployOptions): Promise<DeployResult> {
  const { plan, directory } = options.assembly;
  for (const tag of options.tags ?? []) {
    if (!isTag(tag))
      throw new StackError('STACK1001', `'${tag}' is not a tag a registry accepts`, {
        hint: 'letters, digits, _ . - ; at most 128, not starting with . or -',
      });
  }
  const targets = options.targets.map((target) => parseTarget(target, directory));
  const order = withDependencies(plan, options.images);
  const outputs = targets.flatMap((target) => (target.kind === 'layout' ? [target.directory] : []));
  return withBuild(options, order, outputs, async (context) => {
    const { store, epoch } = context;
    const published = new Set(options.images.filter((image) => plan.images[image]?.buildOnly === false));
    const formatsOf = (image: string): readonly LayerFormat[] =>
      published.has(image) ? (options.formats ?? plan.images[image]?.formats ?? plan.formats) : [];
    const built = await buildImages(context, { order, formatsOf, concurrency: concurrencyOf(options) });
    const images = encodeImages(built, { images: order, formatsOf, tags: options.tags, store, epoch });
    return { targets: await publish(context, targets, images, ownersOf(built), options) };
  });
}

/** Results in the order of the targets. */
async function publish(
  context: BuildContext,
  targets: readonly Target[],
  images: readonly PublishedImage[],
  owners: LayerOwners,
  { dryRun = false }: DeployOptions,
): Promise<readonly DeployedTarget[]> {
  const { store, registry, listener, signal } = context;
  const layouts = targets.filter((target) => target.kind === 'layout');
  const registries = targets.filter((target) => target.kind === 'registry');
  if (!dryRun) await readyMissing(context, layouts, images);
  const deployed = new Map<Target, DeployedTarget>();
  for (const target of layouts) deployed.set(target, await publishInLayout(target, images, { dryRun, listener }));
  if (registries.length > 0) {
    const shared = { registry: registry(), store, owners, dryRun, listener, signal };
    const results = await publishInRegistries(registries, images, shared);
    for (const [index, target] of registries.entries()) {
      const result = results[index];
      if (result !== undefined) deployed.set(target, result);
    }
  }
  return targets.flatMap((target) => deployed.get(target) ?? []);
}
