import { explain } from '../../toolkit';
import { explanationText } from '../render/conflicts';
import { buildOptions, oneImage, synthesize } from './app';
import type { CommandContext, CommandResult } from './command';

/** `stack explain`: which components and layers of an image have a path. */
export async function run(context: CommandContext): Promise<CommandResult> {
  const [pattern = '', path = ''] = context.operands;
  const assembly = await synthesize(context);
  const image = oneImage(assembly, pattern, 'what is shown');
  const result = await explain({ image, path, ...buildOptions(context, assembly) });
  return { document: { image, ...result }, text: (style) => explanationText(result, style) };
}
