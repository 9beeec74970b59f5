import { StackError, type Listener } from '../core';
import { formatRepository, writeLayout, type Descriptor, type LayoutImage } from '../oci';
import { flatSteps, type BlobSource, type Registry } from '../registry';
import { Store } from '../store';
import { blobsIn, transferOf, type DeployedBlob, type Transfer } from './deployed';
import type { ImageInLayout, ImageInRegistry, ImagePlace } from './image-place';
import { PassingStream } from './passing-stream';
import { PublishedPlaces } from './published-places';
import { rootOf, type StoredImage } from './stored-image';

/** An image at its place, or with a dry run as it would be. */
export interface PlacedImage extends Transfer {
  /** Where it is now, by its name there. */
  readonly reference: string;
  /** Of the image or index. */
  readonly digest: string;
  /** Whether the reference is new or moved. */
  readonly changed: boolean;
  /** What the reference named before; absent when it was not there. */
  readonly was?: string;
}

/** What putting an image somewhere needs. */
export interface PlacingOptions {
  readonly registry: () => Registry;
  readonly listener: Listener;
  readonly signal?: AbortSignal | undefined;
}

/** What is about to be put somewhere. */
export interface Placing {
  readonly result: PlacedImage;
  /**
   * Does it.
   * @returns what was done, as `result` says what would be
   * @throws StackError STACK6003 to STACK6006, STACK6101 to STACK6115, STACK7001, STACK7002
   */
  readonly execute: () => Promise<PlacedImage>;
}

/**
 * Finds out what is to be done to have an image at a place: what is there already is not transferred, what its registry has
 * elsewhere is mounted, and the name comes last.
 * @throws StackError STACK6001, STACK6101 to STACK6113
 */
export function preparePlacing(place: ImagePlace, image: StoredImage, options: PlacingOptions): Promise<Placing> {
  return place.kind === 'layout' ? placeInLayout(place, image, options) : placeInRegistry(place, image, options);
}

function placing(
  image: StoredImage,
  work: Pick<PlacedImage, 'reference' | 'changed'> & { readonly was: string | undefined },
  blobs: readonly DeployedBlob[],
  execute: () => Promise<readonly DeployedBlob[]>,
): Placing {
  const { reference, changed, was } = work;
  const { digest } = rootOf(image);
  const placed = { reference, digest, changed, ...(was === undefined ? {} : { was }) };
  return {
    result: { ...placed, ...transferOf(blobs) },
    execute: async () => ({ ...placed, ...transferOf(await execute()) }),
  };
}

async function placeInLayout(
  { text, directory, name }: ImageInLayout,
  image: StoredImage,
  { listener, signal }: PlacingOptions,
): Promise<Placing> {
  const root = rootOf(image);
  const refName = name ?? image.name ?? root.digest;
  const target = name === undefined ? text : text.slice(0, -name.length - 1);
  const images: readonly LayoutImage[] = [
    { refName, manifest: { ...root, annotations: undefined }, blobs: layoutBlobs(image) }, // without its name elsewhere
  ];
  const write = async (options: Parameters<typeof writeLayout>[2]): ReturnType<typeof writeLayout> =>
    writeLayout(directory, images, options);
  const { blobs, names } = await write({ dryRun: true });
  const toTarget = (written: readonly Pick<Descriptor, 'digest' | 'size'>[]): readonly DeployedBlob[] =>
    written.map(({ digest, size }) => ({ digest, size, to: target }));
  const onBlob = ({ digest, size }: Descriptor): void => {
    listener({ code: 'blob-written', target, digest, size });
  };
  const changed = names.has(refName);
  return placing(
    image,
    { reference: `${target}:${refName}`, changed, was: changed ? names.get(refName) : root.digest },
    toTarget(blobs),
    async () => toTarget((await write({ onBlob, signal })).blobs),
  );
}

function layoutBlobs({ documents, open }: StoredImage): LayoutImage['blobs'] {
  return documents.flatMap(({ descriptor, content, blobs }) => [
    ...blobs.map((blob) => ({ descriptor: blob, from: () => open(blob) })),
    { descriptor, from: content },
  ]);
}

async function placeInRegistry(
  { text, reference: { tag, digest, ...repository } }: ImageInRegistry,
  image: StoredImage,
  { registry, signal }: PlacingOptions,
): Promise<Placing> {
  const places = await PublishedPlaces.load(await Store.open(), [repository.registry]);
  const root = rootOf(image);
  if (digest !== undefined && digest !== root.digest) {
    throw new StackError('STACK6109', `'${text}' cannot name what has the digest ${root.digest}`, {
      hint: 'name the target with a tag, or with that digest',
    });
  }
  const manifests = image.documents.map(({ descriptor: { mediaType }, content, blobs }) => ({
    mediaType,
    content,
    blobs: blobs.map((blob) => blobSource(blob, image, places.of(repository.registry, blob.digest))),
  }));
  const tags = tag === undefined ? [] : [tag];
  const publications = [{ repository: formatRepository(repository), manifests, tags }];
  const { plan, execute } = await registry().prepare(publications, { signal });
  const [move] = plan.tags;
  const isNew = plan.manifests.length > 0;
  return placing(
    image,
    {
      reference: text,
      changed: move !== undefined || isNew,
      was: move === undefined ? (isNew ? undefined : root.digest) : move.was,
    },
    blobsIn(flatSteps(plan.blobs)),
    async () => {
      const pushed = await execute();
      await places.note(publications);
      return blobsIn(pushed.blobs);
    },
  );
}

/** @param place where it was published before */
function blobSource(blob: Descriptor, { knownIn, open }: StoredImage, place: string | undefined): BlobSource {
  const stream = new PassingStream(() => open(blob));
  return {
    digest: blob.digest,
    size: blob.size,
    open: (offset) => stream.from(offset),
    knownIn: [...(place === undefined ? [] : [place]), ...knownIn(blob)],
  };
}
