import { StackError } from '../core';
import type { MediaFamily } from '../oci';
import { familyOf, layersOf, type ImageVariant } from './variant';

/**
 * Numbers of layers: `max` is what container runtimes accept, and for filesystem images what fits in the options of one
 * overlay mount; from `many` on some readers have trouble (formats.md).
 */
const LIMITS: Readonly<Record<MediaFamily, { readonly many: number; readonly max: number }>> = {
  tar: { many: 100, max: 127 },
  filesystem: { many: 30, max: 35 },
};

/**
 * Checks that an image can be mounted.
 * @returns a warning when it has so many layers that some readers may have trouble
 * @throws StackError STACK5005 when it has too many, STACK5006 when it has a filesystem image twice, which atomfs cannot mount
 */
export function checkLayers(variant: ImageVariant): string | undefined {
  const layers = layersOf(variant);
  const [first] = layers;
  if (first === undefined) return undefined;
  const family = familyOf(first);
  const { many, max } = LIMITS[family];
  const count = `${String(layers.length)} ${family} layers`;
  if (layers.length > max) {
    throw new StackError('STACK5005', `the image has ${count}; runtimes mount at most ${String(max)}`, {
      hint: 'combine fewer images, or put several into one layer',
    });
  }
  const digests = layers.map(({ descriptor }) => descriptor.digest);
  const repeated = digests.find((digest, position) => digests.indexOf(digest) < position);
  if (family === 'filesystem' && repeated !== undefined) {
    throw new StackError('STACK5006', `the image has the filesystem image ${repeated} twice, which cannot be mounted`, {
      hint: 'leave out the layer that restores what an earlier one had, or publish the image as tar',
    });
  }
  return layers.length > many ? `the image has ${count}; some runtimes mount no more than ${String(many)}` : undefined;
}
