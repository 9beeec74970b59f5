import { redactReference, StackError } from '../core';
import { isSupportedDigest } from './digest';
import { isImageName, isTag, MAX_NAME_LENGTH } from './names';

/** A repository: the registry's host with its port, and the name in it. */
export interface Repository {
  /** Such as `docker.io`, `ghcr.io` or `localhost:5000`, in lower case. */
  readonly registry: string;
  /** Such as `library/debian`. */
  readonly name: string;
}

/** An image in a registry, by tag or by digest. The digest counts where both are there. */
export interface Reference extends Repository {
  readonly tag?: string | undefined;
  readonly digest?: string | undefined;
}

const HOST =
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/;
const DOCKER_HUB = 'docker.io';
/** Other names of Docker Hub; credentials are stored under some of them. */
const HUB_HOSTS: ReadonlySet<string> = new Set([DOCKER_HUB, 'index.docker.io', 'registry-1.docker.io']);

/**
 * Reads `[HOST[:PORT]/]NAME[:TAG][@DIGEST]` as Docker does: without a host it is Docker Hub's, without tag and digest `latest`.
 * @throws StackError STACK6101
 */
export function parseReference(text: string): Reference {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  // A digest that is none may be the host behind a password, of which no part is shown.
  if (digest !== undefined && !/^sha(256|512):/.test(digest)) {
    throw new StackError('STACK6101', 'a reference to an image has something behind an @ that is not a digest', {
      hint: 'write HOST/NAME@sha256:…; a name and a password are no part of a reference',
    });
  }
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  const repository = parseRepository(colon < 0 ? named : named.slice(0, colon));
  if (digest !== undefined && !isSupportedDigest(digest)) {
    throw invalid(text, 'its digest is not sha256: with 64 or sha512: with 128 lowercase hex characters');
  }
  if (tag !== undefined && !isTag(tag)) throw invalid(text, `'${tag}' is not a tag`);
  return { ...repository, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest };
}

/** Reports whether a text is the host of a registry, with or without a port. */
export function isHost(text: string): boolean {
  return HOST.test(text.toLowerCase());
}

/**
 * Reads `[HOST[:PORT]/]NAME`.
 * @throws StackError STACK6101
 */
export function parseRepository(text: string): Repository {
  const slash = text.indexOf('/');
  const first = slash < 0 ? '' : text.slice(0, slash);
  const hasHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const host = hasHost ? first.toLowerCase() : DOCKER_HUB;
  const path = hasHost ? text.slice(slash + 1) : text;
  const registry = registryOfHost(host);
  const name = registry === DOCKER_HUB && !path.includes('/') ? `library/${path}` : path;
  if (!HOST.test(registry)) throw invalid(text, `'${first}' is not a host`);
  if (!isImageName(name)) throw invalid(text, `'${path}' is not a repository's name`);
  if (registry.length + 1 + name.length > MAX_NAME_LENGTH) {
    throw invalid(text, `host and name have more than ${String(MAX_NAME_LENGTH)} characters`);
  }
  return { registry, name };
}

/** `HOST/NAME[:TAG][@DIGEST]`, with nothing left out. */
export function formatReference(reference: Reference): string {
  const { tag, digest } = reference;
  return `${formatRepository(reference)}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** `HOST/NAME`. */
export function formatRepository({ registry, name }: Repository): string {
  return `${registry}/${name}`;
}

/** The host that answers a registry's requests; Docker Hub's is another one than its name. */
export function apiHost(registry: string): string {
  return registry === DOCKER_HUB ? 'registry-1.docker.io' : registry;
}

/** The registry a host belongs to: Docker Hub for every one of its hosts. */
export function registryOfHost(host: string): string {
  const lower = host.toLowerCase();
  return HUB_HOSTS.has(lower) ? DOCKER_HUB : lower;
}

function invalid(text: string, why: string): StackError {
  return new StackError('STACK6101', `'${redactReference(text)}' is not a reference to an image: ${why}`, {
    hint: 'write HOST/NAME:TAG or HOST/NAME@sha256:…, names in lower case',
  });
}
