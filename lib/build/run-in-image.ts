import * as path from 'node:path';
import { envOf } from '../stack';
import { requireImage, type BuiltImages } from './built-image';
import type { BuildContext } from './context';
import { runScript } from './sandbox';
import { inRunDirectory, layUpper, unpackedLayers, upperOf } from './script';
import { shellScript } from './shell-script';

/**
 * Runs a command in a copy of an image that is thrown away, as root, with the image's environment and working directory.
 * It has our input, output and errors.
 * @param image construct path
 * @param command program and arguments; none: a shell to type into
 * @returns its exit status
 * @throws StackError STACK4010, STACK4011
 */
export async function runInImage(
  context: BuildContext,
  image: string,
  images: BuiltImages,
  command: readonly string[],
): Promise<number> {
  const { deltas, configuration } = requireImage(images, image);
  const { WorkingDir, Env } = configuration.runtime;
  return inRunDirectory(context, async (directory) => {
    const { namespace, driver } = await context.sandbox();
    const lowers = await unpackedLayers(context, namespace, deltas);
    await layUpper(context, deltas, directory);
    if (command.length === 0) context.listener({ code: 'shell-opened', image });
    const { status } = await runScript(namespace, driver, {
      lowers,
      upper: upperOf(directory),
      work: path.join(directory, 'work'),
      script: shellScript(command, WorkingDir),
      env: Object.fromEntries(envOf(Env)),
      network: 'host',
      terminal: true,
      signal: context.signal,
    });
    return status;
  });
}
