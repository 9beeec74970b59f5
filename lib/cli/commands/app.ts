import { StackError } from '../../core';
import type { Assembly } from '../../plan';
import { selectImages, synth, type BuildOptions, type Selection } from '../../toolkit';
import { appOf, moveTarget } from '../settings';
import type { CommandContext } from './command';

/** Synthesizes the app of the settings, or loads what it was synthesized to. */
export async function synthesize(context: CommandContext): Promise<Assembly> {
  const { settings } = context;
  const assembly = await synth({
    app: appOf(settings),
    directory: settings.directory,
    output: settings.output,
    build: settings.build,
    context: settings.context,
    contextOrigins: settings.contextOrigins,
    debug: settings.debug,
    version: context.version,
    environment: context.color ? { FORCE_COLOR: '1' } : {},
    listener: (event) => {
      context.renderer.handle(event);
    },
    signal: context.signal,
  });
  context.loaded(assembly);
  return assembly;
}

/** The images the operands name; all when there are none. */
export function select(context: CommandContext, assembly: Assembly): Selection {
  const { operands, settings } = context;
  if (settings.all && operands.some((pattern) => !pattern.startsWith('!'))) {
    throw new StackError('STACK1001', '--all and names of images are given together', {
      hint: 'leave one of them out',
    });
  }
  return selectImages(assembly.plan, operands);
}

/** The one image that a pattern names. @param use what can be had of one only, for the message */
export function oneImage(assembly: Assembly, pattern: string, use: string): string {
  const { images } = selectImages(assembly.plan, [pattern]);
  const [image] = images;
  if (image !== undefined && images.length === 1) return image;
  throw new StackError('STACK1001', `'${pattern}' names ${String(images.length)} images, and ${use} is of one only`, {
    hint: `name one of ${images.join(', ')}`,
  });
}

/** The images that --no-cache is about; undefined without it. */
function freshImages({ settings }: CommandContext, { plan }: Assembly): readonly string[] | undefined {
  return settings.noCache && selectImages(plan, settings.noCache).images;
}

/** How images are built, as the settings say it. */
export function buildOptions(context: CommandContext, assembly: Assembly): BuildOptions {
  const { settings, renderer, signal } = context;
  return {
    assembly,
    frozen: settings.frozen,
    requireHash: settings.requireHash,
    sandbox: settings.sandbox,
    listener: (event) => {
      renderer.handle(event);
    },
    signal,
    ...present({
      fresh: freshImages(context, assembly),
      concurrency: settings.concurrency,
      plainHttp: settings.plainHttp,
    }),
  };
}

/** Targets as seen from the assembly's app, whose directory is another one when a plan from elsewhere is deployed. */
export function targetsOf(context: CommandContext, assembly: Assembly): readonly string[] {
  const { to, directory } = context.settings;
  return [...new Set(to.map((target) => moveTarget(target, directory, assembly.directory)))];
}

/** An object without the members that are undefined, for options that may only be absent. */
export function present<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
