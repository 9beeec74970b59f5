import { gc } from '../../toolkit';
import { collectionText } from '../render/collection';
import { present } from './app';
import type { CommandContext, CommandResult } from './command';

/** `stack gc`: removes from the local store what was not used for long. Needs no project. */
export async function run({ settings, signal }: CommandContext): Promise<CommandResult> {
  const { all, dryRun, keepStorage, olderThan } = settings;
  const result = await gc({ all, dryRun, signal, ...present({ keepStorage, olderThan }) });
  return { document: { dryRun, ...result }, text: (style) => collectionText(result, dryRun, style) };
}
