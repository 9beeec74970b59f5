import {
  buildImages,
  combinedConfiguration,
  combinedDeltas,
  conflictsOf,
  explainIn,
  requireImage,
  type BuildContext,
  type BuiltImages,
} from '../build';
import { StackError } from '../core';
import type { ImagePlan } from '../plan';
import { explainConfig, type ConfigField, type Conflict, type ConflictReport, type Explanation } from '../stack';
import { concurrencyOf, withBuild, withDependencies, type BuildOptions } from './build-context';

/** Which combination to look at. */
export interface ConflictsOptions extends BuildOptions {
  /** Construct path. */
  readonly image: string;
}

/** Which path of an image to explain. */
export interface ExplainOptions extends ConflictsOptions {
  /** Absolute path in the image. */
  readonly path: string;
}

/** Who has a path of an image, and what contradicts itself there. */
export interface ExplainResult extends Explanation {
  readonly conflicts: readonly Conflict[];
}

/**
 * Builds the components of a combination and tells where they contradict each other; it is no failure that they do.
 * @throws StackError STACK1001 when the image is no combination, and as `deploy`
 */
export async function conflicts(options: ConflictsOptions): Promise<ConflictReport> {
  const { type } = planOf(options);
  if (type !== 'stacked-image') {
    throw new StackError('STACK1001', `'${options.image}' is no combination of images, so it has no conflicts`, {
      hint: 'name a StackedImage',
    });
  }
  return withParts(options, (context, built) => conflictsOf(context, options.image, combinedIn(options, built)));
}

/**
 * Builds an image, or the components of a combination, and tells which layers have a path.
 * @throws StackError STACK1001 for a path that is not absolute, and as `deploy`
 */
export async function explain(options: ExplainOptions): Promise<ExplainResult> {
  if (!options.path.startsWith('/')) {
    throw new StackError('STACK1001', `'${options.path}' is not an absolute path`, { hint: 'begin it with a slash' });
  }
  return withParts(options, async (context, built) => {
    const combined = combinedIn(options, built);
    const explanation = await explainIn(context, options.image, combined, options.path);
    const { conflicts: all } = await conflictsOf(context, options.image, combined);
    const concerned = all.filter(({ path, hidden }) => [path, ...(hidden ?? [])].includes(explanation.resolved));
    return { ...explanation, conflicts: concerned };
  });
}

/**
 * Builds an image, or the components of a combination, and tells where the fields of its configuration come from.
 * @throws StackError STACK5004, and as `deploy`
 */
export async function explainConfiguration(options: ConflictsOptions): Promise<readonly ConfigField[]> {
  const { image } = options;
  const plan = planOf(options);
  return withParts(options, (_context, built) =>
    explainConfig(
      plan.type === 'stacked-image'
        ? combinedConfiguration(image, plan, built)
        : requireImage(built, image).configuration,
    ),
  );
}

function combinedIn(options: ConflictsOptions, built: BuiltImages): ReturnType<typeof combinedDeltas> {
  return combinedDeltas(options.image, planOf(options), built);
}

/** Builds an image, or what a combination consists of. */
async function withParts<T>(
  options: ConflictsOptions,
  work: (context: BuildContext, built: BuiltImages) => T | Promise<T>,
): Promise<T> {
  const { image, assembly } = options;
  const plan = planOf(options);
  const kept = plan.type === 'stacked-image' ? plan.components : [image];
  const order = withDependencies(assembly.plan, kept);
  return withBuild(options, order, [], async (context) => {
    const built = await buildImages(context, {
      order,
      formatsOf: () => [],
      kept,
      concurrency: concurrencyOf(options),
    });
    return work(context, built);
  });
}

function planOf({ image, assembly }: ConflictsOptions): ImagePlan {
  const plan = assembly.plan.images[image];
  if (plan === undefined) throw new StackError('STACK9001', `the plan has no image '${image}'`);
  return plan;
}
