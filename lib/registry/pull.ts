import { StackError } from '../core';
import {
  entriesFor,
  formatPlatform,
  formatReference,
  formatRepository,
  isIndexType,
  isManifestType,
  MAX_DOCUMENT,
  parseConfig,
  parseDocument,
  parseIndex,
  parseManifest,
  samePlatform,
  type Descriptor,
  type FoundImage,
  type Platform,
  type Reference,
} from '../oci';
import type { Access } from './access';
import { readBlob } from './blob-reader';
import { readManifest, type FetchedManifest } from './manifests';

/** An image found in a registry, with the bytes its digests are of. */
export interface PulledImage extends FoundImage {
  /** `HOST/NAME` where its blobs are. */
  readonly repository: string;
  readonly manifestContent: Buffer;
  readonly configContent: Buffer;
}

/** Indexes inside of indexes that are followed; real ones have one. */
const MAX_DEPTH = 3;

/**
 * Reads an image: an index is followed to the manifest of the platform.
 * @throws StackError STACK6107, STACK6108, STACK6109, STACK6005 and those of any request
 */
export async function pullImage(access: Access, reference: Reference, platform: Platform): Promise<PulledImage> {
  const where = `'${formatReference(reference)}'`;
  let found = await readManifest(access, reference);
  for (let depth = 0; isIndexType(found.descriptor.mediaType) && depth < MAX_DEPTH; depth += 1) {
    const { manifests } = parseIndex(found.document, where);
    const chosen = choose(manifests, platform, where);
    found = { ...(await readManifest(access, { ...access.repository, digest: chosen.digest })), descriptor: chosen };
  }
  return readImage(access, found, platform, where);
}

async function readImage(
  access: Access,
  found: FetchedManifest,
  platform: Platform,
  where: string,
): Promise<PulledImage> {
  const { descriptor, content, document } = found;
  if (!isManifestType(descriptor.mediaType)) {
    throw new StackError('STACK6005', `${where} is not an image but '${descriptor.mediaType}'`);
  }
  const manifest = parseManifest(document, where);
  const configContent = await readDocument(access, manifest.config, where);
  const config = parseConfig(parseDocument(configContent, where), where, manifest.layers.length);
  const actual: Platform = { ...config, variant: config.variant ?? platform.variant };
  if (!samePlatform(actual, platform)) throw otherPlatform(where, platform, [config]);
  return {
    repository: formatRepository(access.repository),
    descriptor,
    manifest,
    config,
    manifestContent: content,
    configContent,
  };
}

async function readDocument(access: Access, descriptor: Descriptor, where: string): Promise<Buffer> {
  if (descriptor.size > MAX_DOCUMENT) {
    throw new StackError('STACK6005', `${where} has a config of more than ${String(MAX_DOCUMENT)} bytes`);
  }
  const pieces: Buffer[] = [];
  for await (const piece of readBlob(access, descriptor)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The first entry for a platform, as all clients take it. */
function choose(entries: readonly Descriptor[], platform: Platform, where: string): Descriptor {
  const [chosen] = entriesFor(entries, platform);
  if (chosen !== undefined) return chosen;
  throw otherPlatform(
    where,
    platform,
    entries.flatMap((entry) => entry.platform ?? []),
  );
}

function otherPlatform(where: string, wanted: Platform, known: readonly Platform[]): StackError {
  const names = [...new Set(known.map(formatPlatform))].slice(0, 20).join(', ');
  return new StackError('STACK6108', `there is no image for ${formatPlatform(wanted)} in ${where}`, {
    hint: `it has ${names === '' ? 'none' : names}; choose one of these platforms, or take another image`,
  });
}
