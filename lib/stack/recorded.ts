import { StackError } from '../core';
import { isDigest, parseDocument, parseRuntimeConfig } from '../oci';
import { parseCombining, type CombiningPlan } from '../plan';
import type { CombinationRecord, ImageRecord } from './component-record';
import { combineSteps } from './steps';
import type { Component, ImageStep, ImageVariant } from './variant';

/** Images of one combination, combinations inside of it included; nobody has as many. */
const MAX_IMAGES = 128;
/** Wildcards of a rule. */
const MAX_STARS = 20;
/** Layers of one image: more is not mounted. */
const MAX_LAYERS = 127;

/**
 * Reads what the manifest of a combination records of it.
 * @param where names the image, for messages
 * @throws StackError STACK5030 when that is not what we write; STACK6005 when it is no JSON, or has a config that is none
 */
export function parseRecord(text: string, where: string): CombinationRecord {
  const record = membersOf(parseDocument(Buffer.from(text), where));
  if (record['version'] !== 2) throw unreadable(where, 'another version of cdk-stack wrote it');
  const how = parseCombining(record['how'] ?? {});
  if (how === undefined || !hasSimpleGlobs(how)) throw unreadable(where, 'how they are combined is not valid');
  const { base, images, components } = record;
  if (!Array.isArray(images)) throw unreadable(where, 'it has no images');
  if (images.length > MAX_IMAGES) throw unreadable(where, `it has more than ${String(MAX_IMAGES)} images`);
  const known = new Set<string>();
  const parsed = images.map((value): ImageRecord => {
    const image = parseImage(value, known, where);
    known.add(image.name);
    return image;
  });
  return {
    version: 2,
    ...(base === undefined ? {} : { base: baseOf(base, where) }),
    images: parsed,
    components: namesIn(components, known, where),
    how,
  };
}

/** Whether no rule has a glob that could take forever to match: groups that repeat, or wildcards without end. */
function hasSimpleGlobs({ conflicts: { rules = [] } = {} }: CombiningPlan): boolean {
  return rules.every(({ match }) => match !== '' && !match.includes('(') && match.split('*').length <= MAX_STARS + 1);
}

/** @param known names of the images before it */
function parseImage(value: unknown, known: ReadonlySet<string>, where: string): ImageRecord {
  const { name, digest, config, diffIds, components } = membersOf(value);
  if (typeof name !== 'string' || name === '') throw unreadable(where, 'an image has no name');
  if (known.has(name)) throw unreadable(where, `two images are called '${name}'`);
  const common = { name, config: parseRuntimeConfig(config, where) };
  if (components !== undefined) return { ...common, components: namesIn(components, known, where) };
  if (!isDigest(digest)) throw unreadable(where, `'${name}' has no digest`);
  return { ...common, digest, diffIds: diffIdsIn(diffIds, where) };
}

function namesIn(value: unknown, known: ReadonlySet<string>, where: string): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) throw unreadable(where, 'a combination has no components');
  return value.map((name: unknown) => {
    if (typeof name === 'string' && known.has(name)) return name;
    throw unreadable(where, `a component is ${JSON.stringify(name)}, which is no image before it`);
  });
}

/**
 * The components of a combination, and what they share, out of the layers of the combination itself.
 * @throws StackError STACK5030 when it does not have a layer that the record names; STACK5003
 */
export function componentsIn(
  record: CombinationRecord,
  image: Pick<ImageVariant, 'platform' | 'steps'>,
  where: string,
): { readonly base: ImageVariant | undefined; readonly components: readonly Component[] } {
  const { platform } = image;
  const { leading, byDiffId } = groupsOf(image.steps);
  const stepsOf = (diffIds: readonly string[]): readonly ImageStep[] =>
    diffIds.flatMap((diffId) => {
      const steps = byDiffId.get(diffId);
      if (steps === undefined) throw unreadable(where, `it has no layer ${diffId}`);
      return steps;
    });
  const shared = record.base?.diffIds ?? [];
  const base = record.base && { platform, config: record.base.config, steps: [...leading, ...stepsOf(shared)] };
  const images = new Map<string, Component>();
  const named = (names: readonly string[]): readonly Component[] => names.flatMap((name) => images.get(name) ?? []);
  const variantOf = (each: ImageRecord): ImageVariant => {
    const { config } = each;
    if ('diffIds' in each) {
      return { platform, config, steps: [...leading, ...stepsOf([...shared, ...each.diffIds])], base };
    }
    const components = named(each.components);
    return { platform, config, steps: combineSteps(components), base, components };
  };
  for (const each of record.images) images.set(each.name, { name: each.name, variant: variantOf(each) });
  return { base, components: named(record.components) };
}

/** The steps of each layer with those without one that follow it, and those that come before all layers. */
function groupsOf(steps: readonly ImageStep[]): {
  readonly leading: readonly ImageStep[];
  readonly byDiffId: ReadonlyMap<string, readonly ImageStep[]>;
} {
  const leading: ImageStep[] = [];
  const byDiffId = new Map<string, ImageStep[]>();
  let group = leading;
  for (const step of steps) {
    if (step.layer !== undefined) {
      group = [];
      byDiffId.set(step.layer.diffId, group);
    }
    group.push(step);
  }
  return { leading, byDiffId };
}

function baseOf(value: unknown, where: string): NonNullable<CombinationRecord['base']> {
  const { config, diffIds } = membersOf(value);
  return { config: parseRuntimeConfig(config, where), diffIds: diffIdsIn(diffIds, where) };
}

function diffIdsIn(value: unknown, where: string): readonly string[] {
  if (!Array.isArray(value) || !value.every(isDigest)) throw unreadable(where, 'an image has no layers');
  const isBounded = value.length <= MAX_LAYERS && new Set(value).size === value.length;
  if (!isBounded) throw unreadable(where, `an image has more than ${String(MAX_LAYERS)} layers, or one twice`);
  return value;
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function unreadable(where: string, why: string): StackError {
  return new StackError('STACK5030', `${where} has no usable record of its components: ${why}`, {
    hint: 'publish it again with this version of cdk-stack',
  });
}
