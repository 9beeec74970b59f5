import { createReadStream } from 'node:fs';
import type { Listener } from '../core';
import type { EncodedBlob } from '../build';
import type { BlobSource, Publication, PushPlan, Registry } from '../registry';
import type { Store } from '../store';
import { deployedImage, tellDeployed, type DeployedTarget } from './deployed';
import { PassingStream } from './passing-stream';
import type { LayerOwners, PublishedImage } from './published-images';
import { registryTags, type RegistryTarget } from './target';

/** What publishing in registries needs. */
export interface RegistryPublishing {
  readonly registry: Registry;
  readonly store: Store;
  readonly owners: LayerOwners;
  readonly dryRun: boolean;
  readonly listener: Listener;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Publishes images in all registries together: every blob is uploaded once to each registry and mounted where else it is
 * needed, tags come last.
 * @throws StackError STACK6101 to STACK6114, STACK7004; no tag names anything incomplete then
 */
export async function publishInRegistries(
  targets: readonly RegistryTarget[],
  published: readonly PublishedImage[],
  shared: RegistryPublishing,
): Promise<readonly DeployedTarget[]> {
  const { registry, dryRun, listener, signal } = shared;
  if (targets.length === 0) return [];
  const started = performance.now();
  const publications = targets.flatMap((target) => published.map((image) => publicationOf(target, image, shared)));
  const plan = await (dryRun ? registry.plan(publications, { signal }) : registry.publish(publications, { signal }));
  return targets.map((target) => {
    const deployed = deployedTarget(target, published, plan);
    if (!dryRun) tellDeployed(listener, deployed, started);
    return deployed;
  });
}

function publicationOf(target: RegistryTarget, image: PublishedImage, shared: RegistryPublishing): Publication {
  const { manifest, blobs } = image.encoded;
  const content = blobs.find(({ descriptor }) => descriptor.digest === manifest.digest)?.from;
  return {
    repository: repositoryOf(target, image),
    tags: registryTags(image.tags, image.format),
    manifests: [
      {
        mediaType: manifest.mediaType,
        content: Buffer.from(content ?? ''),
        blobs: blobs
          .filter(({ descriptor }) => descriptor.digest !== manifest.digest)
          .map((blob) => ({
            ...sourceOf(blob, shared),
            knownIn: [
              ...(blob.origin === undefined ? [] : [blob.origin]),
              ...(shared.owners.get(blob.descriptor.digest) ?? []).map((name) => `${target.prefix}/${name}`),
            ],
          })),
      },
    ],
  };
}

function repositoryOf({ prefix }: RegistryTarget, { plan }: PublishedImage): string {
  return `${prefix}/${plan.name}`;
}

/**
 * What an earlier process added to the store is looked at first: registries only say that a digest does not fit. What is only in
 * another registry passes through.
 */
function sourceOf(
  { descriptor, from, origin }: EncodedBlob,
  { store, registry, signal }: RegistryPublishing,
): BlobSource {
  const { digest, size } = descriptor;
  const passing = new PassingStream(() => registry.blob(origin ?? '', { digest, size }, { signal }));
  async function* open(offset: number): AsyncGenerator<Buffer> {
    if (typeof from !== 'string') {
      yield Buffer.from(from).subarray(offset);
    } else if (origin !== undefined && !(await store.hasBlob(digest, size))) {
      yield* passing.from(offset);
    } else {
      await store.verifyBlob(digest);
      yield* createReadStream(from, { start: offset, highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>;
    }
  }
  return { digest, size, open };
}

/** What a plan does for one of the targets: those of one registry share their blobs, so each counts where it is uploaded. */
function deployedTarget(target: RegistryTarget, published: readonly PublishedImage[], plan: PushPlan): DeployedTarget {
  const repositories = new Set(published.map((image) => repositoryOf(target, image)));
  const steps = plan.blobs
    .flatMap((step) => [step, ...step.then])
    .filter(({ repository }) => repositories.has(repository));
  const uploads = steps.filter(({ from }) => from === undefined);
  const moved = new Set(plan.tags.map(({ repository, tag }) => `${repository}:${tag}`));
  return {
    target: target.text,
    blobsWritten: uploads.length,
    bytesWritten: uploads.reduce((sum, { size }) => sum + size, 0),
    blobsMounted: steps.length - uploads.length,
    images: published.flatMap((image) =>
      registryTags(image.tags, image.format).map((tag) => {
        const reference = `${repositoryOf(target, image)}:${tag}`;
        return deployedImage(image, reference, moved.has(reference));
      }),
    ),
  };
}
