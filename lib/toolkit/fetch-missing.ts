import { forEachParallel } from '../core';
import { writeLayout, type LayoutImage } from '../oci';
import type { BuildContext, EncodedImage } from '../build';

/** An image to be published. */
interface Publishable {
  /** Construct path. */
  readonly path: string;
  readonly refName: string;
  readonly encoded: EncodedImage;
}

/** Far more than are transferred at a time, which is for others to limit. */
const IN_WORK = 16;

/**
 * Brings blobs that layouts lack and that are only in a registry into the store, before any of the layouts is changed.
 * @param directories those of the layouts
 * @throws StackError STACK6101 to STACK6113, STACK7001, STACK7002
 */
export async function fetchMissing(
  { registryImages }: BuildContext,
  directories: readonly string[],
  images: readonly Publishable[],
): Promise<void> {
  const layers = new Map(
    images.flatMap(({ path, encoded }) =>
      encoded.blobs.flatMap((blob) => (blob.origin === undefined ? [] : [[blob.descriptor.digest, { path, blob }]])),
    ),
  );
  if (layers.size === 0) return;
  const named = images.map(({ refName, encoded }): LayoutImage => ({ ...encoded, refName }));
  const missing = new Set<string>();
  for (const directory of directories) {
    const { blobs } = await writeLayout(directory, named, { dryRun: true });
    for (const { digest } of blobs) missing.add(digest);
  }
  await forEachParallel(missing, IN_WORK, async (digest) => {
    const found = layers.get(digest);
    if (found !== undefined) await registryImages.provide(found.path, found.blob);
  });
}
