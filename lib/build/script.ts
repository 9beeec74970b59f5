import * as path from 'node:path';
import { forEachParallel } from '../core';
import { digestOf, shortDigest } from '../oci';
import { overlayTar, type Tree } from '../pack';
import type { LayerPlan } from '../plan';
import type { BuildContext } from './context';
import type { KnownDelta } from './delta';
import { describedDeltas } from './described';
import { viewOf } from './file-view';
import type { ImageFiles } from './layer-imports';
import { Rootfs } from './rootfs';
import { RunOutput } from './run-output';
import { materialize, removeTree, runScript, type Namespace, type RunOptions, type SandboxMount } from './sandbox';
import { scriptFailure, type WrittenPlace } from './script-failure';
import { scriptImports, withScriptMounts } from './script-mounts';
import { readSecrets } from './script-secrets';
import { shellScript } from './shell-script';

/** A script of a layer, and what it runs on. */
export interface LayerScript {
  /** Construct path. */
  readonly image: string;
  readonly plan: LayerPlan;
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  /** What is below, bottom to top. */
  readonly base: readonly KnownDelta[];
  /** What of the layer is there before the script. */
  readonly imported?: Tree;
  /** What the script sees on top of the base, without its being part of the layer. */
  readonly over?: Tree;
  readonly files: ImageFiles;
  /** A directory for this run alone, in which {@link upperOf} gets the changes; to be removed with `removeTree`. */
  readonly directory: string;
  /** Besides what the layer asks for. */
  readonly mounts?: readonly SandboxMount[] | undefined;
}

/** Layers of the base unpacked at a time: each keeps tar busy on one core, and us on another. */
const UNPACKED_AT_A_TIME = 4;

/**
 * Runs a script of a layer to its end.
 * @returns when it was started, seconds since 1970
 * @throws StackError STACK4020 when the script fails; STACK4010, STACK4011 when there is no sandbox for it; STACK3003 for a missing
 * bind or secret; what imports throw
 */
export async function performScript(context: BuildContext, layer: LayerScript): Promise<number> {
  const { listener, signal } = context;
  const { image, plan, script, env, base, files, directory } = layer;
  const { namespace, driver } = await context.sandbox();
  const lowers = [
    ...(await unpackedLayers(context, namespace, base)),
    ...(await unpackedOver(namespace, layer, signal)),
  ];
  const secrets = await readSecrets(context, plan.secrets ?? []);
  const log = await logFile(context, image);
  const output = new RunOutput((line) => {
    listener({ code: 'run-output', image, line });
  });
  const imports = scriptImports(context, image, plan.imports, files);
  return withScriptMounts(context, image, plan, imports, namespace, directory, async (mounts) => {
    const options = {
      lowers,
      upper: upperOf(directory),
      env,
      network: plan.network ?? 'host',
      mounts: [...mounts, ...(layer.mounts ?? [])],
      secrets,
      signal,
    } satisfies Omit<RunOptions, 'work' | 'script'>;
    await layUpper(context, base, directory, layer.imported);
    listener({ code: 'run-started', image });
    const started = Math.floor(Date.now() / 1000);
    const { status } = await runScript(namespace, driver, {
      ...options,
      script,
      work: path.join(directory, 'work'),
      onOutput: (chunk) => {
        output.write(chunk);
      },
      log,
    });
    output.end();
    if (status === 0) return started;
    await context.terminal?.run(async () => {
      listener({ code: 'shell-opened', image, status });
      const work = path.join(directory, 'shell');
      await runScript(namespace, driver, { ...options, script: shellScript([]), work, terminal: true });
      listener({ code: 'shell-closed', image });
    });
    throw await scriptFailure({ script, status, output, log, places: placesWrittenBy(context, plan) });
  });
}

/** Runs work with a directory for what a script changes, and removes that afterwards, whoever owns what is in it. */
export async function inRunDirectory<T>(context: BuildContext, work: (directory: string) => Promise<T>): Promise<T> {
  const { namespace } = await context.sandbox();
  const directory = await context.store.runDirectory();
  try {
    return await work(directory);
  } finally {
    await removeTree(namespace, directory);
  }
}

/** The upper directory of a run. */
export function upperOf(directory: string): string {
  return path.join(directory, 'upper');
}

/**
 * Makes the upper directory of a run. The root directory that is seen in the sandbox is this one, so it is as the base has it.
 * @param base layers below, bottom to top
 * @param tree what is in it at the beginning
 * @throws StackError as `materialize`
 */
export async function layUpper(
  context: BuildContext,
  base: readonly KnownDelta[],
  directory: string,
  tree: Tree = [],
): Promise<void> {
  const { namespace } = await context.sandbox();
  const root = (await viewOf(base, context.epoch)).get('');
  const entries = [...(root === undefined ? [] : [root]), ...tree.filter(({ path: name }) => name !== '')];
  const tar = overlayTar(entries, namespace.opaqueXattr);
  await materialize(namespace, tar, upperOf(directory), { signal: context.signal, durable: false });
}

/** The directories of an image's layers, bottom to top. */
export async function unpackedLayers(
  context: BuildContext,
  namespace: Namespace,
  layers: readonly KnownDelta[],
): Promise<readonly string[]> {
  const { store, signal } = context;
  const rootfs = new Rootfs(store, namespace);
  const directories = new Map<KnownDelta, string>();
  const deltas = await describedDeltas(context, layers);
  await forEachParallel(deltas, UNPACKED_AT_A_TIME, async (delta) => {
    directories.set(delta, await rootfs.directoryOf(delta, signal));
  });
  return deltas.flatMap((delta) => directories.get(delta) ?? []);
}

/** The directory of what lies on top of the base, if there is anything. */
async function unpackedOver(
  namespace: Namespace,
  { over = [], directory }: LayerScript,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  if (over.length === 0) return [];
  const place = path.join(directory, 'over');
  await materialize(namespace, overlayTar(over, namespace.opaqueXattr), place, { signal, durable: false });
  return [place];
}

/** The store has the changes and the caches of a script; binds have what it writes to them. */
function placesWrittenBy({ store, directory }: BuildContext, { binds = [] }: LayerPlan): readonly WrittenPlace[] {
  const larger = ', or set STACK_HOME to a directory on a larger file system';
  return [
    { directory: store.directory, name: `the store '${store.home}'`, remedy: larger },
    ...binds
      .filter(({ readonly }) => !readonly)
      .map(({ source, dest }) => {
        const bound = path.resolve(directory, source);
        return { directory: bound, name: `'${bound}', which is bound to ${dest}`, remedy: '' };
      }),
  ];
}

/** Where the whole output of an image's script is kept, until it runs again; each app has its own. */
async function logFile({ store, directory }: BuildContext, image: string): Promise<string> {
  const logs = await store.stateDirectory(path.join('logs', shortDigest(digestOf(directory))));
  return path.join(logs, `${encodeURIComponent(image)}.log`);
}
