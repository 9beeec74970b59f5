import { inspect } from '../../toolkit';
import { inspectionText } from '../render/inspection';
import { oneImage, present, synthesize, targetsOf } from './app';
import type { CommandContext, CommandResult } from './command';

/** `stack inspect`: what is published for one image, in every target and format. */
export async function run(context: CommandContext): Promise<CommandResult> {
  const [pattern = ''] = context.operands;
  const assembly = await synthesize(context);
  const image = oneImage(assembly, pattern, 'what is shown');
  const formats = present({ formats: context.settings.format, plainHttp: context.settings.plainHttp });
  const targets = targetsOf(context, assembly);
  const results = await Promise.all(targets.map((target) => inspect({ assembly, image, target, ...formats })));
  const found = results.flat();
  return { document: { images: found }, text: (style) => inspectionText(found, style) };
}
