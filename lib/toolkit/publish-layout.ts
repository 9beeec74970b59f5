import { forEachParallel, joinErrors, StackError, type Listener } from '../core';
import { writeLayout, type LayoutImage } from '../oci';
import type { BuildContext } from '../build';
import { deployedImage, tellDeployed, type DeployedTarget } from './deployed';
import type { PublishedImage } from './published-images';
import { refNames, type LayoutTarget } from './target';

/** Blobs in work at a time; how many of them are transferred is for others to limit. */
const IN_WORK = 16;

/**
 * Sees, before any of the layouts is changed, that what they lack is in the store as it was made, however long ago; what only a
 * registry has is brought there.
 * @throws StackError STACK7004 with every damaged blob; STACK6101 to STACK6113, STACK7001, STACK7002
 */
export async function readyMissing(
  { store, registryImages }: BuildContext,
  targets: readonly LayoutTarget[],
  published: readonly PublishedImage[],
): Promise<void> {
  const stored = new Map(
    published.flatMap(({ path, encoded }) =>
      encoded.blobs.flatMap((blob) =>
        typeof blob.from === 'string' ? [[blob.descriptor.digest, { path, blob }] as const] : [],
      ),
    ),
  );
  const damages: StackError[] = [];
  await forEachParallel(await missingIn(targets, published), IN_WORK, async (digest) => {
    const found = stored.get(digest);
    if (found === undefined) return;
    await registryImages.provide(found.path, found.blob);
    await store.verifyBlob(digest).catch((error: unknown) => {
      if (!StackError.is(error)) throw error;
      damages.push(error);
    });
  });
  const [first, ...others] = damages;
  if (first !== undefined) throw joinErrors([first, ...others]);
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
