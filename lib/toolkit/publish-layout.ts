import { forEachParallel, joinErrors, StackError, type Listener } from '../core';
import { writeLayout, type LayoutImage } from '../oci';
import type { RegistryImages } from '../build';
import type { Store } from '../store';
import { deployedImage, tellDeployed, type DeployedTarget } from './deployed';
import type { PublishedImage } from './published-images';
import { refNames, type LayoutTarget } from './target';

/** Far more than are transferred at a time, which is for others to limit. */
const IN_WORK = 16;

/**
 * Brings what layouts lack and only a registry has into the store, before any of the layouts is changed.
 * @throws StackError STACK6101 to STACK6113, STACK7001, STACK7002
 */
export async function fetchMissing(
  registryImages: RegistryImages,
  targets: readonly LayoutTarget[],
  published: readonly PublishedImage[],
): Promise<void> {
  const elsewhere = new Map(
    published.flatMap(({ path, encoded }) =>
      encoded.blobs.flatMap((blob) => (blob.origin === undefined ? [] : [[blob.descriptor.digest, { path, blob }]])),
    ),
  );
  if (elsewhere.size === 0) return;
  await forEachParallel(await missingIn(targets, published), IN_WORK, async (digest) => {
    const found = elsewhere.get(digest);
    if (found !== undefined) await registryImages.provide(found.path, found.blob);
  });
}

/** Digests of the blobs that any of the layouts lacks. */
async function missingIn(
  targets: readonly LayoutTarget[],
  published: readonly PublishedImage[],
): Promise<ReadonlySet<string>> {
  const images = published.flatMap(layoutImages);
  const missing = new Set<string>();
  for (const target of targets) {
    const { blobs } = await writeLayout(target.directory, images, { dryRun: true });
    for (const { digest } of blobs) missing.add(digest);
  }
  return missing;
}

/**
 * Sees that what layouts lack is in the store as it was made, however long ago, before any of them is changed.
 * @throws StackError STACK7004 with every damaged blob
 */
export async function verifyMissing(
  store: Store,
  targets: readonly LayoutTarget[],
  published: readonly PublishedImage[],
): Promise<void> {
  const stored = new Set(
    published.flatMap(({ encoded }) =>
      encoded.blobs.flatMap(({ descriptor, from }) => (typeof from === 'string' ? descriptor.digest : [])),
    ),
  );
  const damages: StackError[] = [];
  for (const digest of await missingIn(targets, published)) {
    if (!stored.has(digest)) continue;
    await store.verifyBlob(digest).catch((error: unknown) => {
      if (!StackError.is(error)) throw error;
      damages.push(error);
    });
  }
  const [first, ...others] = damages;
  if (first !== undefined) throw joinErrors([first, ...others]);
}

/**
 * Publishes images in a layout: blobs first, names last.
 * @throws StackError STACK6001, STACK6003 to STACK6006, STACK7002
 */
export async function publishInLayout(
  target: LayoutTarget,
  published: readonly PublishedImage[],
  options: { readonly dryRun: boolean; readonly listener: Listener },
): Promise<DeployedTarget> {
  const { dryRun, listener } = options;
  const started = performance.now();
  const changes = await writeLayout(target.directory, published.flatMap(layoutImages), {
    dryRun,
    onBlob: ({ digest, size }) => {
      listener({ code: 'blob-written', target: target.text, digest, size });
    },
  });
  const deployed: DeployedTarget = {
    target: target.text,
    blobsWritten: changes.blobs.length,
    bytesWritten: changes.blobs.reduce((sum, { size }) => sum + size, 0),
    blobsMounted: 0,
    images: published.flatMap((image) =>
      namesOf(image).map((name) => deployedImage(image, `${target.text}:${name}`, changes.names.has(name))),
    ),
  };
  if (!dryRun) tellDeployed(listener, deployed, started);
  return deployed;
}

function layoutImages(image: PublishedImage): readonly LayoutImage[] {
  const { manifest, blobs } = image.encoded;
  return namesOf(image).map((refName) => ({ refName, manifest, blobs }));
}

function namesOf({ plan, tags, format }: PublishedImage): readonly string[] {
  return refNames(plan.name, tags, format);
}
