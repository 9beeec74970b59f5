import * as path from 'node:path';
import { canonicalJson } from '../../core';
import { requireHashes } from '../../plan';
import { select, synthesize } from './app';
import type { CommandContext, CommandResult } from './command';

/** `stack synth`: the recipe of the one image that is named, else only where the plan lies. */
export async function run(context: CommandContext): Promise<CommandResult> {
  const { operands, settings } = context;
  const assembly = await synthesize(context);
  const { images, dependencies } = select(context, assembly);
  if (settings.requireHash) requireHashes(assembly.plan, [...images, ...dependencies.map((each) => each.path)]);
  const recipes = images.map((image) => [image, assembly.plan.images[image]] as const);
  const [only] = recipes.length === 1 && operands.length > 0 ? recipes : [];
  const directory = assembly.output;
  if (only === undefined) context.renderer.note(`the plan is in ${path.relative(context.cwd, directory) || '.'}`);
  return {
    document: { directory, images: Object.fromEntries(recipes) },
    text: () => (only === undefined ? '' : `${canonicalJson(only[1], 2)}\n`),
  };
}
