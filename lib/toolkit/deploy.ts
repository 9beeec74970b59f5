import { StackError } from '../core';
import { isTag } from '../oci';
import { buildImages, type BuildContext } from '../build';
import type { LayerFormat, Plan } from '../plan';
import { concurrencyOf, withBuild, withDependencies, type BuildOptions } from './build-context';
import type { DeployedTarget } from './deployed';
import { publishInLayout, readyMissing } from './publish-layout';
import { nameImages, type FormatTags, type NamedImage } from './named-images';
import { prepareRegistries } from './publish-registry';
import { encodeImages, ownersOf, type LayerOwners } from './published-images';
import { parseTarget, type Target } from './target';

export type { DeployedBlob, DeployedImage, DeployedTarget, Transfer } from './deployed';

/** What to deploy, and where. An image for several platforms is published as a whole, whichever of them is named. */
export interface DeployOptions extends BuildOptions {
  /** Construct paths of the images to publish; what they need is built too. Those that are `buildOnly` are only built. */
  readonly images: readonly string[];
  /** Replaces the formats of every image. */
  readonly formats?: readonly LayerFormat[];
  /** `oci:DIR`, relative to the app's directory, or `docker://HOST[/PREFIX]`. */
  readonly targets: readonly string[];
  /** Tags of images that have none of their own; default: the bare name in a layout, `latest` in a registry. */
  readonly tags?: readonly string[];
  /** Whether every format gets tags of its own, such as `latest-squashfs`, or all are in one index. @default 'suffix' */
  readonly formatTags?: FormatTags;
  /** Is asked, when everything is built, whether to publish it; what it throws ends the deploy before anything is changed. */
  readonly approve?: (planned: readonly DeployedTarget[]) => Promise<void>;
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
  const images = withNamesakes(plan, options.images);
  const order = withDependencies(plan, images);
  const outputs = targets.flatMap((target) => (target.kind === 'layout' ? [target.directory] : []));
  return withBuild(options, order, outputs, async (context) => {
    const { store, epoch } = context;
    const published = new Set(images.filter((image) => plan.images[image]?.buildOnly === false));
    const formatsOf = (image: string): readonly LayerFormat[] =>
      published.has(image) ? (options.formats ?? plan.images[image]?.formats ?? plan.formats) : [];
    const built = await buildImages(context, { order, formatsOf, concurrency: concurrencyOf(options) });
    const encoded = encodeImages(built, { images: order, formatsOf, tags: options.tags, store, epoch });
    const named = nameImages(encoded, options.formatTags ?? 'suffix');
    return { targets: await publish(context, targets, named, ownersOf(built), options) };
  });
}

/** Results in the order of the targets. Registries are asked what they have before anything is changed anywhere. */
async function publish(
  context: BuildContext,
  targets: readonly Target[],
  images: readonly NamedImage[],
  owners: LayerOwners,
  { dryRun = false, approve }: DeployOptions,
): Promise<readonly DeployedTarget[]> {
  const { store, registry, listener, signal } = context;
  const layouts = targets.filter((target) => target.kind === 'layout');
  const registries = targets.filter((target) => target.kind === 'registry');
  const push =
    registries.length === 0
      ? undefined
      : await prepareRegistries(registries, images, { registry: registry(), store, owners, listener, signal });
  const writeLayouts = async (dry: boolean): Promise<readonly DeployedTarget[]> => {
    const written: DeployedTarget[] = [];
    for (const target of layouts) written.push(await publishInLayout(context, target, images, dry));
    return written;
  };
  const planned = async (): Promise<readonly DeployedTarget[]> =>
    inOrder(targets, await writeLayouts(true), push?.targets ?? []);
  if (dryRun) return planned();
  await approve?.(await planned());
  await readyMissing(context, layouts, images);
  const written = await writeLayouts(false);
  return inOrder(targets, written, (await push?.execute()) ?? []);
}

function inOrder(
  targets: readonly Target[],
  layout: readonly DeployedTarget[],
  registry: readonly DeployedTarget[],
): readonly DeployedTarget[] {
  const left = { layout: [...layout], registry: [...registry] };
  return targets.flatMap(({ kind }) => left[kind].shift() ?? []);
}

/** Images that are published under the name of one that was asked for: those for other platforms belong to it. */
function withNamesakes(plan: Plan, images: readonly string[]): readonly string[] {
  const isPublished = (image: string): boolean => plan.images[image]?.buildOnly === false;
  const names = new Set(images.filter(isPublished).map((image) => plan.images[image]?.name));
  const namesakes = Object.keys(plan.images).filter(
    (image) => isPublished(image) && names.has(plan.images[image]?.name),
  );
  return [...new Set([...images, ...namesakes])];
}
