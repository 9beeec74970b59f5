import { StackError } from '../core';
import { shortDigest } from '../oci';

/** One component as a sequence of layer identities, bottom to top. */
export interface Sequence {
  /** Names the component in messages. */
  readonly name: string;
  readonly layers: readonly string[];
}

/**
 * The order of the distinct layers of several components: every component's own order holds, each layer comes once.
 * A stable topological sort, ties broken by component, then by position in it (stacking.md §1).
 *
 * Laws: one component keeps its layers; a repeated one changes nothing; shared prefixes come first.
 * @throws StackError STACK5003 when two components order the same layers in contradicting ways
 */
export function orderLayers(components: readonly Sequence[]): string[] {
  const below = new Map<string, Set<string>>();
  for (const { layers } of components) {
    layers.forEach((layer, position) => {
      const needed = below.get(layer) ?? new Set<string>();
      below.set(layer, needed);
      const previous = layers[position - 1];
      if (previous !== undefined && previous !== layer) needed.add(previous);
    });
  }
  const ordered = new Set<string>();
  const candidates = [...below.keys()]; // insertion order is (component, position)
  while (ordered.size < candidates.length) {
    const next = candidates.find(
      (layer) => !ordered.has(layer) && [...(below.get(layer) ?? [])].every((needed) => ordered.has(needed)),
    );
    if (next === undefined)
      throw contradiction(
        components,
        candidates.filter((layer) => !ordered.has(layer)),
      );
    ordered.add(next);
  }
  return [...ordered];
}

function contradiction(components: readonly Sequence[], stuck: readonly string[]): StackError {
  const involved = components.filter(({ layers }) => layers.filter((layer) => stuck.includes(layer)).length > 1);
  const shown = involved.map(
    ({ name, layers }) =>
      `${name}: ${layers
        .filter((layer) => stuck.includes(layer))
        .map(shortDigest)
        .join(' < ')}`,
  );
  return new StackError(
    'STACK5003',
    `the components put the same layers in contradicting orders (${shown.join('; ')})`,
    {
      hint: 'build the components on one base in one order, or leave one of them out',
    },
  );
}
