import { StackError } from '../core';
import type { ImagePlan, Plan } from './schema';

/** What each node needs, by key. */
export type Graph = ReadonlyMap<string, readonly string[]>;

/** Keys of the images an image needs before it can be built: sorted, each once. */
export function dependenciesOf(image: ImagePlan): string[] {
  return [...new Set([...usedBy(image), ...(image.dependsOn ?? [])])].sort();
}

/**
 * Keys of all images, each after everything it needs; otherwise in the order of the keys, so equal plans give equal orders.
 * Keys that are not in the plan are passed over; the loader refuses them.
 * @throws STACK2005 when images need each other in a circle.
 */
export function order({ images }: Pick<Plan, 'images'>): string[] {
  const walked = walk(graphOf(images));
  const cycle = walked.cycles[0];
  if (cycle !== undefined) throw cycleError(cycle);
  return walked.order;
}

/**
 * The circles of a graph, each as its keys in order. Circles that share a key with one already found are left out:
 * breaking the first often breaks them too, and there can be exponentially many.
 */
export function findCycles(graph: Graph): string[][] {
  return walk(graph).cycles;
}

/** The error for one circle, which prints as `a -> b -> a`. */
export function cycleError(cycle: readonly string[], source?: string): StackError {
  return new StackError('STACK2005', `images need each other in a circle: ${[...cycle, cycle[0]].join(' -> ')}`, {
    constructPath: cycle[0],
    source,
    hint: 'remove one of these uses: a base, a component, an imported file or a node.addDependency()',
  });
}

/** The graph of a plan's images. */
export function graphOf(images: Plan['images']): Graph {
  return new Map(Object.entries(images).map(([key, image]) => [key, dependenciesOf(image)]));
}

function usedBy(image: ImagePlan): string[] {
  switch (image.type) {
    case 'layer':
      return [
        ...(image.from.type === 'image' ? [image.from.image] : []),
        ...[
          ...(image.from.type === 'tar' ? [image.from.file] : []),
          ...image.imports.map((each) => each.source),
        ].flatMap((file) => (file.type === 'image-file' ? [file.image] : [])),
      ];
    case 'stacked-image':
      return image.components;
    case 'debian-packages':
      return [];
  }
}

/** One node on the way from a root to the node being visited. */
interface Step {
  readonly key: string;
  readonly needs: readonly string[];
  next: number;
}

/** Depth-first over all nodes, with a stack of its own: a plan from outside may be deeper than the call stack. */
function walk(graph: Graph): { order: string[]; cycles: string[][] } {
  const done = new Set<string>();
  const depth = new Map<string, number>();
  const inCycle = new Set<string>();
  const cycles: string[][] = [];
  for (const root of [...graph.keys()].sort()) {
    const steps: Step[] = [];
    const enter = (key: string): void => {
      depth.set(key, steps.length);
      steps.push({ key, needs: graph.get(key) ?? [], next: 0 });
    };
    if (!done.has(root)) enter(root);
    for (let step = steps.at(-1); step !== undefined; step = steps.at(-1)) {
      const need = step.needs[step.next++];
      if (need === undefined) {
        steps.pop();
        depth.delete(step.key);
        done.add(step.key);
      } else if (depth.has(need)) {
        const cycle = steps.slice(depth.get(need)).map((each) => each.key);
        if (!cycle.some((key) => inCycle.has(key))) cycles.push(cycle);
        for (const key of cycle) inCycle.add(key);
      } else if (graph.has(need) && !done.has(need)) {
        enter(need);
      }
    }
  }
  return { order: [...done], cycles };
}
