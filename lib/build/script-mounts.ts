import * as path from 'node:path';
import { overlayTar } from '../pack';
import { isScriptImport, SCRIPT_IMPORTS, type ImportPlan, type LayerPlan } from '../plan';
import type { BuildContext } from './context';
import { LayerImports, type ImageFiles } from './layer-imports';
import { materialize, type Namespace, type SandboxMount } from './sandbox';
import { withCaches } from './script-caches';

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
 * @param image construct path
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
  return withCaches(context, image, caches, (held) => work([...mounts, ...held]));
}
