import { pull } from '../../toolkit';
import { pullText } from '../render/pull';
import { buildOptions, select, synthesize } from './app';
import type { CommandContext, CommandResult } from './command';

/** `stack pull`: brings what images use from outside into the local store. */
export async function run(context: CommandContext): Promise<CommandResult> {
  const assembly = await synthesize(context);
  const { images } = select(context, assembly);
  const references = await pull({ ...buildOptions(context, assembly), images });
  return { document: { references }, text: () => pullText(references) };
}
