import { StackError } from '../core';
import { isDescriptor, isDigest, parseConfig, parseDocument, parseRuntimeConfig, type Platform } from '../oci';
import { parseCombining, type CombiningPlan } from '../plan';
import { sharedBase } from './base';
import type { AncestorRecord, CombinationRecord, ImageRecord, VariantRecord } from './component-record';
import { nest, placeOn } from './moved';
import { layersOf, stepsOf, type Component, type ImageStep, type ImageVariant } from './variant';

/** Images of one combination, combinations inside of it included; nobody has as many. */
const MAX_IMAGES = 128;
/** Wildcards of a rule. */
const MAX_STARS = 20;
/** Layers of one image: more is not mounted. */
const MAX_LAYERS = 127;
/** Steps of one image's history. */
const MAX_STEPS = 4096;

/**
 * Reads what the manifest of a combination records of it.
 * @param where names the image, for messages
 * @throws StackError STACK5030 when that is not what we write; STACK6005 when it is no JSON, or has a config that is none
 */
export function parseRecord(text: string, where: string): CombinationRecord {
  const record = membersOf(parseDocument(Buffer.from(text), where));
  if (record['version'] !== 3) throw unreadable(where, 'another version of cdk-stack wrote it');
  const how = parseCombining(record['how'] ?? {});
  if (how === undefined || !hasSimpleGlobs(how)) throw unreadable(where, 'how they are combined is not valid');
  const { base, images, components, ancestors } = record;
  const older = ancestors === undefined ? [] : ancestorsIn(ancestors, where);
  if (older.length > 0 && base === undefined) throw unreadable(where, 'it has no base');
  if (!Array.isArray(images)) throw unreadable(where, 'it has no images');
  if (images.length > MAX_IMAGES) throw unreadable(where, `it has more than ${String(MAX_IMAGES)} images`);
  const known = new Set<string>();
  const parsed = images.map((value): ImageRecord => {
    const image = parseImage(value, known, older.length, where);
    known.add(image.name);
    return image;
  });
  return {
    version: 3,
    ...(base === undefined ? {} : { base: variantOf(base, 0, where) }),
    ...(older.length === 0 ? {} : { ancestors: older }),
    images: parsed,
    components: namesIn(components, known, where),
    how,
  };
}

/** Whether no rule has a glob that could take forever to match: groups that repeat, or wildcards without end. */
function hasSimpleGlobs({ conflicts: { rules = [] } = {} }: CombiningPlan): boolean {
  return rules.every(({ match }) => match !== '' && !match.includes('(') && match.split('*').length <= MAX_STARS + 1);
}

/**
 * @param known names of the images before it
 * @param ancestors how many there are
 */
function parseImage(value: unknown, known: ReadonlySet<string>, ancestors: number, where: string): ImageRecord {
  const image = membersOf(value);
  const { name, digest, components, declared, base } = image;
  if (typeof name !== 'string' || name === '') throw unreadable(where, 'an image has no name');
  if (known.has(name)) throw unreadable(where, `two images are called '${name}'`);
  if (components === undefined) {
    if (!isDigest(digest)) throw unreadable(where, `'${name}' has no digest`);
    return { name, digest, ...variantOf(image, ancestors, where) };
  }
  const config = declared === undefined ? undefined : parseCombining({ config: declared })?.config;
  if (declared !== undefined && config === undefined) throw unreadable(where, `what '${name}' sets is not valid`);
  return {
    name,
    components: namesIn(components, known, where),
    ...(config === undefined ? {} : { declared: config }),
    ...(base === undefined ? {} : { base: variantOf(base, ancestors, where) }),
  };
}

function variantOf(value: unknown, ancestors: number, where: string): VariantRecord {
  const { config, steps, ancestor, hasUnknownBase } = membersOf(value);
  const common = {
    config: parseRuntimeConfig(config, where),
    steps: stepsIn(steps, where),
    ...(hasUnknownBase === true ? ({ hasUnknownBase } as const) : {}),
  };
  if (ancestor === undefined) return common;
  if (typeof ancestor === 'number' && Number.isInteger(ancestor) && ancestor >= 0 && ancestor < ancestors) {
    return { ...common, ancestor };
  }
  throw unreadable(where, 'an image was built on a base that is not there');
}

function stepsIn(value: unknown, where: string): readonly number[] {
  const isPosition = (at: unknown): boolean => Number.isSafeInteger(at) && (at as number) >= 0;
  if (!Array.isArray(value) || !value.every(isPosition)) throw unreadable(where, 'an image has no steps');
  if (value.length > MAX_STEPS) throw unreadable(where, `an image has more than ${String(MAX_STEPS)} steps`);
  return value as number[];
}

function ancestorsIn(value: unknown, where: string): readonly AncestorRecord[] {
  if (!Array.isArray(value) || value.length > MAX_IMAGES) throw unreadable(where, 'it has no bases');
  return value.map((each): AncestorRecord => {
    const { image, layers, isInferred, digest, name } = membersOf(each);
    if (!Array.isArray(layers) || layers.length > MAX_LAYERS || !layers.every(isDescriptor)) {
      throw unreadable(where, 'a base has no layers');
    }
    return {
      image: parseConfig(image, where, layers.length),
      layers,
      ...(isInferred === true ? { isInferred } : {}),
      ...(isDigest(digest) ? { digest } : {}),
      ...(typeof name === 'string' ? { name } : {}),
    };
  });
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
 * @throws StackError STACK5030 when it does not have a step that the record names; STACK5003, STACK5004
 */
export function componentsIn(
  record: CombinationRecord,
  image: Pick<ImageVariant, 'platform' | 'steps'>,
  where: string,
): { readonly base: ImageVariant | undefined; readonly components: readonly Component[] } {
  const reader = new RecordReader(record, image, where);
  const components = reader.components();
  return { base: reader.base ?? sharedBase(components), components };
}

class RecordReader {
  public readonly base: ImageVariant | undefined;
  private readonly ancestors: readonly ImageVariant[];

  public constructor(
    private readonly record: CombinationRecord,
    private readonly image: Pick<ImageVariant, 'platform' | 'steps'>,
    private readonly where: string,
  ) {
    const { platform } = image;
    this.base = record.base && { platform, config: record.base.config, steps: this.stepsAt(record.base.steps) };
    this.ancestors = (record.ancestors ?? []).map((each) => ancestorOf(each, platform));
  }

  public components(): readonly Component[] {
    const images = new Map<string, Component>();
    const named = (names: readonly string[]): readonly Component[] => names.flatMap((name) => images.get(name) ?? []);
    for (const each of this.record.images) {
      const variant =
        'digest' in each
          ? this.variantOf(each)
          : nest(
              named(each.components),
              each.declared,
              each.base === undefined ? this.base : this.variantOf(each.base),
            );
      images.set(each.name, { name: each.name, variant });
    }
    return named(this.record.components);
  }

  private variantOf({ config, steps, ancestor, hasUnknownBase }: VariantRecord): ImageVariant {
    const { base } = this;
    const whole = [...(base?.steps ?? []), ...this.stepsAt(steps)];
    const unknown = base === undefined && hasUnknownBase === true ? { hasUnknownBase } : {};
    const variant = { platform: this.image.platform, config, steps: whole, base, ...unknown };
    const from = ancestor === undefined ? undefined : this.ancestors[ancestor];
    return base === undefined || from === undefined ? variant : placeOn(base, variant, base, { base: from, config });
  }

  private stepsAt(positions: readonly number[]): readonly ImageStep[] {
    const steps = positions.map((at) => {
      const step = this.image.steps[at];
      if (step === undefined) throw unreadable(this.where, `it has no step ${String(at)}`);
      return step;
    });
    if (layersOf({ ...this.image, config: {}, steps }).length > MAX_LAYERS) {
      throw unreadable(this.where, `an image has more than ${String(MAX_LAYERS)} layers`);
    }
    return steps;
  }
}

function ancestorOf({ image, layers, isInferred, digest, name }: AncestorRecord, platform: Platform): ImageVariant {
  const listed = layers.map((descriptor, at) => ({ descriptor, diffId: image.rootfs.diff_ids[at] ?? '' }));
  return {
    platform,
    config: image.config ?? {},
    steps: stepsOf(listed, image.history ?? [], ''),
    ...(isInferred === undefined ? {} : { isInferred }),
    ...(digest === undefined ? {} : { reference: { digest, name } }),
  };
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function unreadable(where: string, why: string): StackError {
  return new StackError('STACK5030', `${where} has no usable record of its components: ${why}`, {
    hint: 'publish it again with this version of cdk-stack',
  });
}
