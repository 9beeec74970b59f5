import { explain, explainConfiguration, explainTree } from '../../toolkit';
import { explanationText, providedPathsText } from '../render/conflicts';
import { configFieldsText } from '../render/config-fields';
import { buildOptions, oneImage, synthesize } from './app';
import type { CommandContext, CommandResult } from './command';

/** `stack explain`: which components and layers of an image have a path, or all that a glob matches, or which images set its config. */
export async function run(context: CommandContext): Promise<CommandResult> {
  const [pattern = '', path] = context.operands;
  const assembly = await synthesize(context);
  const image = oneImage(assembly, pattern, 'what is shown');
  const options = { image, ...buildOptions(context, assembly) };
  if (path === undefined) {
    const config = await explainConfiguration(options);
    return { document: { image, config }, text: (style) => configFieldsText(image, config, style) };
  }
  if (isPattern(path)) {
    const tree = await explainTree({ ...options, path });
    return { document: { image, ...tree }, text: (style) => providedPathsText(tree, style) };
  }
  const result = await explain({ ...options, path });
  return { document: { image, ...result }, text: (style) => explanationText(result, style) };
}

/** Whether a path stands for several: that of everything, or a glob. */
function isPattern(path: string): boolean {
  return /^\/+$|[*?[\]{}]|[@!+]\(/.test(path);
}
