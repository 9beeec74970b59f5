import { joinErrors, StackError } from '../core';
import { isTag, writeLayout, type Descriptor, type LayoutImage } from '../oci';
import { buildImages, encodeImage, type BuildContext, type BuiltImages, type EncodedImage } from '../build';
import type { ImagePlan, LayerFormat } from '../plan';
import type { Store } from '../store';
import { concurrencyOf, withBuild, withDependencies, type BuildOptions } from './build-context';
import { fetchMissing } from './fetch-missing';
import { parseTarget, refNames, type Target } from './target';

/** What to deploy, and where. */
export interface DeployOptions extends BuildOptions {
  /** Construct paths of the images to publish; what they need is built too. Those that are `buildOnly` are only built. */
  readonly images: readonly string[];
  /** Replaces the formats of every image. */
  readonly formats?: readonly LayerFormat[];
  /** `oci:DIR`, relative to the app's directory. */
  readonly targets: readonly string[];
  /** Tags of images that have none of their own; default: the bare name. */
  readonly tags?: readonly string[];
  /** Build, and tell what would be written, but write to no target. */
  readonly dryRun?: boolean;
}

/** What a deploy published, or with `dryRun` would. */
export interface DeployResult {
  readonly targets: readonly DeployedTarget[];
}

export interface DeployedTarget {
  readonly target: string;
  readonly blobsWritten: number;
  readonly bytesWritten: number;
  readonly images: readonly DeployedImage[];
}

export interface DeployedImage {
  readonly path: string;
  readonly name: string;
  readonly format: LayerFormat;
  /** Such as `oci:./oci:kernel-squashfs`. */
  readonly reference: string;
  readonly digest: string;
  /** Bytes of config, manifest and layers together. */
  readonly size: number;
  /** Whether this reference is new or moved. */
  readonly changed: boolean;
  readonly layers: readonly Pick<Descriptor, 'digest' | 'size' | 'mediaType'>[];
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
  const outputs = targets.map((target) => target.directory);
  return withBuild(options, order, outputs, (context) => deployFrom(context, order, targets, options));
}

async function deployFrom(
  context: BuildContext,
  order: readonly string[],
  targets: readonly Target[],
  options: DeployOptions,
): Promise<DeployResult> {
  const { plan, store, epoch } = context;
  const published = new Set(options.images.filter((image) => plan.images[image]?.buildOnly === false));
  const formatsOf = (image: string): readonly LayerFormat[] =>
    published.has(image) ? (options.formats ?? plan.images[image]?.formats ?? plan.formats) : [];
  const built = await buildImages(context, {
    order,
    formatsOf,
    concurrency: concurrencyOf(options),
  });
  const prepared = prepare(
    order.filter((image) => published.has(image)),
    built,
    formatsOf,
    options.tags,
    store,
    epoch,
  );
  if (options.dryRun !== true) {
    const directories = targets.map((target) => target.directory);
    await fetchMissing(context, directories, prepared);
    await verifyMissing(store, targets, prepared);
  }
  const results: DeployedTarget[] = [];
  for (const target of targets) results.push(await publish(target, prepared, options));
  return { targets: results };
}

/**
 * Sees that what targets lack is in the store as it was made, however long ago, before any of them is changed.
 * @throws StackError STACK7004 with every damaged blob
 */
async function verifyMissing(store: Store, targets: readonly Target[], prepared: readonly Prepared[]): Promise<void> {
  const images = layoutImages(prepared);
  const stored = new Set(
    images.flatMap(({ blobs }) =>
      blobs.flatMap(({ descriptor, from }) => (typeof from === 'string' ? descriptor.digest : [])),
    ),
  );
  const missing = new Set<string>();
  for (const target of targets) {
    const { blobs } = await writeLayout(target.directory, images, { dryRun: true });
    for (const { digest } of blobs) if (stored.has(digest)) missing.add(digest);
  }
  const damages: StackError[] = [];
  for (const digest of missing) {
    await store.verifyBlob(digest).catch((error: unknown) => {
      if (!StackError.is(error)) throw error;
      damages.push(error);
    });
  }
  const [first, ...others] = damages;
  if (first !== undefined) throw joinErrors([first, ...others]);
}

function layoutImages(prepared: readonly Prepared[]): readonly LayoutImage[] {
  return prepared.map(({ refName, encoded: { manifest, blobs } }) => ({ refName, manifest, blobs }));
}

/** An image under one name, ready to be written. */
interface Prepared {
  readonly path: string;
  readonly plan: ImagePlan;
  readonly format: LayerFormat;
  readonly refName: string;
  readonly encoded: EncodedImage;
}

function prepare(
  images: readonly string[],
  built: BuiltImages,
  formatsOf: (image: string) => readonly LayerFormat[],
  tags: readonly string[] | undefined,
  store: Store,
  epoch: number,
): readonly Prepared[] {
  const names = new Map<string, string>();
  const prepared: Prepared[] = [];
  for (const path of images) {
    const image = built.get(path);
    if (image === undefined) throw new StackError('STACK9001', `'${path}' was not built`);
    for (const format of formatsOf(path)) {
      const encoded = encodeImage(image, format, store, epoch);
      for (const refName of refNames(image.plan.name, image.plan.tags ?? tags, format)) {
        const other = names.get(refName);
        if (other !== undefined)
          throw new StackError('STACK2003', `'${other}' and '${path}' would both be published as '${refName}'`, {
            hint: 'give one of them another imageName',
          });
        names.set(refName, path);
        prepared.push({ path, plan: image.plan, format, refName, encoded });
      }
    }
  }
  return prepared;
}

async function publish(target: Target, prepared: readonly Prepared[], options: DeployOptions): Promise<DeployedTarget> {
  const started = performance.now();
  const { listener } = options;
  const changes = await writeLayout(target.directory, layoutImages(prepared), {
    dryRun: options.dryRun ?? false,
    onBlob: ({ digest, size }) => {
      listener({ code: 'blob-written', target: target.text, digest, size });
    },
  });
  const bytesWritten = changes.blobs.reduce((sum, { size }) => sum + size, 0);
  const deployed = prepared.map(({ path, plan, format, refName, encoded }): DeployedImage => {
    const reference = `${target.text}:${refName}`;
    const { digest } = encoded.manifest;
    const size = encoded.blobs.reduce((sum, blob) => sum + blob.descriptor.size, 0);
    const changed = changes.names.has(refName);
    if (options.dryRun !== true) listener({ code: 'image-published', image: path, reference, digest, size, changed });
    const layers = encoded.document.layers.map((layer) => ({
      digest: layer.digest,
      size: layer.size,
      mediaType: layer.mediaType,
    }));
    return { path, name: plan.name, format, reference, digest, size, changed, layers };
  });
  listener({
    code: 'deploy-done',
    target: target.text,
    blobs: changes.blobs.length,
    bytes: bytesWritten,
    milliseconds: performance.now() - started,
  });
  return { target: target.text, blobsWritten: changes.blobs.length, bytesWritten, images: deployed };
}
