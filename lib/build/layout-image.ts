import * as path from 'node:path';
import { OciLayout, verifiedBlob, type Platform } from '../oci';
import type { SourcePlan } from '../plan';
import type { BuildContext } from './context';
import { existingDelta, layersIn, takeBlob, type ExistingImage } from './existing-image';

/**
 * Opens an image of an OCI layout as a base: every layer's blob is checked and taken into the store, once.
 * @throws StackError STACK5002 for an unknown media type, STACK6001, STACK6002, STACK6004, STACK6005, STACK7001, STACK7002
 */
export async function openLayoutImage(
  context: Pick<BuildContext, 'store' | 'directory' | 'signal'>,
  source: Extract<SourcePlan, { type: 'oci-layout' }>,
  platform: Platform,
): Promise<ExistingImage> {
  const { store, signal } = context;
  const layout = await OciLayout.open(path.resolve(context.directory, source.directory));
  const { descriptor: image, manifest, config } = await layout.find(source.reference, platform);
  const layers = layersIn(manifest, config);
  const deltas = layers.map((layer) => existingDelta(store, layer, () => Promise.resolve()));
  for (const { descriptor } of layers) {
    signal?.throwIfAborted();
    const file = layout.blobPath(descriptor.digest);
    await takeBlob(store, descriptor, () => verifiedBlob(file, descriptor), signal);
  }
  return { digest: image.digest, config, deltas };
}
