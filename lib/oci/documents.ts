import { messageOf, StackError } from '../core';
import { isDigest } from './digest';
import type { Descriptor, HistoryEntry, ImageConfigFile, Index, Manifest, Platform, RuntimeConfig } from './types';

/** Largest manifest, index or config accepted, in bytes: what distribution-spec asks registries to accept. */
export const MAX_DOCUMENT = 4 * 1024 * 1024;

/** Levels of a document; those of the specifications have fewer than ten. */
const MAX_DEPTH = 64;

type Members = Readonly<Record<string, unknown>>;

/**
 * The JSON of a document.
 * @param where names the document, for messages
 * @throws StackError STACK6005
 */
export function parseDocument(content: Buffer, where: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(content.toString('utf8'));
  } catch (error) {
    throw new StackError('STACK6005', `${where} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  if (isDeep(value)) throw invalid(where, `has more than ${String(MAX_DEPTH)} levels`);
  return value;
}

/** Whether something is nested so much that what walks it by recursion would run out of stack. */
function isDeep(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; depth <= MAX_DEPTH; depth += 1) {
    level = level.flatMap((each): unknown[] => (typeof each === 'object' && each !== null ? Object.values(each) : []));
    if (level.length === 0) return false;
  }
  return true;
}

/**
 * An image index. A document with both `manifests` and `layers` would mean two things at once (CVE-2021-41190).
 * @throws StackError STACK6005
 */
export function parseIndex(value: unknown, where: string): Index {
  const { manifests, layers } = membersOf(value);
  if (!Array.isArray(manifests) || layers !== undefined) throw invalid(where, 'is not an image index');
  for (const entry of manifests) requireDescriptor(entry, where);
  return value as Index;
}

/**
 * An image manifest.
 * @throws StackError STACK6005
 */
export function parseManifest(value: unknown, where: string): Manifest {
  const { config, layers, manifests } = membersOf(value);
  if (!Array.isArray(layers) || manifests !== undefined) throw invalid(where, 'is not an image manifest');
  for (const descriptor of [config, ...(layers as unknown[])]) requireDescriptor(descriptor, where);
  return value as Manifest;
}

/**
 * An image config. Members that are null, as Go programs write what is not set, are left out.
 * @param layers how many layers the manifest lists
 * @throws StackError STACK6005
 */
export function parseConfig(value: unknown, where: string, layers: number): ImageConfigFile {
  const members = membersOf(value);
  const { os, architecture, variant, rootfs, history, config } = members;
  if (typeof os !== 'string' || typeof architecture !== 'string' || !isAbsentOr(variant, isString)) {
    throw invalid(where, 'names no platform in its config');
  }
  const diffIds = membersOf(rootfs)['diff_ids'];
  if (!Array.isArray(diffIds) || !diffIds.every(isDigest) || diffIds.length !== layers) {
    throw invalid(where, `does not list one diffId for each of its ${String(layers)} layers in its config`);
  }
  return {
    ...(withoutNulls(members) as Partial<ImageConfigFile>),
    os,
    architecture,
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: parseHistory(history ?? [], where),
    config: parseRuntimeConfig(config ?? {}, where),
  };
}

/** Whether a value from outside has what every descriptor has, in the right form. */
export function isDescriptor(value: unknown): value is Descriptor {
  const { mediaType, digest, size, annotations, platform } = membersOf(value);
  return (
    isString(mediaType) &&
    isDigest(digest) &&
    Number.isSafeInteger(size) &&
    (size as number) >= 0 &&
    isAbsentOr(annotations, isStringMap) &&
    isAbsentOr(platform, isPlatform)
  );
}

function requireDescriptor(value: unknown, where: string): void {
  if (!isDescriptor(value)) throw invalid(where, 'has a descriptor without a valid media type, sha256 digest and size');
}

function parseHistory(value: unknown, where: string): readonly HistoryEntry[] {
  const isHistory =
    Array.isArray(value) &&
    value.every((entry) => isObject(entry) && isAbsentOr(entry['empty_layer'], (flag) => typeof flag === 'boolean'));
  if (!isHistory) throw invalid(where, 'has a history that is not a list of steps');
  return (value as Members[]).map(withoutNulls);
}

const RUNTIME_MEMBERS: { readonly [K in keyof RuntimeConfig]-?: (value: unknown) => boolean } = {
  User: isString,
  ExposedPorts: isObject,
  Env: isStringList,
  Entrypoint: isStringList,
  Cmd: isStringList,
  Volumes: isObject,
  WorkingDir: isString,
  Labels: isStringMap,
  StopSignal: isString,
  Healthcheck: isObject,
};

/**
 * The `config` member of an image config.
 * @throws StackError STACK6005
 */
export function parseRuntimeConfig(value: unknown, where: string): RuntimeConfig {
  if (!isObject(value)) throw invalid(where, 'has a config that is not an object');
  for (const [member, isValid] of Object.entries(RUNTIME_MEMBERS)) {
    if (!isAbsentOr(value[member], isValid)) throw invalid(where, `has a config with an invalid ${member}`);
  }
  return withoutNulls(value);
}

function invalid(where: string, what: string): StackError {
  return new StackError('STACK6005', `${where} ${what}`);
}

function membersOf(value: unknown): Members {
  return isObject(value) ? value : {};
}

function withoutNulls(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAbsentOr(value: unknown, isValid: (value: unknown) => boolean): boolean {
  return value === undefined || value === null || isValid(value);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isStringList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isString);
}

function isStringMap(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(isString);
}

function isPlatform(value: unknown): value is Platform {
  const { os, architecture, variant, 'os.features': features } = membersOf(value);
  return isString(os) && isString(architecture) && isAbsentOr(variant, isString) && isAbsentOr(features, isStringList);
}
