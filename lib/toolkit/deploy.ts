import { availableParallelism } from 'node:os';
import { damagedFilesOf, joinErrors, StackError, type Listener } from '../core';
import { isTag, writeLayout, type Descriptor, type LayoutImage } from '../oci';
import {
  buildImages,
  DEFAULT_EPOCH,
  DebianSource,
  discard,
  encodeImage,
  HostFiles,
  sandboxOnce,
  type BuildContext,
  type BuiltImages,
  type EncodedImage,
} from '../build';
import {
  dependenciesOf,
  LockFile,
  order as buildOrder,
  type Assembly,
  type ImagePlan,
  type LayerFormat,
  type Plan,
} from '../plan';
import { Store } from '../store';
import { parseTarget, refNames, type Target } from './target';

/** What to deploy, and where. */
export interface DeployOptions {
  readonly assembly: Assembly;
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
  /** Fail instead of adding to the lock file. */
  readonly frozen?: boolean;
  /** Images in work at a time; default: the number of processors, at most 4. */
  readonly concurrency?: number;
  readonly listener: Listener;
  readonly signal?: AbortSignal;
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

/** Images in work at a time beyond which a machine gains nothing: each already packs on all cores. */
const MAX_CONCURRENCY = 4;

/**
 * Builds images and publishes them: blobs first, names last. Nothing is published unless everything could be built.
 * @throws StackError with a code for every cause; see docs/errors.md
 */
export async function deploy(options: DeployOptions): Promise<DeployResult> {
  const { assembly, listener, signal } = options;
  for (const tag of options.tags ?? []) {
    if (!isTag(tag))
      throw new StackError('STACK1001', `'${tag}' is not a tag a registry accepts`, {
        hint: 'letters, digits, _ . - ; at most 128, not starting with . or -',
      });
  }
  const targets = options.targets.map((target) => parseTarget(target, assembly.directory));
  const store = await Store.open();
  return store.use(async () => {
    await discard(await store.leftoverRuns()).catch(() => undefined); // that they cannot be removed here is for gc to say
    return repairing(store, listener, () => deployFrom(store, targets, options));
  }, signal);
}

/** Does work again for as long as it finds damaged files in the store, without those. One that is damaged twice is beyond us. */
async function repairing<T>(store: Store, listener: Listener, work: () => Promise<T>): Promise<T> {
  const removed = new Set<string>();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const damaged = damagedFilesOf(error);
      if (damaged.length === 0 || damaged.some((file) => removed.has(file))) throw error;
      for (const file of damaged) {
        await store.removeDamaged(file);
        removed.add(file);
        const message = `'${file}' of the local store was damaged, and is made anew`;
        listener({ code: 'warning', id: 'store-damaged', message });
      }
    }
  }
}

async function deployFrom(store: Store, targets: readonly Target[], options: DeployOptions): Promise<DeployResult> {
  const { assembly, listener, signal } = options;
  const { plan, directory } = assembly;
  const epoch = epochOf(plan);
  const context: BuildContext = {
    plan,
    directory,
    outputs: [assembly.output, ...targets.map((target) => target.directory)],
    store,
    hostFiles: await HostFiles.load(store, directory),
    debian: new DebianSource({
      store,
      lockFile: await LockFile.load(directory),
      listener,
      frozen: options.frozen ?? false,
      signal,
    }),
    sandbox: sandboxOnce(store, signal),
    epoch,
    listener,
    signal,
  };
  const published = new Set(options.images.filter((image) => plan.images[image]?.buildOnly === false));
  const formatsOf = (image: string): readonly LayerFormat[] =>
    published.has(image) ? (options.formats ?? plan.images[image]?.formats ?? plan.formats) : [];
  const order = withDependencies(plan, options.images);
  const built = await buildImages(context, {
    order,
    formatsOf,
    concurrency: options.concurrency ?? Math.min(availableParallelism(), MAX_CONCURRENCY),
  });
  const prepared = prepare(
    order.filter((image) => published.has(image)),
    built,
    formatsOf,
    options.tags,
    store,
    epoch,
  );
  if (options.dryRun !== true) await verifyMissing(store, targets, prepared);
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

/** The given images and everything they need, in build order. */
function withDependencies(plan: Plan, images: readonly string[]): readonly string[] {
  const wanted = new Set<string>();
  const add = (key: string): void => {
    const image = plan.images[key];
    if (image === undefined || wanted.has(key)) return;
    wanted.add(key);
    dependenciesOf(image).forEach(add);
  };
  images.forEach(add);
  return buildOrder(plan).filter((key) => wanted.has(key));
}

/**
 * "Now" of everything built, seconds since 1970: SOURCE_DATE_EPOCH, else the app's, else 1980 (reproducible-builds.org).
 * @throws StackError STACK1005
 */
function epochOf(plan: Plan): number {
  const text = process.env['SOURCE_DATE_EPOCH'];
  if (text === undefined || text === '') return plan.epoch ?? DEFAULT_EPOCH;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new StackError('STACK1005', `SOURCE_DATE_EPOCH is '${text}', not a number of seconds since 1970`);
}
