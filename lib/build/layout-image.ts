import { createReadStream, promises as fs } from 'node:fs';
import * as path from 'node:path';
import { StackError, writeFailure } from '../core';
import {
  mediaFamilyOf,
  OciLayout,
  tarCompressionOf,
  verifiedBlob,
  type Descriptor,
  type FoundImage,
  type Platform,
  type TarCompression,
} from '../oci';
import { decompress } from '../pack';
import type { SourcePlan } from '../plan';
import type { ImageLayer } from '../stack';
import type { Store } from '../store';
import type { BuildContext } from './context';
import type { KnownDelta } from './delta';
import { findSnapshot, takeImageSnapshot, takeSnapshot, type Snapshot } from './snapshots';

/** An image that exists in a layout, as something to build on. */
export interface ExistingImage extends FoundImage {
  /** Its layers, bottom to top. */
  readonly deltas: readonly KnownDelta[];
}

/**
 * Opens an image of an OCI layout as a base: every layer's blob is checked and taken into the store, once.
 * @throws StackError STACK5002 for an unknown media type, STACK6001, STACK6002, STACK6004, STACK6005, STACK7001, STACK7002
 */
export async function openLayoutImage(
  context: BuildContext,
  source: Extract<SourcePlan, { type: 'oci-layout' }>,
  platform: Platform,
): Promise<ExistingImage> {
  const { store } = context;
  const layout = await OciLayout.open(path.resolve(context.directory, source.directory));
  const found = await layout.find(source.reference, platform);
  const layers = found.manifest.layers.map((descriptor, position): ImageLayer => {
    return { descriptor, diffId: found.config.rootfs.diff_ids[position] ?? '' };
  });
  const deltas = layers.map((layer) => existingDelta(store, layer));
  for (const { descriptor } of layers) {
    context.signal?.throwIfAborted();
    await takeBlob(store, layout.blobPath(descriptor.digest), descriptor, context.signal);
  }
  return { ...found, deltas };
}

async function takeBlob(
  store: Store,
  file: string,
  { digest, size }: Descriptor,
  signal: AbortSignal | undefined,
): Promise<void> {
  const copyBlob = (): Promise<void> =>
    store.withTemporaryDirectory(async (directory) => {
      const copy = path.join(directory, 'blob');
      try {
        await fs.writeFile(copy, verifiedBlob(file, { digest, size }), { flag: 'wx' });
      } catch (error) {
        throw writeFailure('STACK7001', `blob ${digest} to the store`, error);
      }
      await store.adopt(copy, digest, size);
    });
  const find = async (): Promise<true | undefined> => (await store.hasBlob(digest, size)) || undefined;
  const make = async (): Promise<true> => {
    await copyBlob();
    return true;
  };
  await store.findOrMake(`take ${digest}`, { find, make }, signal);
}

function existingDelta(store: Store, layer: ImageLayer): KnownDelta {
  const { mediaType, digest } = layer.descriptor;
  const family = mediaFamilyOf(mediaType);
  if (family === undefined) {
    throw new StackError(
      'STACK5002',
      `the base has a layer of the media type '${mediaType}', which is neither a tar nor a filesystem image`,
    );
  }
  return {
    // Of a filesystem image nobody but us asks what the config says about it; its digest is certain.
    contentKey: family === 'tar' ? layer.diffId : digest,
    createdBy: `layer ${digest}`,
    existing: { format: family === 'tar' ? 'tar' : 'squashfs', layer },
    tree: async () => (await unpack(store, layer, tarCompressionOf(mediaType))).tree(),
  };
}

/** @param compression of a tar; undefined for a filesystem image */
async function unpack(store: Store, layer: ImageLayer, compression: TarCompression | undefined): Promise<Snapshot> {
  const { digest } = layer.descriptor;
  const name = `layer ${digest}`;
  const make = async (): Promise<Snapshot> => {
    await store.verifyBlob(digest);
    if (compression === undefined) return takeFilesystemImage(store, layer, name);
    const blob = createReadStream(store.blobPath(digest), { highWaterMark: 1024 * 1024 });
    return takeSnapshot(store, () => digest, decompress(blob, compression, name), { name, layer: true });
  };
  const snapshot = await store.findOrMake(`unpack ${digest}`, { find: () => findSnapshot(store, digest), make });
  if (snapshot.diffId !== layer.diffId) {
    throw new StackError(
      'STACK6004',
      `${name} unpacks to ${snapshot.diffId}, but its image's config says ${layer.diffId}`,
    );
  }
  return snapshot;
}

function takeFilesystemImage(store: Store, { descriptor }: ImageLayer, name: string): Promise<Snapshot> {
  if (!descriptor.mediaType.includes('erofs')) return takeImageSnapshot(store, descriptor.digest, name);
  throw new StackError('STACK5002', `${name} is an erofs image, whose files cannot be read`, {
    hint: 'where files are taken from a base, imported over it or converted, it must have tar or squashfs layers',
  });
}
