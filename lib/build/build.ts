import { joinErrors, messageOf, Semaphore, StackError } from '../core';
import { dependenciesOf, type LayerFormat, type Plan } from '../plan';
import type { BuildContext } from './context';
import { buildImage, type BuiltImage, type BuiltImages } from './image';

/** What to build. */
export interface BuildRequest {
  /** Construct paths, each after everything it needs. */
  readonly order: readonly string[];
  /** The formats an image is published in; empty for one that only others need. */
  formatsOf(image: string): readonly LayerFormat[];
  /** How many images may be in work at a time. */
  readonly concurrency: number;
}

/**
 * Builds images in parallel, each as soon as everything it needs is there. When one fails, those in work finish, nothing
 * new is started, and all errors are reported together; what was finished is in the store for the next time.
 * @throws StackError with the place of the construct
 */
export async function buildImages(context: BuildContext, request: BuildRequest): Promise<BuiltImages> {
  const formats = neededFormats(context.plan, request);
  const room = new Semaphore(request.concurrency);
  const built = new Map<string, BuiltImage>();
  const running = new Map<string, Promise<boolean>>();
  const errors: StackError[] = [];

  const build = async (key: string): Promise<boolean> => {
    const plan = context.plan.images[key];
    if (plan === undefined) throw new StackError('STACK9001', `the plan has no image '${key}'`);
    const ready = await Promise.all(dependenciesOf(plan).map((needed) => running.get(needed) ?? true));
    if (ready.includes(false)) return false;
    return room.run(async () => {
      if (errors.length > 0 || context.signal?.aborted === true) return false;
      const started = performance.now();
      context.listener({ code: 'image-started', image: key });
      try {
        built.set(key, await buildImage(context, key, plan, formats.get(key) ?? [], built));
      } catch (error) {
        const located = locate(error, key, plan.source);
        errors.push(located);
        context.listener({ code: 'image-failed', image: key, message: located.message });
        return false;
      }
      context.listener({ code: 'image-done', image: key, milliseconds: performance.now() - started });
      return true;
    });
  };
  for (const key of request.order) running.set(key, build(key));
  await Promise.all(running.values());
  await context.hostFiles.save();
  context.signal?.throwIfAborted();
  const [first, ...others] = errors;
  if (first !== undefined) throw joinErrors([first, ...others]);
  return built;
}

/** Every image in the formats it is published in and those that images on top of it need. */
function neededFormats(plan: Plan, request: BuildRequest): ReadonlyMap<string, readonly LayerFormat[]> {
  const needed = new Map(request.order.map((key) => [key, new Set(request.formatsOf(key))]));
  for (const key of [...request.order].reverse()) {
    const image = plan.images[key];
    const below =
      image?.type === 'stacked-image'
        ? image.components
        : image?.type === 'layer' && image.from.type === 'image'
          ? [image.from.image]
          : [];
    for (const lower of below) for (const format of needed.get(key) ?? []) needed.get(lower)?.add(format);
  }
  return new Map([...needed].map(([key, formats]) => [key, [...formats].sort()]));
}

function locate(error: unknown, constructPath: string, source: string | undefined): StackError {
  const known = StackError.is(error) ? error : new StackError('STACK9001', messageOf(error), { cause: error });
  return known.at({ constructPath, source });
}
