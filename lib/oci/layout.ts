import { createHash } from 'node:crypto';
import { constants, promises as fs } from 'node:fs';
import * as path from 'node:path';
import { canonicalJson, messageOf, StackError } from '../core';
import { digestOf, hexOf } from './digest';
import { MAX_DOCUMENT, parseConfig, parseDocument, parseIndex, parseManifest } from './documents';
import { ANNOTATION, isIndexType, isManifestType } from './media-types';
import { entriesFor, formatPlatform, samePlatform } from './platform';
import type { Descriptor, ImageConfigFile, Index, Manifest, Platform } from './types';

/** An image found in a layout. */
export interface FoundImage {
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  readonly config: ImageConfigFile;
}

/** The file of a layout that says it is one (image-spec, image-layout.md). */
export const LAYOUT_FILE = { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' } as const;

/** Indexes inside of indexes that are followed; real ones have one. */
const MAX_DEPTH = 3;

/** Reads an OCI image layout (image-spec, image-layout.md). Every document is bounded and checked against its digest. */
export class OciLayout {
  /**
   * @throws StackError STACK6001 when the directory is no layout
   */
  public static async open(directory: string): Promise<OciLayout> {
    const file = path.join(directory, LAYOUT_FILE.name);
    const marker = await readBounded(file).catch((error: unknown) => {
      throw new StackError('STACK6001', `'${directory}' is not an OCI layout: ${messageOf(error)}`, {
        hint: `a layout has a file '${LAYOUT_FILE.name}' and an index.json; skopeo and umoci make such directories`,
        cause: error,
      });
    });
    const { imageLayoutVersion: version } = (parseDocument(marker, file) ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof version !== 'string' || !version.startsWith('1.')) {
      throw new StackError(
        'STACK6001',
        `'${directory}' has the image layout version ${JSON.stringify(version) ?? 'none'}; 1.x can be read`,
      );
    }
    return new OciLayout(directory);
  }

  private constructor(public readonly directory: string) {}

  /** Where a blob is, or would be. */
  public blobPath(digest: string): string {
    return blobPathIn(this.directory, digest);
  }

  /**
   * The index.json of the layout.
   * @throws StackError STACK6001 when it is missing, STACK6005 when it is not valid
   */
  public async index(): Promise<Index> {
    const file = path.join(this.directory, 'index.json');
    const content = await readBounded(file).catch((error: unknown) => {
      throw unreadable(file, error);
    });
    return parseIndex(parseDocument(content, file), file);
  }

  /**
   * Finds an image by the name its index.json gives it or by its digest, or the only one when no name is given.
   * @param platform chooses where one name stands for several
   * @param index the index.json, where it was read before
   * @throws StackError STACK6002 when there is none, or more than one; STACK6001, STACK6004, STACK6005
   */
  public async find(reference: string | undefined, platform: Platform, index?: Index): Promise<FoundImage> {
    const [named, image] = this.named(reference, index ?? (await this.index()));
    return this.read(choose(named, platform, image), platform);
  }

  /**
   * The entry of the index.json for a name or digest, or the only one when none is given.
   * @throws StackError STACK6002 when there is none, or more than one; STACK6001, STACK6005
   */
  public async entry(reference: string | undefined): Promise<Descriptor> {
    const [named, image] = this.named(reference, await this.index());
    const [entry] = named;
    if (entry !== undefined && named.length === 1) return entry;
    throw new StackError('STACK6002', `there are ${String(named.length)} images in ${image}; say which one`, {
      hint: `oci:DIR:NAME with one of ${namesOf(named)}, or name a platform`,
    });
  }

  /**
   * Reads an image by its descriptor; an index is followed to the manifest of the platform.
   * @throws StackError STACK6002 when it is for another platform; STACK6001, STACK6004, STACK6005
   */
  public async read(descriptor: Descriptor, platform: Platform): Promise<FoundImage> {
    let chosen = descriptor;
    for (let depth = 0; isIndexType(chosen.mediaType) && depth < MAX_DEPTH; depth += 1) {
      const where = this.nameOf(chosen);
      const { manifests } = parseIndex(await this.document(chosen), where);
      chosen = choose(manifests, platform, where);
    }
    const where = this.nameOf(chosen);
    if (!isManifestType(chosen.mediaType)) {
      throw new StackError('STACK6005', `${where} is not an image but '${chosen.mediaType}'`);
    }
    const manifest = parseManifest(await this.document(chosen), where);
    const config = parseConfig(await this.document(manifest.config), where, manifest.layers.length);
    const actual: Platform = { ...config, variant: config.variant ?? platform.variant };
    if (!samePlatform(actual, platform)) throw otherPlatform(where, platform, [config]);
    return { descriptor: chosen, manifest, config };
  }

  /** The entries for a name or digest, at least one, and what they are in, for messages. */
  private named(
    reference: string | undefined,
    { manifests }: Index,
  ): readonly [named: readonly Descriptor[], image: string] {
    const named = manifests.filter(
      (entry) => reference === undefined || refNameOf(entry) === reference || entry.digest === reference,
    );
    const image = `'${this.directory}'${reference === undefined ? '' : ` under the name '${reference}'`}`;
    if (named.length > 0) return [named, image];
    throw new StackError('STACK6002', `there is no image in ${image}`, {
      hint: manifests.length === 0 ? 'the layout is empty' : `it has ${namesOf(manifests)}`,
    });
  }

  private nameOf({ digest }: Descriptor): string {
    return `${digest} of '${this.directory}'`;
  }

  private async document(descriptor: Descriptor): Promise<unknown> {
    return parseDocument(await this.content(descriptor), this.blobPath(descriptor.digest));
  }

  /**
   * The bytes of a manifest, an index or a config, at most {@link MAX_DOCUMENT}.
   * @throws StackError STACK6001 when it cannot be read, STACK6004 when it is not what the descriptor says, STACK6005
   */
  public async content(descriptor: Descriptor): Promise<Buffer> {
    const file = this.blobPath(descriptor.digest);
    const content = await readBounded(file).catch((error: unknown) => {
      throw unreadable(file, error);
    });
    if (content.length !== descriptor.size || digestOf(content) !== descriptor.digest) {
      throw new StackError('STACK6004', `the blob '${file}' does not have the content its name says`);
    }
    return content;
  }
}

/** Name that an index.json gives an image. */
export function refNameOf(entry: Descriptor): string | undefined {
  return entry.annotations?.[ANNOTATION.refName];
}

/** Path of a blob inside a layout. The digest must have been checked. */
export function blobPathIn(directory: string, digest: string): string {
  return path.join(directory, 'blobs', 'sha256', hexOf(digest));
}

/**
 * Streams a blob's file, failing at its end unless digest and size are what the descriptor says.
 * @throws StackError STACK6001 when it cannot be read, STACK6004
 */
export async function* verifiedBlob(
  file: string,
  descriptor: Pick<Descriptor, 'digest' | 'size'>,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of chunksOf(file)) {
    size += chunk.length;
    if (size > descriptor.size) break;
    hash.update(chunk);
    yield chunk;
  }
  if (size !== descriptor.size || `sha256:${hash.digest('hex')}` !== descriptor.digest) {
    throw new StackError(
      'STACK6004',
      `the blob '${file}' is not ${descriptor.digest} of ${String(descriptor.size)} bytes`,
    );
  }
}

async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  try {
    const handle = await openFile(file);
    yield* handle.createReadStream({ highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** The bytes of a manifest, index or config as we write them, with their descriptor. */
export function encodeDocument(
  mediaType: string,
  document: Manifest | Index | ImageConfigFile,
): { readonly descriptor: Descriptor; readonly content: Buffer } {
  const content = Buffer.from(canonicalJson(document), 'utf8');
  return { descriptor: { mediaType, digest: digestOf(content), size: content.length }, content };
}

/**
 * Reads a document whole, if it is a file of at most {@link MAX_DOCUMENT} bytes.
 * @throws StackError STACK6005, or the system's error
 */
export async function readBounded(file: string): Promise<Buffer> {
  const handle = await openFile(file);
  try {
    const { size } = await handle.stat();
    if (size > MAX_DOCUMENT) {
      throw new StackError(
        'STACK6005',
        `'${file}' has ${String(size)} bytes; at most ${String(MAX_DOCUMENT)} are accepted`,
      );
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Opens what must be a file; a pipe in its place is not waited for. */
async function openFile(file: string): Promise<fs.FileHandle> {
  const handle = await fs.open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new StackError('STACK6005', `'${file}' is not a file`);
}

/** The entry for a platform, or the only one that names none. */
function choose(entries: readonly Descriptor[], platform: Platform, where: string): Descriptor {
  const candidates = entriesFor(entries, platform);
  const [descriptor] = candidates;
  if (descriptor === undefined) {
    throw otherPlatform(
      where,
      platform,
      entries.flatMap((entry) => entry.platform ?? []),
    );
  }
  if (candidates.some(({ digest }) => digest !== descriptor.digest)) {
    throw new StackError('STACK6002', `there are ${String(candidates.length)} images in ${where}; say which one`, {
      hint: `oci:DIR:NAME with one of ${namesOf(candidates)}`,
    });
  }
  return descriptor;
}

function namesOf(entries: readonly Descriptor[]): string {
  const names = entries.map((entry) => refNameOf(entry) ?? entry.digest);
  return `${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}`;
}

function otherPlatform(where: string, wanted: Platform, known: readonly Platform[]): StackError {
  return new StackError('STACK6002', `there is no image for ${formatPlatform(wanted)} in ${where}`, {
    hint: `it has ${known.map(formatPlatform).join(', ') || 'none'}; set the platform of what uses it, or take another image`,
  });
}

function unreadable(file: string, error: unknown): StackError {
  if (StackError.is(error)) return error;
  return new StackError('STACK6001', `cannot read '${file}': ${messageOf(error)}`, { cause: error });
}
