import { availableParallelism } from 'node:os';
import { damagedFilesOf, Semaphore, StackError, type Listener, type StackEvent } from '../core';
import {
  DebianSource,
  DEFAULT_EPOCH,
  discard,
  Downloads,
  HostFiles,
  LayoutImages,
  RegistryImages,
  sandboxOnce,
  type BuildContext,
  type SandboxChoice,
} from '../build';
import { dependenciesOf, LockFile, order as buildOrder, requireHashes, type Assembly, type Plan } from '../plan';
import { Store } from '../store';
import { registryOnce, type RegistryOnce } from './registry-once';

/** How images are built, whatever happens to them then. */
export interface BuildOptions {
  readonly assembly: Pick<Assembly, 'plan' | 'directory' | 'output'>;
  /** Construct paths of images to build as if nothing of them were in the store. */
  readonly fresh?: readonly string[];
  /** Fail instead of adding to the lock file. */
  readonly frozen?: boolean;
  /** Refuse URLs that the app uses without a sha256. */
  readonly requireHash?: boolean;
  /** What scripts run with; default: the first that works. */
  readonly sandbox?: SandboxChoice;
  /** Registry hosts that are spoken to without encryption; those on this machine are anyway. */
  readonly plainHttp?: readonly string[];
  /** Open a shell on the terminal where a script fails. */
  readonly shellOnFailure?: boolean;
  /** Images in work at a time; default: the number of processors, at most 4. */
  readonly concurrency?: number;
  readonly listener: Listener;
  readonly signal?: AbortSignal;
}

/**
 * Runs work that builds images, with the store and everything else it takes. While it is at work nothing of the store is
 * collected; files that turn out to be damaged are removed, and the work is done once more.
 * @param images construct paths of those that are to be built
 * @param outputs directories, absolute, that the work writes to
 * @throws what the work throws; StackError STACK1005, STACK3020, STACK3022, STACK7001 to STACK7004
 */
export async function withBuild<T>(
  options: BuildOptions,
  images: readonly string[],
  outputs: readonly string[],
  work: (context: BuildContext) => Promise<T>,
): Promise<T> {
  const { assembly, listener, signal } = options;
  if (options.requireHash === true) requireHashes(assembly.plan, images);
  const store = await Store.open(undefined, {
    onDamage: (file) => {
      listener(damageWarning(file));
    },
    onWait: (owner, what) => {
      listener({ code: 'waiting', owner, what });
    },
  });
  return store.use(async () => {
    await discard(await store.leftoverRuns()).catch(() => undefined); // that they cannot be removed here is for gc to say
    return repairing(store, listener, async () => {
      const registry = registryOnce({ plainHttp: options.plainHttp, listener });
      try {
        return await work(await contextOf(options, store, outputs, registry));
      } finally {
        await registry.close();
      }
    });
  }, signal);
}

/** Does work again for as long as it finds damaged files in the store, without those. One that is damaged twice is beyond us. */
async function repairing<T>(store: Store, listener: Listener, work: () => Promise<T>): Promise<T> {
  const removed = new Set<string>();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const damaged = damagedFilesOf(error);
      if (damaged.length === 0 || damaged.some((file) => removed.has(file))) throw error;
      for (const file of damaged) {
        await store.removeDamaged(file);
        removed.add(file);
        listener(damageWarning(file));
      }
    }
  }
}

function damageWarning(file: string): StackEvent {
  return {
    code: 'warning',
    id: 'store-damaged',
    message: `'${file}' of the local store was damaged, and is made again`,
  };
}

async function contextOf(
  options: BuildOptions,
  store: Store,
  outputs: readonly string[],
  registry: RegistryOnce,
): Promise<BuildContext> {
  const { listener, signal } = options;
  const { plan, directory, output } = options.assembly;
  const lockFile = await LockFile.load(directory);
  const sources = {
    store,
    lockFile,
    registry: registry.get,
    listener,
    frozen: options.frozen ?? false,
    signal,
  };
  const fresh = new Set(options.fresh);
  return {
    plan,
    directory,
    outputs: [output, ...outputs],
    store,
    lockFile,
    hostFiles: await HostFiles.load(store, directory),
    debian: new DebianSource(sources),
    downloads: new Downloads(sources),
    registry: registry.get,
    layoutImages: new LayoutImages({ store, directory, signal }),
    registryImages: new RegistryImages(sources),
    sandbox: sandboxOnce(store, options.sandbox ?? 'auto', signal),
    terminal: options.shellOnFailure === true ? new Semaphore(1) : undefined,
    isFresh: (image) => fresh.has(image),
    epoch: epochOf(plan),
    listener,
    signal,
  };
}

/** Images in work at a time beyond which a machine gains nothing: each already packs on all cores. */
const MAX_CONCURRENCY = 4;

/** How many images to work on at a time. */
export function concurrencyOf({ concurrency }: BuildOptions): number {
  return concurrency ?? Math.min(availableParallelism(), MAX_CONCURRENCY);
}

/** The given images and everything they need, in build order. */
export function withDependencies(plan: Plan, images: readonly string[]): readonly string[] {
  const wanted = new Set<string>();
  const add = (key: string): void => {
    const image = plan.images[key];
    if (image === undefined || wanted.has(key)) return;
    wanted.add(key);
    dependenciesOf(image).forEach(add);
  };
  images.forEach(add);
  return buildOrder(plan).filter((key) => wanted.has(key));
}

/**
 * "Now" of everything built, seconds since 1970: SOURCE_DATE_EPOCH, else the app's, else 1980 (reproducible-builds.org).
 * @throws StackError STACK1005
 */
function epochOf(plan: Plan): number {
  const text = process.env['SOURCE_DATE_EPOCH'];
  if (text === undefined || text === '') return plan.epoch ?? DEFAULT_EPOCH;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new StackError('STACK1005', `SOURCE_DATE_EPOCH is '${text}', not a number of seconds since 1970`);
}
