import { lowerBound, StackError } from '../core';
import { shortDigest } from '../oci';
import type { Commute } from './commute';

/** One component as a sequence of layer identities, bottom to top. */
export interface Sequence {
  /** Names the component in messages. */
  readonly name: string;
  readonly layers: readonly string[];
}

/** "`below` is directly below `above` in the component `name`." */
interface Edge {
  readonly below: string;
  readonly above: string;
  readonly name: string;
}

/**
 * The order of the distinct layers of several components: every component's own order holds, each layer comes once.
 * A stable topological sort: of the layers that may come next, that of the first component comes, and of its layers the
 * lowest (stacking.md §1). A layer that one sequence has twice stays where it has it first.
 *
 * Laws: one component keeps its layers; a repeated one changes nothing; shared prefixes come first.
 * @param commute tells of which layers any order will do: of those the first component's is taken; default: of none
 * @throws StackError STACK5003 when components order the same layers in contradicting ways
 */
export function orderLayers(components: readonly Sequence[], commute?: Commute): string[] {
  const edges = components.flatMap(edgesOf);
  const order = sort(components, edges) ?? (commute && sort(components, compatibleEdges(components, commute)));
  if (order !== undefined) return order;
  throw contradiction(edges);
}

/** @returns undefined when edges contradict each other */
function sort(components: readonly Sequence[], edges: readonly Edge[]): string[] | undefined {
  const layers = [...new Set(components.flatMap((component) => component.layers))]; // by (component, position)
  const rank = new Map(layers.map((layer, position) => [layer, position]));
  const above = new Map<string, Set<string>>(layers.map((layer) => [layer, new Set()]));
  const waitingFor = new Map(layers.map((layer) => [layer, 0]));
  for (const edge of edges) {
    if (above.get(edge.below)?.has(edge.above) === true) continue;
    above.get(edge.below)?.add(edge.above);
    waitingFor.set(edge.above, (waitingFor.get(edge.above) ?? 0) + 1);
  }

  const ready = layers.filter((layer) => waitingFor.get(layer) === 0).reverse(); // the next one last
  const ordered: string[] = [];
  for (let layer = ready.pop(); layer !== undefined; layer = ready.pop()) {
    ordered.push(layer);
    for (const freed of above.get(layer) ?? []) {
      const count = (waitingFor.get(freed) ?? 0) - 1;
      waitingFor.set(freed, count);
      if (count === 0) insert(ready, freed, rank);
    }
  }
  return ordered.length === layers.length ? ordered : undefined;
}

/** What components want, without what earlier ones want the other way round, if that makes no difference. */
function compatibleEdges(components: readonly Sequence[], commute: Commute): Edge[] {
  const edges: Edge[] = [];
  const reached = new Map<string, Set<string>>(); // what is above a layer
  const isBelow = (below: string, above: string): boolean => reached.get(below)?.has(above) === true;
  const add = (edge: Edge): void => {
    const more = [edge.above, ...(reached.get(edge.above) ?? [])];
    for (const layer of [edge.below, ...[...reached.keys()].filter((each) => isBelow(each, edge.below))]) {
      const known = reached.get(layer) ?? new Set();
      reached.set(layer, known);
      for (const each of more) known.add(each);
    }
    edges.push(edge);
  };
  for (const { name, layers } of components) {
    const distinct = [...new Set(layers)];
    for (const [position, above] of distinct.entries()) {
      for (const below of distinct.slice(0, position).reverse()) {
        const isFree = isBelow(above, below) && commute(below, above);
        if (!isFree && !isBelow(below, above)) add({ below, above, name });
      }
    }
  }
  return edges;
}

function edgesOf({ name, layers }: Sequence): Edge[] {
  const distinct = [...new Set(layers)];
  return distinct.slice(1).map((above, position) => ({ below: distinct[position] ?? above, above, name }));
}

/** Keeps `ready` sorted by descending rank. */
function insert(ready: string[], layer: string, rank: ReadonlyMap<string, number>): void {
  const wanted = rank.get(layer) ?? 0;
  const place = lowerBound(ready.length, (at) => (rank.get(ready[at] ?? '') ?? 0) > wanted);
  ready.splice(place, 0, layer);
}

/** Names one circle: every layer in or above one waits for another such one, so walking down ends in a circle. */
function contradiction(edges: readonly Edge[]): StackError {
  const waiting = new Map(stuck(edges).map((edge) => [edge.above, edge]));
  const path: Edge[] = [];
  const visited = new Map<string, number>();
  let edge = waiting.values().next().value;
  while (edge !== undefined && !visited.has(edge.above)) {
    visited.set(edge.above, path.length);
    path.push(edge);
    edge = waiting.get(edge.below);
  }
  const circle = path.slice(edge === undefined ? 0 : visited.get(edge.above)).reverse();
  const claims = circle.map(
    ({ name, below, above }) => `'${name}' has ${shortDigest(below)} below ${shortDigest(above)}`,
  );
  return new StackError(
    'STACK5003',
    `the components order the same layers in contradicting ways: ${claims.join(', ')}`,
    {
      hint: 'build the components on one base in one order, or leave one of them out',
    },
  );
}

/** Edges that lead from what waits for something itself. */
function stuck(edges: readonly Edge[]): readonly Edge[] {
  const waiting = new Set(edges.map(({ above }) => above));
  const left = edges.filter(({ below }) => waiting.has(below));
  return left.length === edges.length ? edges : stuck(left);
}
