import { StackError } from '../core';
import type { MediaFamily } from '../oci';
import { familyOf, layersOf, type ImageVariant } from './variant';

/** Numbers of layers of a media family. */
interface Limits {
  /** Number above which some readers have trouble (formats.md). */
  readonly many: number;
  /** Most that any reader mounts. */
  readonly max: number;
  readonly why: string;
}

/** Container runtimes take 127 tars. For filesystem images the kernel's limit counts: that of some readers is only theirs. */
const LIMITS: Readonly<Record<MediaFamily, Limits>> = {
  tar: { many: 100, max: 127, why: 'some runtimes mount no more than 100' },
  filesystem: { many: 30, max: 500, why: 'readers that pass them in one page of mount options mount about 35' },
};

/**
 * Checks that an image can be mounted.
 * @param filesystemLayers number of filesystem layers that its readers are known to mount; default 30
 * @returns a warning when it has so many layers that some readers may have trouble
 * @throws StackError STACK5005 when it has too many, STACK5006 when it has a filesystem image twice, which atomfs cannot mount
 */
export function checkLayers(variant: ImageVariant, filesystemLayers?: number): string | undefined {
  const layers = layersOf(variant);
  const [first] = layers;
  if (first === undefined) return undefined;
  const family = familyOf(first);
  const { many, max, why } = LIMITS[family];
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
  const from = family === 'filesystem' ? (filesystemLayers ?? many) : many;
  return layers.length > from ? `the image has ${count}; ${why}` : undefined;
}
