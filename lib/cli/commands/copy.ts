import { copy } from '../../toolkit';
import { copyText } from '../render/copy';
import { present } from './app';
import type { CommandContext, CommandResult } from './command';

/** `stack copy`: copies an image between registries and layouts. Needs no project. */
export async function run(context: CommandContext): Promise<CommandResult> {
  const { settings, operands, renderer, signal, cwd } = context;
  const [from = '', to = ''] = operands;
  const { dryRun, plainHttp, platform } = settings;
  const started = performance.now();
  const result = await copy({
    from,
    to,
    directory: cwd,
    dryRun,
    listener: (event) => {
      renderer.handle(event);
    },
    signal,
    ...present({ plainHttp, platform }),
  });
  const milliseconds = performance.now() - started;
  return { document: { dryRun, ...result }, text: (style) => copyText(result, { dryRun, milliseconds }, style) };
}
