import { StackError } from '../../core';
import { inspect, selectImages } from '../../toolkit';
import { inspectionText } from '../render/inspection';
import { present, synthesize, targetsOf } from './app';
import type { CommandContext, CommandResult } from './command';

/** `stack inspect`: what is published for one image, in every target and format. */
export async function run(context: CommandContext): Promise<CommandResult> {
  const [pattern = ''] = context.operands;
  const assembly = await synthesize(context);
  const { images } = selectImages(assembly.plan, [pattern]);
  const [image] = images;
  if (image === undefined || images.length > 1) {
    throw new StackError(
      'STACK1001',
      `'${pattern}' names ${String(images.length)} images, and only one can be inspected`,
      {
        hint: `name one of ${images.join(', ')}`,
      },
    );
  }
  const formats = present({ formats: context.settings.format });
  const targets = targetsOf(context, assembly);
  const results = await Promise.all(targets.map((target) => inspect({ assembly, image, target, ...formats })));
  const found = results.flat();
  return { document: { images: found }, text: (style) => inspectionText(found, style) };
}
