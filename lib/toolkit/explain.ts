import { combinedConfiguration, conflictsOf, explainIn, requireImage } from '../build';
import { StackError } from '../core';
import { explainConfig, type ConfigField, type Conflict, type Explanation } from '../stack';
import { withParts, type ImageOptions } from './parts';

/** Which path of an image to explain. */
export interface ExplainOptions extends ImageOptions {
  /** Absolute path in the image. */
  readonly path: string;
}

/** Who has a path of an image, and what contradicts itself there. */
export interface ExplainResult extends Explanation {
  readonly conflicts: readonly Conflict[];
}

/**
 * Builds an image, or the components of a combination, and tells which layers have a path.
 * @throws StackError STACK1001 for a path that is not absolute, and as `deploy`
 */
export async function explain(options: ExplainOptions): Promise<ExplainResult> {
  const { image, path } = options;
  if (!path.startsWith('/')) {
    throw new StackError('STACK1001', `'${path}' is not an absolute path`, { hint: 'begin it with a slash' });
  }
  return withParts(options, async (context, { combined }) => {
    const explanation = await explainIn(context, image, combined, path);
    const { conflicts: all } = await conflictsOf(context, image, combined);
    const concerned = all.filter((each) => [each.path, ...(each.hidden ?? [])].includes(explanation.resolved));
    return { ...explanation, conflicts: concerned };
  });
}

/**
 * Builds an image, or the components of a combination, and tells where the fields of its configuration come from.
 * @throws StackError STACK5004, and as `deploy`
 */
export async function explainConfiguration(options: ImageOptions): Promise<readonly ConfigField[]> {
  const { image } = options;
  return withParts(options, (_context, { plan, built }) =>
    explainConfig(
      plan.type === 'stacked-image'
        ? combinedConfiguration(image, plan, built)
        : requireImage(built, image).configuration,
    ),
  );
}
