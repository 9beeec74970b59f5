import { StackError, type Listener } from '../core';
import { formatRepository, parsePlatform, writeLayout, type Descriptor, type LayoutImage } from '../oci';
import type { BlobSource, Registry } from '../registry';
import { Store } from '../store';
import { transferOf, type DeployedBlob, type Transfer } from './deployed';
import { parsePlace, type ImageInLayout, type ImageInRegistry } from './image-place';
import { PassingStream } from './passing-stream';
import { PublishedPlaces } from './published-places';
import { registryOnce } from './registry-once';
import { readStoredImage, type StoredImage } from './stored-image';

/** What to copy, and where to. */
export interface CopyOptions {
  /** `docker://HOST/NAME[:TAG|@DIGEST]` or `oci:DIR[:NAME]`. */
  readonly from: string;
  /** The same; a registry's tag is `latest` by default, a layout's name that of the source. */
  readonly to: string;
  /** Where relative paths start. */
  readonly directory: string;
  /** `os/architecture[/variant]`: the image for it alone, out of an index; default: everything. */
  readonly platform?: string;
  /** Registry hosts that are spoken to without encryption; those on this machine are anyway. */
  readonly plainHttp?: readonly string[];
  /** Tell what would be done, and do nothing. */
  readonly dryRun?: boolean;
  readonly listener: Listener;
  readonly signal?: AbortSignal;
}

/** What was copied, or with `dryRun` would be. */
export interface CopyResult extends Transfer {
  /** Where it is now, by its name there. */
  readonly reference: string;
  /** Of the image or index, here as there. */
  readonly digest: string;
  /** Whether the reference is new or moved. */
  readonly changed: boolean;
  /** What the reference named before; absent when it was not there. */
  readonly was?: string;
}

/** What there is to do. */
interface Work extends Pick<CopyResult, 'reference' | 'changed'> {
  readonly was: string | undefined;
  readonly blobs: readonly DeployedBlob[];
  readonly execute: () => Promise<unknown>;
}

/**
 * Copies an image, or an index with all its images, byte for byte between registries and layouts. Blobs are streamed and
 * verified; what the target has is not transferred, what its registry has elsewhere is mounted, and the name comes last.
 * @throws StackError STACK1001, STACK1006, STACK6001 to STACK6006, STACK6101 to STACK6115, STACK7001, STACK7002
 */
export async function copy(options: CopyOptions): Promise<CopyResult> {
  const { directory, dryRun = false, listener, plainHttp, signal } = options;
  const [from, to] = [parsePlace(options.from, directory), parsePlace(options.to, directory)];
  const platform = options.platform === undefined ? undefined : requirePlatform(options.platform);
  const { get: registry, close } = registryOnce({ plainHttp, listener });
  try {
    const image = await readStoredImage(from, { registry, platform, signal });
    const work =
      to.kind === 'layout' ? await layoutWork(to, image, options) : await registryWork(to, image, registry(), signal);
    if (!dryRun) await work.execute();
    const { reference, changed, was, blobs } = work;
    const { digest } = rootOf(image);
    return { reference, digest, changed, ...(was === undefined ? {} : { was }), ...transferOf(blobs) };
  } finally {
    await close();
  }
}

async function layoutWork(
  { text, directory, name }: ImageInLayout,
  image: StoredImage,
  { listener, signal }: CopyOptions,
): Promise<Work> {
  const root = rootOf(image);
  const refName = name ?? image.name ?? root.digest;
  const target = name === undefined ? text : text.slice(0, -name.length - 1);
  const images: readonly LayoutImage[] = [
    { refName, manifest: { ...root, annotations: undefined }, blobs: layoutBlobs(image) }, // without its name elsewhere
  ];
  const { blobs, names } = await writeLayout(directory, images, { dryRun: true });
  const onBlob = ({ digest, size }: Descriptor): void => {
    listener({ code: 'blob-written', target, digest, size });
  };
  return {
    reference: `${target}:${refName}`,
    changed: names.has(refName),
    was: names.has(refName) ? names.get(refName) : root.digest,
    blobs: blobs.map(({ digest, size }) => ({ digest, size, to: target })),
    execute: () => writeLayout(directory, images, { onBlob, signal }),
  };
}

function layoutBlobs({ documents, open }: StoredImage): LayoutImage['blobs'] {
  return documents.flatMap(({ descriptor, content, blobs }) => [
    ...blobs.map((blob) => ({ descriptor: blob, from: () => open(blob) })),
    { descriptor, from: content },
  ]);
}

async function registryWork(
  { text, reference: { tag, digest, ...repository } }: ImageInRegistry,
  image: StoredImage,
  registry: Registry,
  signal: AbortSignal | undefined,
): Promise<Work> {
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
  const { plan, execute } = await registry.prepare([{ repository: formatRepository(repository), manifests, tags }], {
    signal,
  });
  const [move] = plan.tags;
  return {
    reference: text,
    changed: move !== undefined || plan.manifests.length > 0,
    was: move === undefined ? (plan.manifests.length > 0 ? undefined : root.digest) : move.was,
    blobs: plan.blobs.map(({ digest: blob, size, repository: to, from }) => ({
      digest: blob,
      size,
      to,
      ...(from === undefined ? {} : { from }),
    })),
    execute: async () => {
      await execute();
      await places.note(plan.blobs);
    },
  };
}

/** @param place where it was published before */
function blobSource(blob: Descriptor, { repository, open }: StoredImage, place: string | undefined): BlobSource {
  const stream = new PassingStream(() => open(blob));
  return {
    digest: blob.digest,
    size: blob.size,
    open: (offset) => stream.from(offset),
    knownIn: [repository, place].filter((each) => each !== undefined),
  };
}

function rootOf({ documents }: StoredImage): Descriptor {
  const root = documents.at(-1);
  if (root === undefined) throw new StackError('STACK9001', 'an image without a manifest was read');
  return root.descriptor;
}

function requirePlatform(text: string): NonNullable<ReturnType<typeof parsePlatform>> {
  const platform = parsePlatform(text);
  if (platform !== undefined) return platform;
  throw new StackError('STACK1001', `'${text}' is not a platform`, {
    hint: 'write os/architecture, such as linux/arm64',
  });
}
