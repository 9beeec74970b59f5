import { canonicalJson } from '../core';
import type { ImageConfigFile, RuntimeConfig } from '../oci';
import { same } from './config';
import { envEntries, envOf } from './env';
import { commonEntries, isPathList } from './search-paths';
import { flattenComponents, isKnownEmpty, withoutEmptyLayer } from './steps';
import { identityOf, layersOf, type Component, type ImageStep, type ImageVariant } from './variant';

/**
 * The nearest image that all components are, or stand on. It is known by its content, since each may have opened it by itself.
 * Images from outside often do not tell what they stand on; then it is what their layers have in common, and of its config it is
 * only known what is the same in all of them.
 */
export function sharedBase(components: readonly Component[]): ImageVariant | undefined {
  const [first, ...others] = components;
  if (first === undefined) return undefined;
  const identities = new Map<ImageVariant, string>();
  const identify = (variant: ImageVariant): string => {
    const known = identities.get(variant) ?? canonicalJson([variant.config, identitiesOf(variant)]);
    identities.set(variant, known);
    return known;
  };
  const lineages = others.map(({ variant }) => new Set(lineageOf(variant).map(identify)));
  const known = lineageOf(first.variant).find((candidate) =>
    lineages.every((lineage) => lineage.has(identify(candidate))),
  );
  if (known !== undefined) return known;
  const images = flattenComponents(components).map(({ variant }) => variant);
  return images.every((image) => lineageOf(image).at(-1)?.hasUnknownBase === true) ? inferBase(images) : undefined;
}

function lineageOf(variant: ImageVariant): readonly ImageVariant[] {
  const lineage: ImageVariant[] = [];
  for (let at: ImageVariant | undefined = variant; at !== undefined; at = at.base) lineage.push(at);
  return lineage;
}

/** Layers by identity, bottom to top, without known empty ones. */
function identitiesOf(variant: ImageVariant): readonly string[] {
  return layersOf(variant).flatMap((layer) => (isKnownEmpty(layer.diffId) ? [] : [identityOf(layer)]));
}

/** Reports whether the layers of an image begin with all those of another one. */
export function standsOn(variant: ImageVariant, base: ImageVariant): boolean {
  const layers = identitiesOf(variant);
  return identitiesOf(base).every((identity, at) => layers[at] === identity);
}

/** Reports whether two images are the same to whatever stands on them. Of an inferred one only the layers count. */
export function isSameBase(a: ImageVariant, b: ImageVariant): boolean {
  const isAnyInferred = a.isInferred === true || b.isInferred === true;
  return same(identitiesOf(a), identitiesOf(b)) && (isAnyInferred || same(a.config, b.config));
}

/** The steps that an image adds to those of its base. */
export function ownSteps(variant: ImageVariant, base: ImageVariant | undefined): readonly ImageStep[] {
  const [steps, below] = [variant, base].map((each) => (each?.steps ?? []).map(withoutEmptyLayer));
  if (steps === undefined || below === undefined) return [];
  const isAt = (at: number, step: ImageStep): boolean => isSameStep(steps[at], step);
  if (below.every((step, at) => isAt(at, step))) return steps.slice(below.length);
  // The history below was written differently: layers tell where it ends, and what is equal behind the last one.
  const shared = new Set(below.flatMap(({ layer }) => (layer === undefined ? [] : [identityOf(layer)])));
  const start = 1 + steps.findLastIndex(({ layer }) => layer !== undefined && shared.has(identityOf(layer)));
  const trailing = below.slice(1 + below.findLastIndex(({ layer }) => layer !== undefined));
  const differs = trailing.findIndex((step, at) => !isAt(start + at, step));
  return steps.slice(start + (differs === -1 ? trailing.length : differs));
}

function isSameStep(a: ImageStep | undefined, b: ImageStep): boolean {
  const [layer, other] = [a?.layer, b.layer];
  if (layer === undefined || other === undefined)
    return a !== undefined && layer === other && same(a.history, b.history);
  return identityOf(layer) === identityOf(other);
}

/**
 * The part of an image that its base is.
 * @param layers how many of its layers are the base's, known empty ones not counted
 * @param base its config file
 */
export function baseWithin(
  variant: ImageVariant,
  layers: number,
  { config = {}, history = [] }: Pick<ImageConfigFile, 'config' | 'history'>,
): ImageVariant {
  const steps = layers === 0 ? [] : stepsUpTo(variant, layers);
  const trailing = history.slice(1 + history.findLastIndex((entry) => entry.empty_layer !== true));
  const rest = variant.steps.slice(steps.length).map(withoutEmptyLayer);
  const differs = rest.findIndex((step, at) => step.layer !== undefined || !same(step.history, trailing[at]));
  const behind = rest.slice(0, differs === -1 ? rest.length : differs);
  return { platform: variant.platform, config, steps: [...steps, ...behind] };
}

/** What several images have in common from the bottom; undefined when that is no layer. */
function inferBase(images: readonly ImageVariant[]): ImageVariant | undefined {
  const [first, ...others] = images;
  if (first === undefined || others.length === 0) return undefined;
  const layers = others.map(identitiesOf);
  const count = identitiesOf(first).findIndex((identity, at) => layers.some((other) => other[at] !== identity));
  const shared = count === -1 ? identitiesOf(first).length : count;
  if (shared === 0) return undefined;
  const whole = images.find(
    (image) =>
      identitiesOf(image).length === shared && images.every((other) => other === image || isMadeOf(other, image)),
  );
  if (whole !== undefined) return whole;
  const steps = stepsUpTo(first, shared);
  const end = first.steps.slice(steps.length).map(withoutEmptyLayer);
  const common = end.findIndex(
    (step, at) =>
      step.layer !== undefined ||
      !others.every((other) =>
        isSameStep(other.steps.map(withoutEmptyLayer)[stepsUpTo(other, shared).length + at], step),
      ),
  );
  return {
    platform: first.platform,
    config: commonConfig(images.map(({ config }) => config)),
    steps: [...steps, ...end.slice(0, common === -1 ? end.length : common)],
    isInferred: true,
  };
}

/** Reports whether an image looks as if it was made from another one: its history goes on, and nothing inherited is lost. */
function isMadeOf(image: ImageVariant, from: ImageVariant): boolean {
  const steps = image.steps.map(withoutEmptyLayer);
  if (steps.length <= from.steps.length) return false;
  if (!from.steps.map(withoutEmptyLayer).every((step, at) => isSameStep(steps[at], step))) return false;
  const keysOf = ({ Env, Labels, ExposedPorts, Volumes }: RuntimeConfig): readonly string[] => [
    ...[...envOf(Env).keys()].map((key) => `Env ${key}`),
    ...Object.entries({ Labels, ExposedPorts, Volumes }).flatMap(([field, members]) =>
      Object.keys(members ?? {}).map((key) => `${field} ${key}`),
    ),
  ];
  const has = new Set(keysOf(image.config));
  return keysOf(from.config).every((key) => has.has(key));
}

/** The steps up to the nth layer, which is the last of them. */
function stepsUpTo(variant: ImageVariant, layers: number): readonly ImageStep[] {
  let left = layers;
  const at = variant.steps.findIndex(({ layer }) => {
    if (layer !== undefined && !isKnownEmpty(layer.diffId)) left -= 1;
    return left === 0;
  });
  return variant.steps.slice(0, at + 1).map(withoutEmptyLayer);
}

/** What is the same in all configs, value by value. */
function commonConfig([first = {}, ...others]: readonly RuntimeConfig[]): RuntimeConfig {
  const { Env, Labels, ExposedPorts, Volumes, ...whole } = first;
  const inAll = <T extends Readonly<Record<string, unknown>>>(
    members: T | undefined,
    of: (config: RuntimeConfig) => T | undefined,
  ): Partial<T> | undefined => {
    const kept = Object.entries(members ?? {}).filter(([key, value]) =>
      others.every((config) => same(of(config)?.[key], value)),
    );
    return kept.length === 0 ? undefined : (Object.fromEntries(kept) as Partial<T>);
  };
  const env = commonEnv(
    envOf(Env),
    others.map((config) => envOf(config.Env)),
  );
  const common = {
    ...inAll(whole, (config) => config),
    ...(env.length === 0 ? {} : { Env: env }),
    Labels: inAll(Labels, (config) => config.Labels),
    ExposedPorts: inAll(ExposedPorts, (config) => config.ExposedPorts),
    Volumes: inAll(Volumes, (config) => config.Volumes),
  };
  return Object.fromEntries(Object.entries(common).filter(([, value]) => value !== undefined));
}

function commonEnv(
  env: ReadonlyMap<string, string>,
  others: readonly ReadonlyMap<string, string>[],
): readonly string[] {
  const common = new Map<string, string>();
  for (const [key, value] of env) {
    const values = others.flatMap((other) => other.get(key) ?? []);
    if (values.length < others.length) continue;
    const entries = isPathList(key) ? commonEntries([value, ...values]) : '';
    if (values.every((other) => other === value)) common.set(key, value);
    else if (entries !== '') common.set(key, entries);
  }
  return envEntries(common);
}
