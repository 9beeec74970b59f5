import { canonicalJson } from '../../core';
import { digestOf, hexOf } from '../../oci';
import { ID_LANES, order, type ImagePlan, type LayerPlan, type Plan } from '../../plan';

type Images = Plan['images'];

/** Where an image stands. */
interface Standing {
  /** What is at the very bottom: sources outside of the app, and images that stand on nothing. */
  readonly roots: ReadonlySet<string>;
  /** Keys of all images below. */
  readonly below: ReadonlySet<string>;
}

/** A layer with a script. */
interface Runner extends Standing {
  readonly key: string;
  readonly plan: LayerPlan;
}

/** What layers with scripts have in common. */
interface Base {
  readonly runners: Runner[];
  readonly taken: Set<number>;
}

/**
 * Gives each layer whose script could add the same system ids as another one's a range of its own.
 *
 * Those are the layers that stand on a common base, are not on top of each other, and are part of a published image. Which lane
 * it is comes from the layer's name alone (its script depends on that anyway), so other layers come and go without a change; where
 * two names want one lane, the later construct path gets the next one that is free. When all are taken some get the same: stacking
 * them tells if that did harm.
 * @param images without circles
 */
export function withIdLanes(images: Images): Images {
  const runners = runnersOf(images);
  const bases = new Map<string, Base>();
  for (const runner of runners) {
    for (const root of runner.roots) {
      const base = bases.get(root) ?? { runners: [], taken: new Set() };
      bases.set(root, base);
      base.runners.push(runner);
      if (typeof runner.plan.idLane === 'number') base.taken.add(runner.plan.idLane);
    }
  }
  const result: Record<string, ImagePlan> = { ...images };
  for (const runner of runners) {
    const { key, plan, roots } = runner;
    const standsOn = [...roots].flatMap((root) => bases.get(root) ?? []);
    const hasSibling = standsOn.some((base) => base.runners.some((other) => areSiblings(runner, other)));
    if (!hasSibling || plan.idLane !== undefined) continue;
    const idLane = freeLane(plan.name, standsOn);
    for (const { taken } of standsOn) taken.add(idLane);
    result[key] = { ...plan, idLane };
  }
  return result;
}

/** All layers with scripts that are part of a published image, in order of their construct paths. */
function runnersOf(images: Images): readonly Runner[] {
  const standings = standingsOf(images);
  const used = new Set<string>();
  for (const [key, { buildOnly }] of Object.entries(images)) {
    if (buildOnly) continue;
    used.add(key);
    for (const each of standings.get(key)?.below ?? []) used.add(each);
  }
  return [...used].sort().flatMap((key) => {
    const [plan, standing] = [images[key], standings.get(key)];
    return plan?.type === 'layer' && plan.run !== undefined && standing !== undefined
      ? [{ key, plan, ...standing }]
      : [];
  });
}

function standingsOf(images: Images): ReadonlyMap<string, Standing> {
  const standings = new Map<string, Standing>();
  for (const key of order({ images })) {
    const image = images[key];
    if (image === undefined) continue;
    const supports = supportsOf(image);
    const lower = supports.flatMap((support) => standings.get(support) ?? []);
    const below = new Set([...supports, ...lower.flatMap((each) => [...each.below])]);
    const roots = new Set(lower.flatMap((each) => [...each.roots]));
    standings.set(key, { below, roots: roots.size > 0 ? roots : new Set([sourceOf(image) ?? key]) });
  }
  return standings;
}

/** Keys of the images whose layers an image has. */
function supportsOf(image: ImagePlan): readonly string[] {
  if (image.type === 'stacked-image') return image.components;
  return image.type === 'layer' && image.from.type === 'image' ? [image.from.image] : [];
}

/** What of outside of the app an image stands on. */
function sourceOf(image: ImagePlan): string | undefined {
  return image.type === 'layer' && image.from.type !== 'scratch' ? canonicalJson(image.from) : undefined;
}

function areSiblings(a: Runner, b: Runner): boolean {
  return a.key !== b.key && !a.below.has(b.key) && !b.below.has(a.key);
}

function freeLane(name: string, bases: readonly Base[]): number {
  const wanted = Number(BigInt(`0x${hexOf(digestOf(name))}`) % BigInt(ID_LANES));
  const lanes = Array.from({ length: ID_LANES }, (_, step) => 1 + ((wanted + step) % ID_LANES));
  return lanes.find((lane) => !bases.some(({ taken }) => taken.has(lane))) ?? 1 + wanted;
}
