import { canonicalJson } from '../core';
import { refNameOf } from './layout';
import { ANNOTATION } from './media-types';
import type { Descriptor, Index } from './types';

/** Where the bytes of a blob come from. */
export interface BlobSource {
  readonly descriptor: Descriptor;
  /** A complete, verified file, or the bytes themselves. */
  readonly from: string | Buffer;
}

/** A blob to be written, which may also be streamed: its bytes must fail at their end unless they are what the digest says. */
export interface LayoutBlob extends Omit<BlobSource, 'from'> {
  readonly from: BlobSource['from'] | (() => AsyncIterable<Buffer>);
}

/** One image, or an index of several, to be written under one name. */
export interface LayoutImage {
  /** Value of `org.opencontainers.image.ref.name`. */
  readonly refName: string;
  /** The manifest, with its platform, or the index. */
  readonly manifest: Descriptor;
  /** Everything that is to be there, the manifest itself included. */
  readonly blobs: readonly LayoutBlob[];
}

/** Names under which the index does not have just these images yet, and the digests they name now. */
export function changedNames(index: Index, images: readonly LayoutImage[]): ReadonlyMap<string, string | undefined> {
  const current = new Map<string, Descriptor[]>();
  for (const entry of index.manifests) {
    const name = refNameOf(entry);
    const namesakes = name === undefined ? undefined : current.get(name);
    if (namesakes !== undefined) namesakes.push(entry);
    else if (name !== undefined) current.set(name, [entry]);
  }
  return new Map(
    images.flatMap((image): [string, string | undefined][] => {
      const [entry, ...others] = current.get(image.refName) ?? [];
      const isRight = others.length === 0 && canonicalJson(entry) === canonicalJson(entryOf(image));
      return isRight ? [] : [[image.refName, entry?.digest]];
    }),
  );
}

/** The index with the images in it: each in the place of the first that had its name, new ones behind, in the order given. */
export function withImages(index: Index, images: readonly LayoutImage[]): Index {
  const ours = new Map(images.map((image) => [image.refName, entryOf(image)]));
  const placed = new Set<string>();
  const manifests = index.manifests.flatMap((entry) => {
    const name = refNameOf(entry);
    const replacement = name === undefined ? undefined : ours.get(name);
    if (name === undefined || replacement === undefined) return [entry];
    if (placed.has(name)) return [];
    placed.add(name);
    return [replacement];
  });
  const added = [...ours].flatMap(([name, entry]) => (placed.has(name) ? [] : [entry]));
  return { ...index, manifests: [...manifests, ...added] };
}

function entryOf(image: LayoutImage): Descriptor {
  return { ...image.manifest, annotations: { ...image.manifest.annotations, [ANNOTATION.refName]: image.refName } };
}

