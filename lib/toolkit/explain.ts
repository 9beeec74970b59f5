import { asTar, combinedConfiguration, explainIn, explainPathsIn, requireImage, type ExplainedPath } from '../build';
import { StackError } from '../core';
import { explainConfig, type ConfigField, type ProvidedPaths } from '../stack';
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
  requireAbsolute(path);
  return withParts(options, (context, { combined }) => explainIn(context, image, asTar(combined), path));
}

/**
 * Builds an image, or the components of a stacked image, and tells who provides each path that a glob matches.
 * @param options whose path is a glob over absolute paths, or `/` for everything
 * @returns the first ones in byte order, and how many there are; a path that has the characters of a glob in its own name is
 *   one of them
 * @throws StackError as {@link explain}
 */
export async function explainTree(options: ExplainOptions): Promise<ProvidedPaths> {
  const { image, path } = options;
  requireAbsolute(path);
  return withParts(options, (context, { combined }) => explainPathsIn(context, image, asTar(combined), path));
}

function requireAbsolute(path: string): void {
  if (!path.startsWith('/')) {
    throw new StackError('STACK1001', `'${path}' is not an absolute path`, { hint: 'begin it with a slash' });
  }
  if (path.split('/').includes('..')) {
    throw new StackError('STACK1001', `'${path}' has '..'`, { hint: 'write the path without it' });
  }
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
