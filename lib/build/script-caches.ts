import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { canonicalJson, compareNames } from '../core';
import { digestOf, hexOf } from '../oci';
import { pathOfCache, type CachePlan } from '../plan';
import type { BuildContext } from './context';
import type { SandboxMount } from './sandbox';

/** A cache of a layer. */
interface Cache {
  /** Names it in the store: what has the same name is the same cache. */
  readonly name: string;
  readonly sharing: 'shared' | 'private' | 'locked';
  readonly targets: readonly string[];
}

/** Runs work with directories, and holds what they need to be held by meanwhile. */
type Held<T> = (mounts: readonly SandboxMount[]) => Promise<T>;

/**
 * Runs work with the caches of a layer's scripts.
 * @param image construct path; a cache without an id is this image's own
 * @throws what the work throws; StackError STACK7001, STACK7002
 */
export async function withCaches<T>(
  context: BuildContext,
  image: string,
  plans: readonly CachePlan[],
  work: Held<T>,
): Promise<T> {
  const caches = cachesOf(context, image, plans);
  // In one order, so that no two scripts wait for each other.
  const steps = caches.reduceRight<Held<T>>(
    (next, cache) => (mounts) => withCache(context, cache, (more) => next([...mounts, ...more])),
    work,
  );
  return steps([]);
}

function cachesOf({ directory }: BuildContext, image: string, plans: readonly CachePlan[]): readonly Cache[] {
  const byName = new Map<string, Cache>();
  for (const plan of plans) {
    const target = pathOfCache(plan);
    const { id = undefined, sharing = 'locked' } = typeof plan === 'string' ? {} : plan;
    const key = id === undefined ? { directory, image, target } : { directory, id };
    const name = digestOf(canonicalJson(key));
    byName.set(name, { name, sharing, targets: [...(byName.get(name)?.targets ?? []), target] });
  }
  return [...byName.values()].sort((a, b) => compareNames(a.name, b.name));
}

async function withCache<T>(context: BuildContext, { name, sharing, targets }: Cache, work: Held<T>): Promise<T> {
  const { store, signal } = context;
  const run = async (key: string): Promise<T> => {
    const source = await cacheDirectory(context, key, targets);
    return work(targets.map((target) => ({ source, target, readonly: false })));
  };
  switch (sharing) {
    case 'shared':
      return run(name);
    case 'locked':
      return store.exclusively(`cache ${name}`, () => run(name), signal);
    case 'private':
      // A script that finds the cache in use has a further one, which is kept as well.
      for (let count = 0; ; count += 1) {
        const key = count === 0 ? name : digestOf(`${name} ${String(count)}`);
        const done = await store.tryExclusively(`cache ${key}`, () => run(key), signal);
        if (done !== undefined) return done.value;
      }
  }
}

async function cacheDirectory({ store }: BuildContext, key: string, targets: readonly string[]): Promise<string> {
  const directory = path.join(await store.stateDirectory('caches'), hexOf(key));
  try {
    await fs.mkdir(directory, { recursive: true });
    await fs.chmod(directory, 0o755); // whatever our umask is: not only root uses it
  } catch (error) {
    throw store.writeFailure(`the cache for ${targets.join(' and ')}`, error);
  }
  return directory;
}
