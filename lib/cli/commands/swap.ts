import { redactReference, StackError } from '../../core';
import { swap } from '../../toolkit';
import { exchangeOptions, exchangeResult } from './exchange';
import type { CommandContext, CommandResult } from './command';

/** `stack swap`: exchanges a component of a published combination. Needs no project. */
export async function run(context: CommandContext): Promise<CommandResult> {
  const [, exchange = ''] = context.operands;
  const at = exchange.indexOf('=');
  if (at < 1 || at === exchange.length - 1) {
    throw new StackError('STACK1001', `'${redactReference(exchange)}' does not say what to exchange`, {
      hint: 'write COMPONENT=REFERENCE, such as ssl=docker://ghcr.io/acme/ssl:3.1',
    });
  }
  const [component, by] = [exchange.slice(0, at), exchange.slice(at + 1)];
  return exchangeResult(context, () => swap({ ...exchangeOptions(context), component, by }));
}
