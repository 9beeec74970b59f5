import { rebase } from '../../toolkit';
import { exchangeOptions, exchangeResult } from './exchange';
import type { CommandContext, CommandResult } from './command';

/** `stack rebase`: moves a published combination to another base. Needs no project. */
export async function run(context: CommandContext): Promise<CommandResult> {
  const [, by = ''] = context.operands;
  return exchangeResult(context, () => rebase({ ...exchangeOptions(context), by }));
}
