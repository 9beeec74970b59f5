import { StackError } from '../core';
import {
  ANNOTATION,
  formatReference,
  formatRepository,
  isIndexType,
  isManifestType,
  OciLayout,
  parseDocument,
  parseIndex,
  parseManifest,
  verifiedBlob,
  type Descriptor,
  type Platform,
  type Reference,
} from '../oci';
import type { Registry } from '../registry';
import type { ImageInLayout, ImageInRegistry, ImagePlace } from './image-place';

/** A manifest or index, byte for byte. */
export interface ImageDocument {
  readonly descriptor: Descriptor;
  readonly content: Buffer;
  /** Config and layers of a manifest. */
  readonly blobs: readonly Descriptor[];
}

/** An image, or an index of several, that exists somewhere. */
export interface StoredImage {
  /** Each behind those it lists: the last one is the image or index itself. */
  readonly documents: readonly ImageDocument[];
  /** What it is called in a layout: `NAME` or `NAME:TAG`; undefined for one by its digest alone. */
  readonly name: string | undefined;
  /** Repositories, as `HOST/NAME`, that have a blob. */
  readonly knownIn: (blob: Descriptor) => readonly string[];
  /** Streams a blob, which fails at its end unless digest and size are right. */
  readonly open: (blob: Descriptor) => AsyncIterable<Buffer>;
}

/** How an image is read. */
export interface ReadOptions {
  readonly registry: () => Registry;
  /** Only the image for this platform; all when undefined. */
  readonly platform: Platform | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Indexes inside of indexes that are followed; real ones have one. */
const MAX_DEPTH = 3;
/** Documents of one index; real ones have a few dozen. */
const MAX_DOCUMENTS = 1000;

type ReadDocument = (descriptor: Descriptor) => Promise<Buffer>;

/**
 * Reads all manifests of an image that exists, and no blob.
 * @throws StackError STACK6001 to STACK6005, STACK6101 to STACK6113
 */
export async function readStoredImage(place: ImagePlace, options: ReadOptions): Promise<StoredImage> {
  return place.kind === 'layout' ? readInLayout(place, options) : readInRegistry(place, options);
}

async function readInLayout({ directory, name }: ImageInLayout, { platform }: ReadOptions): Promise<StoredImage> {
  const layout = await OciLayout.open(directory);
  const root = platform === undefined ? await layout.entry(name) : (await layout.find(name, platform)).descriptor;
  return {
    documents: await documentsOf(root, (descriptor) => layout.content(descriptor)),
    name: name ?? root.annotations?.[ANNOTATION.refName],
    knownIn: () => [],
    open: (blob) => verifiedBlob(layout.blobPath(blob.digest), blob),
  };
}

async function readInRegistry({ reference }: ImageInRegistry, options: ReadOptions): Promise<StoredImage> {
  const { platform, signal } = options;
  const registry = options.registry();
  const text = formatReference(reference);
  const repository = formatRepository(reference);
  const { descriptor: root, content } =
    platform === undefined
      ? await registry.manifest(text, { signal })
      : await registry.image(text, { platform, signal }).then(({ descriptor, manifestContent }) => {
          return { descriptor, content: manifestContent };
        });
  const read: ReadDocument = async ({ digest }) =>
    digest === root.digest ? content : (await registry.manifest(`${repository}@${digest}`, { signal })).content;
  return {
    documents: await documentsOf(root, read),
    name: reference.tag === undefined ? undefined : `${baseName(reference)}:${reference.tag}`,
    knownIn: () => [repository],
    open: (blob) => registry.blob(repository, blob, { signal }),
  };
}

function baseName({ name }: Reference): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** A document and all that it lists, which come before it. */
async function documentsOf(root: Descriptor, read: ReadDocument): Promise<StoredImage['documents']> {
  const found = new Map<string, ImageDocument>();
  const visit = async (descriptor: Descriptor, depth: number): Promise<void> => {
    const { digest, mediaType } = descriptor;
    if (found.has(digest)) return;
    if (depth > MAX_DEPTH || found.size >= MAX_DOCUMENTS) {
      throw new StackError('STACK6005', `${root.digest} lists more images, or deeper ones, than anybody reads`);
    }
    const content = await read(descriptor);
    const children = isIndexType(mediaType) ? parseIndex(parseDocument(content, digest), digest).manifests : [];
    for (const child of children) await visit(child, depth + 1);
    found.set(digest, { descriptor, content, blobs: blobsIn(descriptor, content) });
  };
  await visit(root, 0);
  return [...found.values()];
}

function blobsIn({ digest, mediaType }: Descriptor, content: Buffer): readonly Descriptor[] {
  if (isIndexType(mediaType)) return [];
  if (!isManifestType(mediaType)) throw new StackError('STACK6005', `${digest} is not an image but '${mediaType}'`);
  const { config, layers } = parseManifest(parseDocument(content, digest), digest);
  return [config, ...layers];
}

/** The image or index itself. */
export function rootOf({ documents }: StoredImage): Descriptor {
  const root = documents.at(-1);
  if (root === undefined) throw new StackError('STACK9001', 'an image without a manifest was read');
  return root.descriptor;
}
