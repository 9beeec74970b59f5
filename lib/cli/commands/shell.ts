import { StackError } from '../../core';
import { shell } from '../../toolkit';
import { buildOptions, oneImage, synthesize } from './app';
import type { CommandContext, CommandResult } from './command';

/** `stack shell`: runs a command, or a shell to type into, in a throw-away copy of an image. */
export async function run(context: CommandContext): Promise<CommandResult> {
  const { isInteractive } = context;
  const [pattern = '', ...command] = context.operands;
  if (command.length === 0 && !isInteractive) {
    throw new StackError('STACK1001', 'a shell needs a terminal', { hint: 'name a command: stack shell IMAGE -- CMD' });
  }
  const assembly = await synthesize(context);
  const image = oneImage(assembly, pattern, 'a shell');
  const exitStatus = await shell({ image, command, ...buildOptions(context, assembly) });
  return { document: { image, exitStatus }, text: () => '', exitStatus };
}
