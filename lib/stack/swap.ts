import { canonicalJson, StackError } from '../core';
import { formatPlatform, samePlatform, type RuntimeConfig } from '../oci';
import { mergeConfigs } from './config';
import { combineSteps, isKnownEmpty } from './steps';
import { identityOf, layersOf, type Component, type ImageStep, type ImageVariant } from './variant';

/** An image that takes the place of another one. */
export interface Replacement {
  /** How messages name it. */
  readonly name: string;
  readonly variant: ImageVariant;
}

/**
 * A component of a combination, or of one inside of it.
 * @throws StackError STACK5031 when there is none of this name
 */
export function findComponent(components: readonly Component[], name: string): Component {
  const all = withNested(components);
  const found = all.get(name);
  if (found !== undefined) return found;
  throw new StackError('STACK5031', `the combination has no component '${name}'`, {
    hint: `it has ${[...all.keys()].join(', ')}`,
  });
}

/**
 * The components of a combination with another image in the place of one of them (stacking.md §7).
 * @param base what the components share
 * @throws StackError STACK5031 for a name that is none of theirs, STACK5001 for another platform, STACK5032 when it stands on
 *   something else, STACK5004 when a combination around it has its own value of what it changes
 */
export function swapComponent(
  components: readonly Component[],
  component: string,
  { name, variant }: Replacement,
  base: ImageVariant | undefined,
): readonly Component[] {
  const before = findComponent(components, component).variant;
  requirePlatform(name, variant, before);
  requireBase(name, variant, base);
  const configOf = (combination: Component): RuntimeConfig =>
    mergeConfigs(
      [
        { name: combination.name, config: combination.variant.config },
        { name, config: variant.config },
      ],
      before.config,
    );
  return mapImages(components, (each, parts) => {
    if (each.name === component) return { ...variant, base };
    if (parts.every((part, at) => part === each.variant.components?.[at])) return each.variant;
    return { ...each.variant, config: configOf(each), steps: combineSteps(parts), components: parts };
  });
}

/**
 * The components of a combination on another base: their own layers stay, and what their configs changed of the old base's.
 * @param isBase whether a component is the base itself, and goes with it
 * @throws StackError STACK5032 when they share no base, or one of them is all that they share; STACK5001 for another platform, STACK5004 when configs contradict each other
 */
export function rebaseComponents(
  components: readonly Component[],
  { name, variant }: Replacement,
  base: ImageVariant | undefined,
  isBase: (component: string) => boolean,
): readonly Component[] {
  if (base === undefined) throw new StackError('STACK5032', 'the components share no base that could be replaced');
  requirePlatform(name, variant, base);
  const old = new Set(layersOf(base).map(identityOf));
  const own = (steps: readonly ImageStep[]): readonly ImageStep[] =>
    steps.slice(1 + steps.findLastIndex(({ layer }) => layer !== undefined && old.has(identityOf(layer))));
  const configOn = (path: string, config: RuntimeConfig): RuntimeConfig =>
    mergeConfigs(
      [
        { name, config: variant.config },
        { name: path, config },
      ],
      base.config,
    );
  return mapImages(components, (component, parts) => {
    const { steps, config, components: combined } = component.variant;
    const rest = own(steps);
    const isShared =
      rest.every(({ layer }) => layer === undefined) && canonicalJson(config) === canonicalJson(base.config);
    if (combined === undefined && isShared && !isBase(component.name)) {
      throw new StackError('STACK5032', `'${component.name}' is itself what the components share, and would be lost`, {
        hint: 'deploy the app that made the combination, with its component on the other base',
      });
    }
    return {
      ...component.variant,
      config: configOn(component.name, config),
      steps: [...variant.steps, ...rest],
      base: variant,
      ...(combined === undefined ? {} : { components: parts }),
    };
  });
}

function requirePlatform(name: string, { platform }: ImageVariant, other: ImageVariant): void {
  if (samePlatform(platform, other.platform)) return;
  const [a, b] = [platform, other.platform].map(formatPlatform);
  throw new StackError('STACK5001', `'${name}' is for ${a ?? ''}, and the combination for ${b ?? ''}`, {
    hint: 'take an image for the same platform',
  });
}

function requireBase(name: string, variant: ImageVariant, base: ImageVariant | undefined): void {
  const layersIn = (image: ImageVariant): readonly string[] =>
    layersOf(image).flatMap((layer) => (isKnownEmpty(layer.diffId) ? [] : [identityOf(layer)]));
  const layers = layersIn(variant);
  const shared = base === undefined ? [] : layersIn(base);
  if (shared.every((identity, at) => layers[at] === identity)) return;
  throw new StackError('STACK5032', `'${name}' does not stand on the base that the components share`, {
    hint: 'build it on the same base, or move the whole combination to another one with stack rebase',
  });
}

/** By name, with those of combinations inside. */
function withNested(
  components: readonly Component[],
  known = new Map<string, Component>(),
): ReadonlyMap<string, Component> {
  for (const component of components) {
    if (known.has(component.name)) continue;
    known.set(component.name, component);
    withNested(component.variant.components ?? [], known);
  }
  return known;
}

/**
 * Components with each image of theirs replaced, combinations after what they combine. An image that comes several times stays
 * one image; a component whose variant stays is itself.
 */
function mapImages(
  components: readonly Component[],
  map: (component: Component, parts: readonly Component[]) => ImageVariant,
): readonly Component[] {
  const known = new Map<string, Component>();
  const mapped = (component: Component): Component => {
    const done = known.get(component.name);
    if (done !== undefined) return done;
    const variant = map(component, (component.variant.components ?? []).map(mapped));
    const made = variant === component.variant ? component : { name: component.name, variant };
    known.set(component.name, made);
    return made;
  };
  return components.map(mapped);
}
