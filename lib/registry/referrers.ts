import { canonicalJson } from '../core';
import {
  digestOf,
  formatRepository,
  isDescriptor,
  MAX_DOCUMENT,
  MEDIA_TYPE,
  parseDocument,
  parseIndex,
  type Descriptor,
} from '../oci';
import type { Access } from './access';
import { RequestFailure } from './failure';
import { readBody, readStart } from './http';
import { pages } from './lists';
import type { ManifestSource } from './manifests';
import { scopeOf } from './scopes';

/** What a manifest says of itself to those who look for what refers to an image. */
interface Referring {
  readonly subject: Descriptor;
  readonly entry: Descriptor;
}

/** Times the index of referrers is read and written anew because somebody else has written it meanwhile. */
const MAX_RACES = 5;

/**
 * The manifests that refer to another one (distribution-spec, *Listing Referrers*): by the registry's own list, or by the
 * index that clients keep where it has none.
 * @param artifactType only those of this type
 * @throws StackError STACK6005, STACK6110 and those of any request
 */
export async function listReferrers(
  access: Access,
  digest: string,
  artifactType?: string,
): Promise<readonly Descriptor[]> {
  const { name } = access.repository;
  const filter = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  const what = `list what refers to ${digest} in ${formatRepository(access.repository)}`;
  const found: Descriptor[] = [];
  for await (const page of pages(access, `${name}/referrers/${digest}${filter}`, what, [404])) {
    if (page === undefined) return filtered((await readFallback(access, digest)).manifests, artifactType);
    found.push(...parseIndex(page, what).manifests);
  }
  return filtered(found, artifactType); // whether the registry has filtered or not
}

/**
 * Notes a manifest that has a subject in the index kept for it (distribution-spec, *Referrers Tag Schema*): for registries that
 * keep no list themselves. Others may write the same index: where the registry has ETags, nothing of theirs gets lost.
 * @throws StackError of any request
 */
export async function noteReferrer(access: Access, manifest: ManifestSource): Promise<void> {
  const referring = referringOf(manifest);
  if (referring === undefined) return;
  for (let race = 0; ; race += 1) {
    const { manifests, etag } = await readFallback(access, referring.subject.digest);
    if (manifests.some(({ digest }) => digest === referring.entry.digest)) return;
    try {
      await writeFallback(access, referring.subject.digest, [...manifests, referring.entry], etag);
      return;
    } catch (error) {
      if (!(error instanceof RequestFailure) || error.status !== 412 || race >= MAX_RACES) throw error;
    }
  }
}

function referringOf({ mediaType, content }: ManifestSource): Referring | undefined {
  const document = parseDocument(content, 'a manifest to be published');
  const { subject, artifactType, config, annotations } = (document ?? {}) as Readonly<Record<string, unknown>>;
  if (!isDescriptor(subject)) return undefined;
  const type = typeof artifactType === 'string' ? artifactType : isDescriptor(config) ? config.mediaType : undefined;
  const entry = { mediaType, digest: digestOf(content), size: content.length, artifactType: type, annotations };
  return isDescriptor(entry) ? { subject, entry } : undefined;
}

interface Fallback {
  readonly manifests: readonly Descriptor[];
  readonly etag: string | undefined;
}

async function readFallback(access: Access, subject: string): Promise<Fallback> {
  const call = { ...callFor(access, subject, ['pull']), method: 'GET' as const, expected: [200, 404] };
  return access.host.send({ ...call, headers: { accept: MEDIA_TYPE.index } }, async (response) => {
    if (response.status === 404) {
      await readStart(response, 0);
      return { manifests: [], etag: undefined };
    }
    const { manifests } = parseIndex(parseDocument(await readBody(response, MAX_DOCUMENT), call.what), call.what);
    return { manifests, etag: response.header('etag') };
  });
}

async function writeFallback(
  access: Access,
  subject: string,
  manifests: readonly Descriptor[],
  etag: string | undefined,
): Promise<void> {
  const body = Buffer.from(canonicalJson({ schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests }));
  const condition = etag !== undefined ? { 'if-match': etag } : manifests.length === 1 ? { 'if-none-match': '*' } : {};
  const headers = { 'content-type': MEDIA_TYPE.index, ...condition };
  const call = {
    ...callFor(access, subject, ['pull', 'push']),
    method: 'PUT' as const,
    expected: [201, 202],
    headers,
    body,
  };
  await access.host.send(call, (response) => readStart(response, 0));
}

function callFor({ repository, signal }: Access, subject: string, actions: readonly ('pull' | 'push')[]) {
  const what = `read the index of what refers to ${subject} in ${formatRepository(repository)}`;
  const target = `${repository.name}/manifests/${subject.replace(':', '-')}`;
  return { what, target, repository, scopes: [scopeOf(repository.name, ...actions)], signal };
}

function filtered(manifests: readonly Descriptor[], artifactType: string | undefined): readonly Descriptor[] {
  return manifests.filter((each) => artifactType === undefined || each.artifactType === artifactType);
}
