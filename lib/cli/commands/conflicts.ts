import { conflicts } from '../../toolkit';
import { conflictsText } from '../render/conflicts';
import { buildOptions, oneImage, synthesize } from './app';
import type { CommandContext, CommandResult } from './command';

/** `stack conflicts`: where the components of a combination contradict each other. */
export async function run(context: CommandContext): Promise<CommandResult> {
  const [pattern = ''] = context.operands;
  const assembly = await synthesize(context);
  const image = oneImage(assembly, pattern, 'what is shown');
  const report = await conflicts({ image, ...buildOptions(context, assembly) });
  return { document: { image, ...report }, text: (style) => conflictsText(report, style) };
}
