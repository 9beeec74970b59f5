import { errnoOf, StackError } from '../core';
import {
  digestOf,
  formatReference,
  isDescriptor,
  isSupportedDigest,
  MAX_DOCUMENT,
  MEDIA_TYPE,
  parseDocument,
  type Descriptor,
  type Reference,
} from '../oci';
import type { Access } from './access';
import { digestLike } from './digests';
import { RequestFailure } from './failure';
import { readBody, readStart, type HttpResponse } from './http';
import { printableText } from './printable';
import { scopeOf, type Action } from './scopes';

/** A manifest or index as the registry has it, byte for byte. */
export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly content: Buffer;
  /** The JSON in it. */
  readonly document: unknown;
}

/** A manifest or index to be published. */
export interface ManifestSource {
  readonly mediaType: string;
  readonly content: Buffer;
}

/** Everything we can read; a registry may change what it has into the first kind it finds here. */
const ACCEPT = [MEDIA_TYPE.index, MEDIA_TYPE.manifest, MEDIA_TYPE.dockerIndex, MEDIA_TYPE.dockerManifest].join(', ');

/** Name of a manifest in its repository: a digest where there is one. */
function targetOf({ name, tag, digest }: Reference): string {
  return `${name}/manifests/${digest ?? tag ?? 'latest'}`;
}

/**
 * The digest that a manifest has in the registry; undefined when it is not there.
 * @param actions what a token must allow; with `push` a refusal counts as not there, as some registries refuse to say so (RTFACT-13797)
 */
export async function findManifest(
  access: Access,
  reference: Reference,
  actions: readonly Action[] = ['pull'],
): Promise<Descriptor | undefined> {
  const absent = actions.includes('push') ? [403, 404] : [404];
  const what = `look for '${formatReference(reference)}'`;
  const head = {
    ...callFor(access, reference, actions, what),
    method: 'HEAD' as const,
    expected: [200, 403, 404, 405], // what is refused is asked for once more: only an answer with a body says why
  };
  const answer = await access.host.send(head, async (response) => {
    await readStart(response, 0);
    if (absent.includes(response.status)) return 'absent';
    return descriptorOf(response, reference) ?? 'unclear';
  });
  if (answer === 'absent') return undefined;
  if (answer !== 'unclear') return answer;
  const get = { ...callFor(access, reference, actions, what), method: 'GET' as const, expected: [200, ...absent] };
  return access.host.send(get, async (response) => {
    if (response.status === 200) return (await parseAnswer(response, reference)).descriptor;
    await readStart(response, 0);
    return undefined;
  });
}

/**
 * Reads a manifest or index, at most 4 MiB.
 * @throws StackError STACK6107, STACK6109, STACK6005 and those of any request
 */
export async function readManifest(access: Access, reference: Reference): Promise<FetchedManifest> {
  const call = callFor(access, reference, ['pull'], `read '${formatReference(reference)}'`);
  return access.host.send({ ...call, method: 'GET', expected: [200] }, (response) => parseAnswer(response, reference));
}

/** What a registry said about a manifest it took. */
export interface PutAnswer {
  /** The subject it has noted the manifest under; undefined when it does not know of referrers. */
  readonly subject: string | undefined;
}

/**
 * Publishes a manifest under its digest or under a tag.
 * @throws StackError STACK6109 when the registry has understood something else; those of any request
 */
export async function putManifest(access: Access, reference: Reference, manifest: ManifestSource): Promise<PutAnswer> {
  const expected = reference.digest ?? digestOf(manifest.content);
  const call = {
    ...callFor(access, reference, ['pull', 'push'], `publish '${formatReference(reference)}'`),
    method: 'PUT' as const,
    expected: [201, 202],
    headers: { 'content-type': manifest.mediaType },
    body: manifest.content,
  };
  return access.host.send(call, async (response) => {
    await readStart(response, MAX_DOCUMENT);
    const digest = response.header('docker-content-digest');
    if (digest !== undefined && isSameAlgorithm(digest, expected) && digest !== expected) {
      throw new RequestFailure(
        'STACK6109',
        `'${formatReference(reference)}' became ${printableText(digest)} instead of ${expected}`,
      );
    }
    return { subject: response.header('oci-subject') };
  });
}

function callFor({ repository, signal }: Access, reference: Reference, actions: readonly Action[], what: string) {
  return {
    what,
    target: targetOf(reference),
    repository,
    scopes: [scopeOf(repository.name, ...actions)],
    headers: { accept: ACCEPT },
    signal,
  };
}

/** What the headers of an answer say, if they say all. */
function descriptorOf(response: HttpResponse, { digest }: Reference): Descriptor | undefined {
  const descriptor = {
    mediaType: mediaTypeOf(response) ?? '',
    digest: response.header('docker-content-digest') ?? digest,
    size: Number(response.header('content-length') ?? Number.NaN),
  };
  if (response.status !== 200 || descriptor.mediaType === '' || !isDescriptor(descriptor)) return undefined;
  return digest === undefined || descriptor.digest === digest ? descriptor : undefined;
}

async function parseAnswer(response: HttpResponse, reference: Reference): Promise<FetchedManifest> {
  const where = `'${formatReference(reference)}'`;
  const content = await readBody(response, MAX_DOCUMENT).catch((error: unknown) => {
    throw errnoOf(error) === undefined && StackError.is(error) && error.code === 'STACK6110'
      ? tooLarge(where, error)
      : error;
  });
  checkDigest(content, response.header('docker-content-digest'), reference.digest, where);
  const document = parseDocument(content, where);
  const { mediaType: inside, manifests, layers } = (document ?? {}) as Readonly<Record<string, unknown>>;
  const mediaType = mediaTypeOf(response) ?? inside;
  if (typeof mediaType !== 'string' || (inside !== undefined && inside !== mediaType)) {
    throw invalid(
      where,
      `is sent as ${printableText(String(mediaType))} but says it is ${printableText(String(inside))}`,
    );
  }
  // One document that is an index to one reader and an image to another (CVE-2021-41190).
  if (manifests !== undefined && layers !== undefined) throw invalid(where, 'has both manifests and layers');
  return {
    descriptor: { mediaType, digest: reference.digest ?? digestOf(content), size: content.length },
    content,
    document,
  };
}

function checkDigest(content: Buffer, told: string | undefined, wanted: string | undefined, where: string): void {
  for (const expected of [wanted, told]) {
    if (expected === undefined || !isSupportedDigest(expected)) continue;
    const actual = digestLike(expected, content);
    if (actual !== expected) {
      throw new RequestFailure('STACK6109', `${where} came with the digest ${actual} instead of ${expected}`, {
        hint: 'it is corrupted in the registry or on the way; publish it again, or look at proxies in between',
      });
    }
  }
}

function isSameAlgorithm(a: string, b: string): boolean {
  return a.split(':')[0] === b.split(':')[0];
}

function mediaTypeOf(response: HttpResponse): string | undefined {
  return response.header('content-type')?.split(';')[0]?.trim().toLowerCase();
}

function tooLarge(where: string, cause: StackError): StackError {
  return new StackError(
    'STACK6005',
    `${where} has more than ${String(MAX_DOCUMENT)} bytes, the most that is accepted`,
    { cause },
  );
}

function invalid(where: string, why: string): StackError {
  return new StackError('STACK6005', `${where} ${why}`);
}
