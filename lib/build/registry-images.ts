import { canonicalJson, Semaphore, StackError, type Listener } from '../core';
import {
  digestOf,
  formatReference,
  formatRepository,
  isDigest,
  isSupportedDigest,
  parseConfig,
  parseDocument,
  parseManifest,
  parseReference,
  type Platform,
  type Reference,
} from '../oci';
import type { LockFile } from '../plan';
import type { Registry } from '../registry';
import type { ImageLayer } from '../stack';
import type { Store } from '../store';
import { throttled } from './download';
import { existingDelta, layersIn, takeBlob, type ExistingImage } from './existing-image';

/** What all images in registries that a build uses share. */
export interface RegistryImagesOptions {
  readonly store: Store;
  readonly lockFile: LockFile;
  readonly registry: () => Registry;
  readonly listener: Listener;
  /** Fail instead of adding an entry to the lock file. */
  readonly frozen: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The documents of an image as the store keeps them, by digest and platform. */
interface Documents {
  /** Of the image's manifest in the registry. */
  readonly digest: string;
  /** Blobs of the store. */
  readonly manifest: string;
  readonly config: string;
}

const IMAGES = 'registry-images';
/** Blobs transferred at a time: enough to fill a line. */
const AT_A_TIME = 4;

/**
 * Images in registries, each by its digest: that of its reference, else the one the lock file has, else the one that its tag
 * names now, which is then locked. Manifests and configs stay in the store, so that later builds need no network. Blobs are
 * transferred only when somebody has to read them.
 */
export class RegistryImages {
  private readonly room = new Semaphore(AT_A_TIME);

  public constructor(private readonly options: RegistryImagesOptions) {}

  /**
   * Opens an image as a base.
   * @param image construct path of what stands on it, for events
   * @param reference complete, as the plan has it
   * @throws StackError STACK3021 when it would have to be locked and must not be; STACK5002 for a layer of an unknown media type;
   *   STACK6005, STACK6101 to STACK6113, STACK7001, STACK7002, STACK7004
   */
  public async open(image: string, reference: string, platform: Platform): Promise<ExistingImage> {
    const { store, signal } = this.options;
    const parsed = parseReference(reference);
    const documents =
      parsed.digest === undefined
        ? await this.locked(parsed, platform)
        : await this.documents(parsed, parsed.digest, platform);
    const where = `'${reference}'`;
    const read = async (digest: string): Promise<unknown> => parseDocument(await store.readBlob(digest), where);
    const manifest = parseManifest(await read(documents.manifest), where);
    const config = parseConfig(await read(documents.config), where, manifest.layers.length);
    const deltas = layersIn(manifest, config, formatRepository(parsed)).map((layer) =>
      existingDelta(store, layer, () => this.provide(image, layer), signal),
    );
    return { digest: documents.digest, config, deltas, reference, annotations: manifest.annotations };
  }

  /**
   * Asks a registry what a reference stands for now, and locks that, in memory.
   * @param platforms for which there must be an image
   * @throws StackError STACK6005, STACK6101 to STACK6113, STACK7001, STACK7002
   */
  public async update(reference: string, platforms: readonly Platform[]): Promise<void> {
    const { registry, lockFile, signal } = this.options;
    const { digest } = await registry().resolve(reference, { signal });
    for (const platform of platforms) await this.documents(parseReference(reference), digest, platform);
    lockFile.setImage(reference, { digest });
  }

  /**
   * Brings the blob of a layer into the store from where it is, unless it is there.
   * @param image construct path of the image that needs it, for events
   * @param signal breaks it off; default: that of the build
   * @throws StackError STACK6101 to STACK6113, STACK7001, STACK7002; the signal's reason when aborted
   */
  public async provide(
    image: string,
    { descriptor, origin }: Pick<ImageLayer, 'descriptor' | 'origin'>,
    signal = this.options.signal,
  ): Promise<void> {
    if (origin === undefined) return;
    await this.room.run(() =>
      takeBlob(this.options.store, descriptor, () => this.transfer(image, origin, descriptor, signal), signal),
    );
  }

  /** Only what is there for the platform is locked, so that a first failure changes nothing. */
  private async locked(reference: Reference, platform: Platform): Promise<Documents> {
    const { store, lockFile, frozen, registry, signal } = this.options;
    const text = formatReference(reference);
    const lookUp = async (): Promise<Documents> => {
      if (lockFile.image(text) === undefined) await lockFile.reload();
      const known = lockFile.image(text);
      if (known !== undefined) {
        const asked = (): Promise<void> => this.tellMoved(text, known.digest);
        return this.documents(reference, known.digest, platform, asked).catch((error: unknown) => {
          throw hinting(error, text);
        });
      }
      if (frozen) {
        throw new StackError('STACK3021', `the lock file has no entry for '${text}'`, {
          hint: 'name it with its digest, or deploy once without --frozen and commit the lock file',
        });
      }
      const { digest } = await registry().resolve(text, { signal });
      const found = await this.documents(reference, digest, platform);
      lockFile.setImage(text, { digest });
      await lockFile.save();
      return found;
    };
    return store.exclusively(`look up ${text}`, lookUp, signal);
  }

  /** Tells that a tag names something else than what is locked. It only asks when the registry is asked for the image anyway. */
  private async tellMoved(text: string, locked: string): Promise<void> {
    const { registry, listener, signal } = this.options;
    // The image is there: that a registry does not answer a question on the side is no failure.
    const now = await registry()
      .tryResolve(text, { signal })
      .catch(() => undefined);
    if (now === undefined || now.digest === locked) return;
    const message = `${text} names ${now.digest} now; ${locked} of cdk-stack.lock.json is used. stack update ${text} locks the new one`;
    listener({ code: 'warning', id: 'tag-moved', message });
  }

  /** @param asked is called when the registry had to be asked */
  private async documents(
    reference: Reference,
    digest: string,
    platform: Platform,
    asked: () => Promise<void> = () => Promise.resolve(),
  ): Promise<Documents> {
    const { store, registry, signal } = this.options;
    const key = digestOf(canonicalJson({ digest, platform }));
    const find = async (): Promise<Documents | undefined> => {
      const known = await store.readRecord(IMAGES, key);
      if (!isDocuments(known)) return undefined;
      return (await store.hasBlob(known.manifest)) && (await store.hasBlob(known.config)) ? known : undefined;
    };
    const make = async (): Promise<Documents> => {
      const pulled = await registry().image(formatReference({ ...reference, digest }), { platform, signal });
      const documents: Documents = {
        digest: pulled.descriptor.digest,
        manifest: await store.addBlob(pulled.manifestContent),
        config: await store.addBlob(pulled.configContent),
      };
      await store.writeRecord(IMAGES, key, documents);
      await asked();
      return documents;
    };
    return store.findOrMake(`image ${key}`, { find, make }, signal);
  }

  private async *transfer(
    image: string,
    origin: string,
    blob: ImageLayer['descriptor'],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Buffer> {
    const { registry, listener } = this.options;
    const { digest, size } = blob;
    const url = `${origin}@${digest}`;
    const started = performance.now();
    const progress = throttled((bytes: number) => {
      listener({ code: 'download-progress', image, url, bytes, total: size });
    });
    listener({ code: 'download-started', image, url });
    let bytes = 0;
    for await (const piece of registry().blob(origin, { digest, size }, { signal })) {
      yield piece;
      bytes += piece.length;
      progress(bytes);
    }
    listener({ code: 'download-done', image, url, size, milliseconds: performance.now() - started });
  }
}

function isDocuments(value: unknown): value is Documents {
  if (typeof value !== 'object' || value === null) return false;
  const { digest, manifest, config } = value as Partial<Documents>;
  return typeof digest === 'string' && isSupportedDigest(digest) && isDigest(manifest) && isDigest(config);
}

/** What a registry no longer has may have become something else. */
function hinting(error: unknown, reference: string): unknown {
  if (!StackError.is(error) || error.code !== 'STACK6107') return error;
  return new StackError(error.code, error.message, {
    hint: `the digest is that of cdk-stack.lock.json: run stack update ${reference} to lock what the tag names now`,
    cause: error,
  });
}
