import { update } from '../../toolkit';
import { updateText } from '../render/update';
import { buildOptions, synthesize } from './app';
import type { CommandContext, CommandResult } from './command';

/** `stack update`: locks what the app's tags, URLs and packages stand for now. */
export async function run(context: CommandContext): Promise<CommandResult> {
  const { settings, operands: references } = context;
  const assembly = await synthesize(context);
  const { dryRun } = settings;
  const entries = await update({ ...buildOptions(context, assembly), references, dryRun });
  return { document: { dryRun, entries }, text: (style) => updateText(entries, dryRun, style) };
}
