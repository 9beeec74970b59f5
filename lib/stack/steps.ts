import { canonicalJson } from '../core';
import { digestOf } from '../oci';
import type { Commute } from './commute';
import { orderLayers, type Sequence } from './order';
import { identityOf, type Component, type ImageStep, type ImageVariant } from './variant';

/** Tars without entries, as Docker (two zero blocks) and GNU tar (one record of 20) end them. */
const EMPTY_TARS: ReadonlySet<string> = new Set([1024, 10_240].map((size) => digestOf(Buffer.alloc(size))));

/** Whether a layer is one that combinations leave out. */
export function isKnownEmpty(diffId: string): boolean {
  return EMPTY_TARS.has(diffId);
}

/**
 * The steps of a combination: every layer once, in the common order, as the first component that has it lists it; the steps
 * without a layer that follow it in any component stay behind it. Known empty layers become such steps.
 *
 * Combinations among the components count as what they combine: stack(stack(a, b), c) = stack(a, b, c).
 * @param commute as {@link orderLayers} has it
 * @throws StackError STACK5003 when components order the same layers in contradicting ways
 */
export function combineSteps(components: readonly Component[], commute?: Commute): readonly ImageStep[] {
  const leading = new StepGroup();
  const groups = new Map<string, StepGroup>();
  const sequences = flattenComponents(components).map(({ name, variant }): Sequence => {
    const layers: string[] = [];
    let group = leading;
    let empty: ImageStep[] = [];
    for (const step of variant.steps.map(withoutEmptyLayer)) {
      if (step.layer === undefined) {
        empty.push(step);
        continue;
      }
      group.addEmpty(empty);
      empty = [];
      const identity = identityOf(step.layer);
      layers.push(identity);
      group = groups.get(identity) ?? new StepGroup(step);
      groups.set(identity, group);
    }
    group.addEmpty(empty);
    return { name, layers };
  });
  const ordered = orderLayers(sequences, commute).flatMap((identity) => groups.get(identity)?.steps ?? []);
  return [...leading.steps, ...ordered];
}

/** A layer's step and what follows it; without one, what comes before all layers. */
class StepGroup {
  public readonly steps: ImageStep[];
  private readonly known = new Set<string>();

  public constructor(layerStep?: ImageStep) {
    this.steps = layerStep === undefined ? [] : [layerStep];
  }

  /** Adds the empty steps of one component, without those that another one had too. */
  public addEmpty(steps: readonly ImageStep[]): void {
    const texts = steps.map((step) => canonicalJson(step));
    this.steps.push(...steps.filter((_, position) => !this.known.has(texts[position] ?? '')));
    for (const text of texts) this.known.add(text);
  }
}

/** A step as combinations and other formats have it: none of them lists a known empty layer. */
export function withoutEmptyLayer(step: ImageStep): ImageStep {
  if (step.layer === undefined || !isKnownEmpty(step.layer.diffId)) return step;
  return { history: { ...step.history, empty_layer: true } };
}

/** Components with each combination replaced by its own, each image once: a further time would change nothing. */
export function flattenComponents(components: readonly Component[]): readonly Component[] {
  const seen = new Set<ImageVariant>();
  const flat: Component[] = [];
  const todo = [...components].reverse();
  for (let component = todo.pop(); component !== undefined; component = todo.pop()) {
    const { variant } = component;
    if (seen.has(variant)) continue;
    seen.add(variant);
    if (variant.components === undefined) flat.push(component);
    else todo.push(...[...variant.components].reverse());
  }
  return flat;
}
