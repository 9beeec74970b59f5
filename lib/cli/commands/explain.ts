import { explain, explainConfiguration } from '../../toolkit';
import { explanationText } from '../render/conflicts';
import { configFieldsText } from '../render/config-fields';
import { buildOptions, oneImage, synthesize } from './app';
import type { CommandContext, CommandResult } from './command';

/** `stack explain`: which components and layers of an image have a path, or which images set the fields of its config. */
export async function run(context: CommandContext): Promise<CommandResult> {
  const [pattern = '', path] = context.operands;
  const assembly = await synthesize(context);
  const image = oneImage(assembly, pattern, 'what is shown');
  const options = { image, ...buildOptions(context, assembly) };
  if (path === undefined) {
    const config = await explainConfiguration(options);
    return { document: { image, config }, text: (style) => configFieldsText(image, config, style) };
  }
  const result = await explain({ ...options, path });
  return { document: { image, ...result }, text: (style) => explanationText(result, style) };
}
