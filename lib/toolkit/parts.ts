import { buildImages, combinedDeltas, type BuildContext, type BuiltImages, type CombinedDeltas } from '../build';
import { StackError } from '../core';
import type { ImagePlan } from '../plan';
import { concurrencyOf, withBuild, withDependencies, type BuildOptions } from './build-context';

/** Which image to look into. */
export interface ImageOptions extends BuildOptions {
  /** Construct path. */
  readonly image: string;
}

/** What an image consists of: itself, or the components of a combination, which need not go together. */
export interface ImageParts {
  readonly plan: ImagePlan;
  readonly built: BuiltImages;
  /** In each of its formats, where these differ. */
  readonly combined: readonly CombinedDeltas[];
}

/**
 * Builds what an image consists of, in no format, and runs work on it.
 * @throws StackError as `buildImages`, and what the work throws
 */
export async function withParts<T>(
  options: ImageOptions,
  work: (context: BuildContext, parts: ImageParts) => T | Promise<T>,
): Promise<T> {
  const { image, assembly } = options;
  const plan = planOf(options);
  const wanted = plan.type === 'stacked-image' ? plan.components : [image];
  const order = withDependencies(assembly.plan, wanted);
  const concurrency = concurrencyOf(options);
  return withBuild(options, order, [], async (context) => {
    const built = await buildImages(context, { order, formatsOf: () => [], concurrency });
    return work(context, { plan, built, combined: await combinedDeltas(context, image, plan, built) });
  });
}

/** The plan of an image. */
export function planOf({ image, assembly }: ImageOptions): ImagePlan {
  const plan = assembly.plan.images[image];
  if (plan === undefined) throw new StackError('STACK9001', `the plan has no image '${image}'`);
  return plan;
}
