import { forEachParallel } from '../core';
import type { BuildContext } from '../build';
import { outsideReferences, shownUrl, type OutsideReference } from '../plan';
import { withBuild, withDependencies, type BuildOptions } from './build-context';
import { platformOf } from './platform';

/** What to bring. */
export interface PullOptions extends BuildOptions {
  /** Construct paths; what they need is brought too. */
  readonly images: readonly string[];
}

/** Something from outside that the local store has now. */
export interface PulledReference {
  readonly kind: OutsideReference['kind'];
  /** A complete reference, a URL without its query, or packages by their names. */
  readonly reference: string;
  /** Construct paths of the images that use it. */
  readonly images: readonly string[];
}

/** References in work at a time; how much of them is transferred at a time is for others to limit. */
const IN_WORK = 8;

/**
 * Brings everything that images use from outside into the local store, and locks it: images in registries with all their layers,
 * URLs, Debian packages. Later builds need no network.
 * @throws StackError STACK3001, STACK3003, STACK3010 to STACK3014, STACK3020 to STACK3022, STACK6005, STACK6101 to STACK6113,
 *   STACK7001, STACK7002
 */
export async function pull(options: PullOptions): Promise<readonly PulledReference[]> {
  const { plan } = options.assembly;
  const images = withDependencies(plan, options.images);
  const references = outsideReferences(plan, images);
  await withBuild(options, images, [], (context) =>
    forEachParallel(references, IN_WORK, (each) => bring(context, each)),
  );
  const pulled = new Map<string, PulledReference>();
  for (const each of references) {
    const reference = nameOf(each);
    const known = pulled.get(`${each.kind} ${reference}`)?.images ?? [];
    pulled.set(`${each.kind} ${reference}`, {
      kind: each.kind,
      reference,
      images: [...new Set([...known, each.image])],
    });
  }
  return [...pulled.values()];
}

async function bring(context: BuildContext, each: OutsideReference): Promise<void> {
  const { image, kind } = each;
  if (kind === 'debian') await context.debian.provide(image, each.plan);
  else if (kind === 'url') await context.downloads.provide(image, each);
  else await bringImage(context, image, each.reference);
}

async function bringImage({ plan, registryImages }: BuildContext, image: string, reference: string): Promise<void> {
  const { deltas } = await registryImages.open(image, reference, platformOf(plan, image));
  const layers = deltas.flatMap(({ existing }) => existing?.layer ?? []);
  await forEachParallel(layers, IN_WORK, (layer) => registryImages.provide(image, layer));
}

function nameOf(each: OutsideReference): string {
  switch (each.kind) {
    case 'image':
      return each.reference;
    case 'url':
      return shownUrl(each.url);
    case 'debian':
      return each.plan.packages.join(' ');
  }
}
