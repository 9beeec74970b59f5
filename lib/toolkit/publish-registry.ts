import { createReadStream } from 'node:fs';
import type { Listener } from '../core';
import type { EncodedBlob } from '../build';
import {
  flatSteps,
  type BlobSource,
  type BlobTransfer,
  type Publication,
  type PublishedManifest,
  type PushPlan,
  type Registry,
} from '../registry';
import type { Store } from '../store';
import { blobsIn, deployedImages, deployedTarget, tellDeployed, type DeployedTarget } from './deployed';
import type { NamedImage } from './named-images';
import { PassingStream } from './passing-stream';
import { PublishedPlaces } from './published-places';
import type { LayerOwners, PublishedImage } from './published-images';
import { referenceIn, registryTag, type RegistryTarget } from './target';

/** What publishing in registries needs. */
export interface RegistryPublishing {
  readonly registry: Registry;
  readonly store: Store;
  readonly owners: LayerOwners;
  readonly listener: Listener;
  readonly signal?: AbortSignal | undefined;
}

/** What all publications need. */
interface Shared extends RegistryPublishing {
  readonly places: PublishedPlaces;
}

/** What is about to be published in registries. */
export interface PreparedRegistries {
  /** What each target would get. */
  readonly targets: readonly DeployedTarget[];
  /**
   * Publishes it.
   * @returns what each target got: a mount that was planned may have been refused
   * @throws StackError STACK6101 to STACK6115, STACK7004; no tag names anything incomplete then
   */
  readonly execute: () => Promise<readonly DeployedTarget[]>;
}

/**
 * Finds out what is to be done to publish images in all registries together: every blob is uploaded once to each registry and
 * mounted where else it is needed, tags come last.
 * @throws StackError STACK6101 to STACK6113
 */
export async function prepareRegistries(
  targets: readonly RegistryTarget[],
  published: readonly NamedImage[],
  shared: RegistryPublishing,
): Promise<PreparedRegistries> {
  const { registry, store, listener, signal } = shared;
  if (targets.length === 0) return { targets: [], execute: () => Promise.resolve([]) };
  const places = await PublishedPlaces.load(store, targets.map(hostOf));
  const publications = targets.flatMap((target) =>
    published.map((named) => publicationOf(target, named, { ...shared, places })),
  );
  const { plan, execute } = await registry.prepare(publications, { signal });
  const withBlobs = (blobs: readonly BlobTransfer[]): readonly DeployedTarget[] =>
    targets.map((target) => targetWith(target, published, plan, blobs));
  return {
    targets: withBlobs(flatSteps(plan.blobs)),
    execute: async () => {
      const started = performance.now();
      const { blobs } = await execute();
      await places.note(publications);
      const deployed = withBlobs(blobs);
      for (const target of deployed) tellDeployed(listener, target, started);
      return deployed;
    },
  };
}

function publicationOf(target: RegistryTarget, named: NamedImage, shared: Shared): Publication {
  const { images, index } = named;
  const manifests = images.map((image) => manifestOf(target, image, shared));
  if (index !== undefined) {
    manifests.push({ mediaType: index.descriptor.mediaType, content: Buffer.from(index.from), blobs: [] });
  }
  return { repository: repositoryOf(target, named), tags: [registryTag(named)], manifests };
}

function manifestOf(
  target: RegistryTarget,
  { encoded: { manifest, blobs } }: PublishedImage,
  shared: Shared,
): PublishedManifest {
  const content = blobs.find(({ descriptor }) => descriptor.digest === manifest.digest)?.from;
  return {
    mediaType: manifest.mediaType,
    content: Buffer.from(content ?? ''),
    blobs: blobs
      .filter(({ descriptor }) => descriptor.digest !== manifest.digest)
      .map((blob) => ({
        ...sourceOf(blob, shared),
        knownIn: [shared.places.of(hostOf(target), blob.descriptor.digest), blob.origin].filter(
          (place) => place !== undefined,
        ),
        maybeIn: (shared.owners.get(blob.descriptor.digest) ?? []).map((name) => `${target.prefix}/${name}`),
      })),
  };
}

function hostOf({ prefix }: RegistryTarget): string {
  return prefix.replace(/\/.*/s, '').toLowerCase();
}

function repositoryOf({ prefix }: RegistryTarget, { name }: NamedImage): string {
  return `${prefix}/${name}`;
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

/**
 * A target's part of a push, planned or done: targets of one registry share their blobs, so each counts where it is uploaded.
 */
function targetWith(
  target: RegistryTarget,
  published: readonly NamedImage[],
  plan: PushPlan,
  transfers: readonly BlobTransfer[],
): DeployedTarget {
  const repositories = new Set(published.map((named) => repositoryOf(target, named)));
  const blobs = blobsIn(transfers).filter(({ to }) => repositories.has(to));
  const moves = new Map(plan.tags.map(({ repository, tag, was }) => [`${repository}:${tag}`, was]));
  const images = published.flatMap((named) => deployedImages(named, referenceIn(target, named), moves));
  return deployedTarget(target.text, blobs, images);
}
