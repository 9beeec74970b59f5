import { joinErrors, messageOf, Semaphore, StackError } from '../core';
import { dependenciesOf, type LayerFormat, type Plan } from '../plan';
import type { BuiltImage, BuiltImages } from './built-image';
import type { BuildContext } from './context';
import { buildImage } from './image';

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
 * @throws StackError with the place of the construct; the signal's reason when aborted
 */
export async function buildImages(context: BuildContext, request: BuildRequest): Promise<BuiltImages> {
  const { signal, hostFiles } = context;
  const work = new Build(context, request);
  await work.run();
  await hostFiles.save().catch((error: unknown) => work.errors.push(located(error)));
  signal?.throwIfAborted();
  const [first, ...others] = work.errors;
  if (first !== undefined) throw joinErrors([first, ...others]);
  return work.built;
}

class Build {
  public readonly built = new Map<string, BuiltImage>();
  public readonly errors: StackError[] = [];
  private readonly room: Semaphore;
  private readonly formats: ReadonlyMap<string, readonly LayerFormat[]>;
  private readonly needs: ReadonlyMap<string, readonly string[]>;

  public constructor(
    private readonly context: BuildContext,
    private readonly request: BuildRequest,
  ) {
    this.room = new Semaphore(request.concurrency);
    this.formats = neededFormats(context.plan, request);
    this.needs = new Map(request.order.map((key) => [key, dependenciesOf(this.plan(key))]));
  }

  public async run(): Promise<void> {
    const running = new Map<string, Promise<boolean>>();
    for (const key of this.request.order) {
      const needed = (this.needs.get(key) ?? []).map((need) => running.get(need) ?? Promise.resolve(true));
      const isReady = Promise.all(needed).then((done) => !done.includes(false));
      running.set(
        key,
        isReady.then((ready) => ready && this.room.run(() => this.buildOne(key))),
      );
    }
    await Promise.all(running.values());
  }

  /** @returns whether the image is there */
  private async buildOne(path: string): Promise<boolean> {
    const { listener, signal } = this.context;
    const isAborted = (): boolean => signal?.aborted === true;
    if (this.errors.length > 0 || isAborted()) return false;
    const plan = this.plan(path);
    const started = performance.now();
    listener({ code: 'image-started', image: path });
    try {
      const formats = this.formats.get(path) ?? [];
      this.built.set(path, await buildImage(this.context, { path, plan, formats }, this.built));
    } catch (error) {
      if (isAborted()) return false;
      const failure = located(error).at({ constructPath: path, source: plan.source });
      this.errors.push(failure);
      listener({ code: 'image-failed', image: path, message: failure.message });
      return false;
    }
    listener({ code: 'image-done', image: path, milliseconds: performance.now() - started });
    return true;
  }

  private plan(key: string): Plan['images'][string] {
    const plan = this.context.plan.images[key];
    if (plan === undefined) throw new StackError('STACK9001', `the plan has no image '${key}'`);
    return plan;
  }
}

/** Every image in the formats it is published in and those that images on top of it need. */
function neededFormats(plan: Plan, request: BuildRequest): ReadonlyMap<string, readonly LayerFormat[]> {
  const needed = new Map(request.order.map((key) => [key, new Set(request.formatsOf(key))]));
  for (const key of [...request.order].reverse()) {
    for (const lower of below(plan.images[key])) {
      for (const format of needed.get(key) ?? []) needed.get(lower)?.add(format);
    }
  }
  return new Map([...needed].map(([key, formats]) => [key, [...formats].sort()]));
}

/** The images whose layers an image has. */
function below(image: Plan['images'][string] | undefined): readonly string[] {
  if (image?.type === 'stacked-image') return image.components;
  return image?.type === 'layer' && image.from.type === 'image' ? [image.from.image] : [];
}

function located(error: unknown): StackError {
  return StackError.is(error) ? error : new StackError('STACK9001', messageOf(error), { cause: error });
}
