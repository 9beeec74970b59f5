import { listImages } from '../../toolkit';
import { listText } from '../render/list';
import { select, synthesize } from './app';
import type { CommandContext, CommandResult } from './command';

/** `stack ls`: the images of the app, without building or hashing anything. */
export async function run(context: CommandContext): Promise<CommandResult> {
  const assembly = await synthesize(context);
  const rows = listImages(assembly, select(context, assembly));
  return { document: { images: rows }, text: (style) => listText(rows, style, context.settings.verbose) };
}
