import { createReadStream, promises as fs } from 'node:fs';
import * as path from 'node:path';
import { reopened, StackError } from '../core';
import {
  mediaFamilyOf,
  ociLayer,
  tarCompressionOf,
  type Descriptor,
  type ImageConfigFile,
  type Manifest,
  type TarCompression,
} from '../oci';
import { decompress } from '../pack';
import type { ImageLayer } from '../stack';
import type { Store } from '../store';
import type { KnownDelta } from './delta';
import { findSnapshot, takeImageSnapshot, takeSnapshot, type Snapshot } from './snapshots';

/** An image that exists outside of the app, as something to build on. */
export interface ExistingImage {
  /** Of its manifest. */
  readonly digest: string;
  readonly config: ImageConfigFile;
  /** Its layers, bottom to top. */
  readonly deltas: readonly KnownDelta[];
  /** Of its manifest. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** How others can name it: none for one in a layout, whose name is a path on this machine. */
  readonly reference?: string | undefined;
}

/** The layers an image lists, as OCI manifests list them. */
export function layersIn({ layers }: Manifest, { rootfs }: ImageConfigFile, origin?: string): readonly ImageLayer[] {
  return layers.map((descriptor, at) => {
    return { descriptor: ociLayer(descriptor), diffId: rootfs.diff_ids[at] ?? '', origin };
  });
}

/**
 * Takes a blob into the store, unless it is there.
 * @param chunks opens its bytes, which must fail at their end unless they are what the digest says
 * @throws what the chunks throw; StackError STACK7001, STACK7002
 */
export async function takeBlob(
  store: Store,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  chunks: () => AsyncIterable<Buffer>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const copyBlob = (): Promise<void> =>
    store.withTemporaryDirectory(async (directory) => {
      const copy = path.join(directory, 'blob');
      try {
        await fs.writeFile(copy, chunks(), { flag: 'wx' });
      } catch (error) {
        signal?.throwIfAborted();
        throw store.writeFailure(`blob ${digest}`, error);
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

/**
 * A layer that exists, as a delta.
 * @param provide brings its blob into the store when its tree is asked for
 * @throws StackError STACK5002 for an unknown media type
 */
export function existingDelta(
  store: Store,
  layer: ImageLayer,
  provide: () => Promise<void>,
  signal: AbortSignal | undefined,
): KnownDelta {
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
    tree: reopened(async () => (await unpack(store, layer, tarCompressionOf(mediaType), provide, signal)).tree()),
  };
}

/** @param compression of a tar; undefined for a filesystem image */
async function unpack(
  store: Store,
  layer: ImageLayer,
  compression: TarCompression | undefined,
  provide: () => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<Snapshot> {
  const { digest } = layer.descriptor;
  const name = `layer ${digest}`;
  const make = async (): Promise<Snapshot> => {
    await provide();
    await store.verifyBlob(digest);
    if (compression === undefined) return takeFilesystemImage(store, layer, name);
    const blob = createReadStream(store.blobPath(digest), { highWaterMark: 1024 * 1024 });
    return takeSnapshot(store, () => digest, decompress(blob, compression, name), { name, layer: true, isWhole: true });
  };
  const snapshot = await store.findOrMake(
    `unpack ${digest}`,
    { find: () => findSnapshot(store, digest), make },
    signal,
  );
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
