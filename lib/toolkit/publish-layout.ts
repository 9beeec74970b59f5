import { JointWork, joinErrors, StackError } from '../core';
import { writeLayout, type LayoutImage } from '../oci';
import type { BuildContext } from '../build';
import { deployedImages, deployedTarget, tellDeployed, type DeployedTarget } from './deployed';
import { blobsOf, type NamedImage } from './named-images';
import { referenceIn, refNameIn, type LayoutTarget } from './target';

/** Blobs in work at a time; how many of them are transferred is for others to limit. */
const IN_WORK = 16;

/**
 * Sees, before any of the layouts is changed, that what they lack is in the store as it was made, however long ago; what only a
 * registry has is brought there.
 * @throws StackError STACK7004 with every damaged blob; STACK6101 to STACK6113, STACK7001, STACK7002
 */
export async function readyMissing(
  context: BuildContext,
  targets: readonly LayoutTarget[],
  published: readonly NamedImage[],
): Promise<void> {
  await readyBlobs(context, published, await missingIn(targets, published));
}

/** As {@link readyMissing}, for blobs by digest. */
async function readyBlobs(
  { store, registryImages, signal }: BuildContext,
  published: readonly NamedImage[],
  digests: ReadonlySet<string>,
): Promise<void> {
  const stored = new Map(
    published
      .flatMap(({ images }) => images)
      .flatMap(({ path, encoded }) =>
        encoded.blobs.flatMap((blob) =>
          typeof blob.from === 'string' ? [[blob.descriptor.digest, { path, blob }] as const] : [],
        ),
      ),
  );
  const damages: StackError[] = [];
  const work = new JointWork(signal);
  await work.forEach(digests, IN_WORK, async (digest) => {
    const found = stored.get(digest);
    if (found === undefined) return;
    await registryImages.provide(found.path, found.blob, work.signal);
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
  published: readonly NamedImage[],
): Promise<ReadonlySet<string>> {
  const images = published.map(layoutImage);
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
  context: BuildContext,
  target: LayoutTarget,
  published: readonly NamedImage[],
  dryRun: boolean,
): Promise<DeployedTarget> {
  const { listener } = context;
  const started = performance.now();
  const changes = await writeLayout(target.directory, published.map(layoutImage), {
    dryRun,
    ready: (blobs) => readyBlobs(context, published, new Set(blobs.map(({ digest }) => digest))),
    onBlob: ({ digest, size }) => {
      listener({ code: 'blob-written', target: target.text, digest, size });
    },
    onWait: (owner, what) => {
      listener({ code: 'waiting', owner, what });
    },
  });
  const moves = new Map([...changes.names].map(([name, was]) => [`${target.text}:${name}`, was]));
  const deployed = deployedTarget(
    target.text,
    changes.blobs.map(({ digest, size }) => ({ digest, size, to: target.text })),
    published.flatMap((named) => deployedImages(named, referenceIn(target, named), moves)),
  );
  if (!dryRun) tellDeployed(listener, deployed, started);
  return deployed;
}

function layoutImage(named: NamedImage): LayoutImage {
  return { refName: refNameIn(named), manifest: named.manifest, blobs: blobsOf(named) };
}
