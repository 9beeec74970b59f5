import { StackError } from '../core';
import { isDigest, parseDocument, parseRuntimeConfig } from '../oci';
import { parseCombining } from '../plan';
import type { CombinationRecord, ComponentRecord } from './component-record';
import { combineSteps, isKnownEmpty } from './steps';
import type { Component, ImageStep, ImageVariant } from './variant';

/** Components of one combination, nested ones included; nobody has as many. */
const MAX_COMPONENTS = 1000;
const MAX_DEPTH = 20;

/**
 * Reads what the manifest of a combination records of it.
 * @param where names the image, for messages
 * @throws StackError STACK5030 when that is not what we write
 */
export function parseRecord(text: string, where: string): CombinationRecord {
  const record = membersOf(parseDocument(Buffer.from(text), where));
  if (record['version'] !== 1) throw unreadable(where, 'another version of cdk-stack wrote it');
  const how = parseCombining(record['how'] ?? {});
  if (how === undefined) throw unreadable(where, 'how they are combined is not valid');
  const names = new Set<string>();
  const componentOf = (value: unknown, depth: number): ComponentRecord => {
    const { name, digest, config, diffIds, components } = membersOf(value);
    if (typeof name !== 'string' || names.has(name) || !isDigest(digest))
      throw unreadable(where, 'a component has no name');
    names.add(name);
    if (depth > MAX_DEPTH || names.size > MAX_COMPONENTS) throw unreadable(where, 'there are too many components');
    const common = { name, digest, config: parseRuntimeConfig(config, where) };
    if (Array.isArray(components)) {
      return { ...common, components: components.map((each) => componentOf(each, depth + 1)) };
    }
    return { ...common, diffIds: diffIdsIn(diffIds, where) };
  };
  const { base, components } = record;
  if (!Array.isArray(components) || components.length === 0) throw unreadable(where, 'it has no components');
  return {
    version: 1,
    ...(base === undefined ? {} : { base: baseOf(base, where) }),
    components: components.map((each) => componentOf(each, 0)),
    how,
  };
}

/**
 * The components of a combination, and what they share, out of the layers of the combination itself.
 * @throws StackError STACK5030 when it does not have a layer that the record names
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
      if (steps === undefined && !isKnownEmpty(diffId)) throw unreadable(where, `it has no layer ${diffId}`);
      return steps ?? [];
    });
  const shared = record.base?.diffIds ?? [];
  const base = record.base && { platform, config: record.base.config, steps: [...leading, ...stepsOf(shared)] };
  const componentOf = ({ name, config, diffIds = [], components }: ComponentRecord): Component => {
    if (components === undefined) {
      const steps = [...leading, ...stepsOf([...shared, ...diffIds])];
      return { name, variant: { platform, config, steps, base } };
    }
    const parts = components.map(componentOf);
    return { name, variant: { platform, config, steps: combineSteps(parts), base, components: parts } };
  };
  return { base, components: record.components.map(componentOf) };
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
  if (!Array.isArray(value) || !value.every(isDigest)) throw unreadable(where, 'a component has no layers');
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
