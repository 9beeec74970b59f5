import { StackError } from '../core';
import { formatPlatform, samePlatform } from '../oci';
import { isSameBase, ownSteps, standsOn } from './base';
import { same } from './config';
import { nest, placeOn } from './moved';
import { flattenComponents } from './steps';
import { layersOf, type Component, type ImageVariant } from './variant';

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
 *   something else, STACK5004 when a combination around it contradicts itself with it
 */
export function swapComponent(
  components: readonly Component[],
  component: string,
  { name, variant }: Replacement,
  base: ImageVariant | undefined,
): readonly Component[] {
  requirePlatform(name, variant, findComponent(components, component).variant);
  const placed = placeReplacement(name, variant, base, originsOf(components));
  return mapImages(components, (each, parts) => {
    if (each.name === component) return placed;
    if (parts.every((part, at) => part === each.variant.components?.[at])) return each.variant;
    const shared = each.variant.base;
    const isShared = shared !== undefined && flattenComponents(parts).every((part) => standsOn(part.variant, shared));
    return nest(parts, each.variant.declared, isShared ? shared : base);
  });
}

/**
 * The components of a combination on another base: their own layers stay, and what their configs changed of the base they were
 * built on. What that base was is remembered, so how often they are moved makes no difference.
 * @param isBase whether a component is the base itself, and goes with it
 * @throws StackError STACK5032 when they share no base, or one of them is all that they share; STACK5001 for another platform
 */
export function rebaseComponents(
  components: readonly Component[],
  { name, variant: to }: Replacement,
  base: ImageVariant | undefined,
  isBase: (component: string) => boolean,
): readonly Component[] {
  if (base === undefined) throw new StackError('STACK5032', 'the components share no base that could be replaced');
  requirePlatform(name, to, base);
  if (isSameBase(base, to)) return components;
  const move = (variant: ImageVariant): ImageVariant =>
    placeOn(to, variant, base, variant.builtOn ?? { base, config: variant.config });
  return mapImages(components, (component, parts) => {
    const { variant } = component;
    if (variant.components !== undefined) {
      const shared = variant.base === undefined || isSameBase(variant.base, base) ? to : move(variant.base);
      return nest(parts, variant.declared, shared);
    }
    if (isBase(component.name)) return to;
    requireOwnChange(component, base);
    return move(variant);
  });
}

/** A component that is all that the others stand on would be lost with it. */
function requireOwnChange({ name, variant }: Component, base: ImageVariant): void {
  const hasLayers = ownSteps(variant, base).some(({ layer }) => layer !== undefined);
  const config = variant.builtOn?.config ?? variant.config;
  if (hasLayers || !same(config, (variant.builtOn?.base ?? base).config)) return;
  throw new StackError('STACK5032', `'${name}' is itself what the components share, and would be lost`, {
    hint: 'deploy the app that made the combination, with its component on the other base',
  });
}

/** The bases that components were built on before they were moved. */
function originsOf(components: readonly Component[]): readonly ImageVariant[] {
  return flattenComponents(components).flatMap(({ variant }) => variant.builtOn?.base ?? []);
}

/** An image that takes the place of a component may stand on what all share now, or on what one of them was built on. */
function placeReplacement(
  name: string,
  variant: ImageVariant,
  base: ImageVariant | undefined,
  origins: readonly ImageVariant[],
): ImageVariant {
  if (base === undefined) return variant;
  const [nearest] = [base, ...origins]
    .filter((each) => standsOn(variant, each))
    .sort((a, b) => layersOf(b).length - layersOf(a).length);
  if (base.isInferred === true) return variant;
  if (nearest !== undefined) return placeOn(base, variant, nearest, { base: nearest, config: variant.config });
  throw new StackError('STACK5032', `'${name}' does not stand on the base that the components share`, {
    hint: 'build it on the same base, or move the whole combination to another one with stack rebase',
  });
}

function requirePlatform(name: string, { platform }: ImageVariant, other: ImageVariant): void {
  if (samePlatform(platform, other.platform)) return;
  const [a, b] = [platform, other.platform].map(formatPlatform);
  throw new StackError('STACK5001', `'${name}' is for ${a ?? ''}, and the combination for ${b ?? ''}`, {
    hint: 'take an image for the same platform',
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
