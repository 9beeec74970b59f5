import { buildImages, runInImage } from '../build';
import { concurrencyOf, withBuild, withDependencies, type BuildOptions } from './build-context';

/** What to run in an image. */
export interface ShellOptions extends BuildOptions {
  /** Construct path. */
  readonly image: string;
  /** Program and arguments; none: a shell to type into. */
  readonly command: readonly string[];
}

/**
 * Builds an image and what it needs, and runs a command in a copy of it that is thrown away afterwards. It has our
 * terminal, or whatever our input and output are.
 * @returns its exit status
 * @throws StackError as `deploy`; STACK4011 when the image has no /bin/sh
 */
export async function shell(options: ShellOptions): Promise<number> {
  const { image } = options;
  const { plan } = options.assembly;
  const order = withDependencies(plan, [image]);
  return withBuild(options, order, [], async (context) => {
    const built = await buildImages(context, {
      order,
      formatsOf: () => [],
      concurrency: concurrencyOf(options),
    });
    return runInImage(context, image, built, options.command);
  });
}
