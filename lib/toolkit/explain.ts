import { combinedConfiguration, explainIn, requireImage, type ExplainedPath } from '../build';
import { StackError } from '../core';
import { explainConfig, type ConfigField } from '../stack';
import { withParts, type ImageOptions } from './parts';

export type { ExplainedPath as ExplainResult } from '../build';

/** Which path of an image to explain. */
export interface ExplainOptions extends ImageOptions {
  /** Absolute path in the image. */
  readonly path: string;
}

/**
 * Builds an image, or the components of a combination, and tells which layers have a path.
 * @throws StackError STACK1001 for a path that is not absolute or has `..`, and as `deploy`
 */
export async function explain(options: ExplainOptions): Promise<ExplainedPath> {
  const { image, path } = options;
  if (!path.startsWith('/')) {
    throw new StackError('STACK1001', `'${path}' is not an absolute path`, { hint: 'begin it with a slash' });
  }
  if (path.split('/').includes('..')) {
    throw new StackError('STACK1001', `'${path}' has '..'`, { hint: 'write the path without it' });
  }
  return withParts(options, (context, { combined }) => explainIn(context, image, combined, path));
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
