import * as path from 'node:path';
import { canonicalJson, removeLeftTemporaries, StackError, writeFailure, writeFileAtomic } from '../../core';
import { deploy, loadEngine, type DeployResult, type Selection } from '../../toolkit';
import { deployText } from '../render/deployment';
import { approval } from './approval';
import { buildOptions, present, select, synthesize, targetsOf } from './app';
import type { CommandContext, CommandResult } from './command';

const MAX_REASONS = 5;

/** `stack deploy`: builds images and what they need, and publishes them. */
export async function run(context: CommandContext): Promise<CommandResult> {
  const { settings, renderer, operands } = context;
  if (settings.shellOnFailure && !context.isInteractive) {
    throw new StackError('STACK1001', '--shell-on-failure needs a terminal');
  }
  const synthesis = synthesize(context);
  setImmediate(loadEngine); // while the app runs
  const assembly = await synthesis;
  const { plan } = assembly;
  const selection = select(context, assembly);
  if (selection.dependencies.length > 0) renderer.note(`also building ${reasons(selection)}`);
  const unpublished =
    operands.length === 0 ? [] : selection.images.filter((path) => plan.images[path]?.buildOnly === true);
  if (unpublished.length > 0) renderer.note(`built, but not published, since buildOnly: ${unpublished.join(', ')}`);
  const started = performance.now();
  const result = await deploy({
    ...buildOptions(context, assembly),
    images: selection.images,
    targets: targetsOf(context, assembly),
    dryRun: settings.dryRun,
    shellOnFailure: settings.shellOnFailure,
    formatTags: settings.formatTags,
    ...present({ formats: settings.format, tags: settings.tag, approve: approval(context) }),
  });
  const milliseconds = performance.now() - started;
  if (settings.outputsFile !== undefined && !settings.dryRun) {
    await writeOutputs(path.resolve(settings.directory, settings.outputsFile), result);
  }
  return {
    document: { dryRun: settings.dryRun, ...result },
    text: (style) => deployText(result, { dryRun: settings.dryRun, milliseconds }, style),
  };
}

/** `base (needed by kernel, ovmf), kernel-packages (needed by kernel)`. */
function reasons(selection: Selection): string {
  const shown = selection.dependencies.slice(0, MAX_REASONS);
  const more = selection.dependencies.length - shown.length;
  return [
    ...shown.map(({ path: image, neededBy }) => `${image} (needed by ${neededBy.join(', ')})`),
    ...(more > 0 ? [`${String(more)} more`] : []),
  ].join(', ');
}

/** Digests by construct path and reference, so that `jq -r '.images.kernel[]'` gives what was published. */
async function writeOutputs(file: string, result: DeployResult): Promise<void> {
  const images: Record<string, Record<string, string>> = {};
  for (const { path: image, reference, digest, index } of result.targets.flatMap((target) => target.images)) {
    images[image] = { ...images[image], [reference]: index ?? digest };
  }
  try {
    await removeLeftTemporaries(file);
    await writeFileAtomic(file, `${canonicalJson({ images }, 2)}\n`);
  } catch (error) {
    throw writeFailure('STACK1009', `the outputs file ${file}`, error);
  }
}
