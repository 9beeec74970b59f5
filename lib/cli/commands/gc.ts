import { gc, type Listener } from '../../toolkit';
import { collectionText } from '../render/collection';
import { present } from './app';
import type { CommandContext, CommandResult } from './command';

/** `stack gc`: removes from the local store what was not used for long. Needs no project. */
export async function run({ settings, renderer, signal }: CommandContext): Promise<CommandResult> {
  const { all, dryRun, keepStorage, olderThan } = settings;
  const listener: Listener = (event) => {
    renderer.handle(event);
  };
  const result = await gc({ all, dryRun, listener, signal, ...present({ keepStorage, olderThan }) });
  return { document: { dryRun, ...result }, text: (style) => collectionText(result, dryRun, style) };
}
