import type { PlacedImage, RebaseOptions } from '../../toolkit';
import { copyText } from '../render/copy';
import { present } from './app';
import type { CommandContext, CommandResult } from './command';

/** What swap and rebase have in common: their first operand is the combination. */
export function exchangeOptions(context: CommandContext): Omit<RebaseOptions, 'by'> {
  const { settings, operands, renderer, signal, cwd } = context;
  const [image = ''] = operands;
  const { dryRun, allowDowngrade, plainHttp } = settings;
  return {
    image,
    directory: cwd,
    dryRun,
    allowDowngrade,
    listener: (event) => {
      renderer.handle(event);
    },
    signal,
    ...present({ plainHttp }),
  };
}

/** Runs one of them, and tells what came of it. */
export async function exchangeResult(
  { settings: { dryRun } }: CommandContext,
  work: () => Promise<PlacedImage>,
): Promise<CommandResult> {
  const started = performance.now();
  const result = await work();
  const milliseconds = performance.now() - started;
  return { document: { dryRun, ...result }, text: (style) => copyText(result, { dryRun, milliseconds }, style) };
}
