import { createReadStream, promises as fs } from 'node:fs';
import * as path from 'node:path';
import { messageOf, StackError } from '../core';
import {
  mediaFamilyOf,
  OciLayout,
  tarCompressionOf,
  verifiedBlob,
  type Descriptor,
  type HistoryEntry,
  type Platform,
  type RuntimeConfig,
} from '../oci';
import { decompress } from '../pack';
import type { SourcePlan } from '../plan';
import type { ImageLayer } from '../stack';
import type { BuildContext } from './context';
import type { Delta } from './delta';
import { findSnapshot, takeSnapshot } from './snapshots';

/** An image that exists in a layout, as something to build on. */
export interface ExistingImage {
  readonly descriptor: Descriptor;
  readonly config: RuntimeConfig;
  readonly history: readonly HistoryEntry[];
  /** Bottom to top. */
  readonly deltas: readonly (Delta & { readonly contentKey: string })[];
}

/**
 * Opens an image of an OCI layout as a base: every layer's blob is checked and taken into the store, once.
 * @throws StackError STACK6001 to STACK6005
 */
export async function openLayoutImage(
  context: BuildContext,
  source: Extract<SourcePlan, { type: 'oci-layout' }>,
  platform: Platform,
): Promise<ExistingImage> {
  const layout = await OciLayout.open(path.resolve(context.directory, source.directory));
  const { descriptor, manifest, config } = await layout.find(source.reference, platform);
  const deltas = await Promise.all(
    manifest.layers.map(async (layer, position) => {
      await takeBlob(context, layout.blobPath(layer.digest), layer);
      return existingDelta(context, { descriptor: layer, diffId: config.rootfs.diff_ids[position] ?? '' });
    }),
  );
  return { descriptor, config: config.config ?? {}, history: config.history ?? [], deltas };
}

async function takeBlob(context: BuildContext, file: string, descriptor: Descriptor): Promise<void> {
  if (await context.store.hasBlob(descriptor.digest, descriptor.size)) return;
  await context.store.withTemporaryDirectory(async (directory) => {
    const copy = path.join(directory, 'blob');
    await fs.writeFile(copy, verifiedBlob(file, descriptor), { flag: 'wx', flush: true }).catch((error: unknown) => {
      throw StackError.is(error)
        ? error
        : new StackError('STACK6001', `cannot read the blob '${file}': ${messageOf(error)}`, { cause: error });
    });
    await context.store.adopt(copy, descriptor.digest, descriptor.size);
  });
}

function existingDelta(context: BuildContext, layer: ImageLayer): Delta & { readonly contentKey: string } {
  const { mediaType, digest } = layer.descriptor;
  const family = mediaFamilyOf(mediaType);
  const compression = tarCompressionOf(mediaType);
  const createdBy = `layer ${digest}`;
  if (family === undefined) {
    throw new StackError(
      'STACK5002',
      `the base has a layer of the media type '${mediaType}', which is neither a tar nor a filesystem image`,
    );
  }
  return {
    contentKey: layer.diffId,
    createdBy,
    existing: { format: family === 'tar' ? 'tar' : 'squashfs', layer },
    tree: async () => {
      if (compression === undefined) {
        throw new StackError('STACK5002', `layer ${digest} is a filesystem image; its files cannot be read yet`, {
          hint: 'use a base with tar layers where files are taken from it, imported over it, or another format is wanted',
        });
      }
      const found = await findSnapshot(context.store, digest);
      if (found !== undefined) return found.tree();
      const name = `layer ${digest}`;
      const blob = createReadStream(context.store.blobPath(digest), { highWaterMark: 1024 * 1024 });
      const snapshot = await takeSnapshot(context.store, () => digest, decompress(blob, compression, name), {
        name,
        layer: true,
      });
      return snapshot.tree();
    },
  };
}
