import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { canonicalJson, writeFailure } from '../core';
import { digestOf, hexOf } from '../oci';
import { overlayTar } from '../pack';
import { isScriptImport, SCRIPT_IMPORTS, type ImportPlan, type LayerPlan } from '../plan';
import type { BuildContext } from './context';
import { LayerImports, type ImageFiles } from './layer-imports';
import { materialize, type Namespace, type SandboxMount } from './sandbox';

/** What of a layer's imports is only for its scripts, seen from {@link SCRIPT_IMPORTS}. */
export function scriptImports(
  context: BuildContext,
  image: string,
  imports: readonly ImportPlan[],
  files: ImageFiles,
): LayerImports {
  const shown = imports.filter(isScriptImport);
  const moved = shown.map((each) => ({ ...each, dest: each.dest.slice(SCRIPT_IMPORTS.length) || '/' }));
  return new LayerImports(context, image, moved, [], files);
}

/**
 * Runs work while a layer's scripts can have everything mounted that is not part of the layer: its imports, binds and caches.
 * @param image construct path; each image has caches of its own
 * @param directory for this run alone
 * @throws StackError STACK7001, STACK7002, what imports throw
 */
export async function withScriptMounts<T>(
  context: BuildContext,
  image: string,
  plan: LayerPlan,
  imports: LayerImports,
  namespace: Namespace,
  directory: string,
  work: (mounts: readonly SandboxMount[]) => Promise<T>,
): Promise<T> {
  const { binds = [], caches = [] } = plan;
  const mounts: SandboxMount[] = binds.map((bind) => ({
    source: path.resolve(context.directory, bind.source),
    target: bind.dest,
    readonly: bind.readonly,
  }));
  if (plan.imports.some(isScriptImport)) {
    const source = path.join(directory, 'imports');
    const tree = overlayTar(await imports.assemble(), namespace.opaqueXattr);
    await materialize(namespace, tree, source, { signal: context.signal, durable: false });
    mounts.push({ source, target: SCRIPT_IMPORTS, readonly: true });
  }
  // In one order, so that no two wait for each other.
  const withCaches = [...caches]
    .sort()
    .reduceRight<(held: readonly SandboxMount[]) => Promise<T>>(
      (next, target) => (held) =>
        withCache(context, image, target, (source) => next([...held, { source, target, readonly: false }])),
      work,
    );
  return withCaches(mounts);
}

/** Holds the directory of one cache, for as long as it takes to get it. */
async function withCache<T>(
  { store, directory, signal }: BuildContext,
  image: string,
  target: string,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  const key = digestOf(canonicalJson({ directory, image, target }));
  const place = path.join(await store.stateDirectory('caches'), hexOf(key));
  try {
    await fs.mkdir(place, { recursive: true });
    await fs.chmod(place, 0o755); // whatever our umask is: not only root uses it
  } catch (error) {
    throw writeFailure('STACK7001', `the cache of '${image}' for ${target}`, error);
  }
  return store.exclusively(`cache ${key}`, () => work(place), signal);
}
