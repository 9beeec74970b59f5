import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { canonicalJson, forEachParallel, StackError } from '../core';
import { digestOf, isDigest, shortDigest, type RuntimeConfig } from '../oci';
import { overlayTar, treeDigest, type Tree } from '../pack';
import type { LayerPlan } from '../plan';
import { envOf } from '../stack';
import type { BuildContext } from './context';
import type { Delta, KnownDelta } from './delta';
import { viewOf } from './file-view';
import { LayerImports, type ImageFiles } from './layer-imports';
import { Rootfs } from './rootfs';
import { RunOutput } from './run-output';
import { materialize, readUpper, removeTree, runScript } from './sandbox';
import { settleRun } from './settle-run';
import { findSnapshot, takeSnapshot } from './snapshots';

const RUNS = 'runs';
/** Another number forgets what scripts made: the sandbox, or how its result is read, has changed. */
const RUN_RULES = 1;
const NOTHING = treeDigest([]);
/** Layers of the base unpacked at a time: each keeps tar busy on one core, and us on another. */
const UNPACKED_AT_A_TIME = 4;

/** A layer whose script is to be run. */
export type RunPlan = LayerPlan & { readonly run: string };

/**
 * The delta that a layer's imports and its script make together; undefined when they change nothing.
 * The script does not run again while everything it depends on is the same by content: the base, the imports, its text,
 * its environment, the platform and the epoch.
 * @param config of the base; its environment is the script's too
 * @throws StackError STACK4020 when the script fails; STACK4010, STACK4011 when there is no sandbox for it; what imports throw
 */
export async function runDelta(
  context: BuildContext,
  image: string,
  plan: RunPlan,
  config: RuntimeConfig,
  base: readonly KnownDelta[],
  files: ImageFiles,
): Promise<Delta | undefined> {
  const { store, epoch } = context;
  const imports = new LayerImports(context, plan.imports, base, files);
  const env = environmentOf(context, plan, config);
  if ((await imports.inputs()) === undefined) await imports.hash();
  const inputs = await imports.inputs();
  const { run, network = 'host', platform } = plan;
  const below = base.map(({ contentKey }) => contentKey);
  const key = digestOf(
    canonicalJson({ rules: RUN_RULES, epoch, base: below, imports: inputs, run, env, network, platform }),
  );
  const createdBy = `run ${firstLine(run)}`;

  const find = async (): Promise<Outcome | undefined> => {
    const known = await store.readRecord(RUNS, key);
    if (known === NOTHING) return {};
    const snapshot = isDigest(known) ? await findSnapshot(store, key) : undefined;
    if (!isDigest(known) || snapshot === undefined) return undefined;
    return { delta: { contentKey: known, createdBy, tree: () => snapshot.tree() } };
  };
  const make = async (): Promise<Outcome> => {
    const tree = await perform(context, image, plan, env, base, await imports.assemble(), key);
    const contentKey = treeDigest(tree);
    await store.writeRecord(RUNS, key, contentKey);
    return tree.length === 0 ? {} : { delta: { contentKey, createdBy, tree: () => Promise.resolve(tree) } };
  };
  return (await store.findOrMake(`run ${key}`, { find, make }, context.signal)).delta;
}

/** What a script made; no delta when it changed nothing. */
interface Outcome {
  readonly delta?: Delta;
}

/** Runs the script on an overlay whose upper directory holds the imports already, and reads that back. */
async function perform(
  context: BuildContext,
  image: string,
  plan: RunPlan,
  env: Readonly<Record<string, string>>,
  base: readonly KnownDelta[],
  imported: Tree,
  key: string,
): Promise<Tree> {
  const { store, signal, epoch, listener } = context;
  const { namespace, driver } = await context.sandbox();
  const rootfs = new Rootfs(store, namespace);
  const lowers = new Map<KnownDelta, string>();
  await forEachParallel(base, UNPACKED_AT_A_TIME, async (delta) => {
    lowers.set(delta, await rootfs.directoryOf(delta, signal));
  });
  const log = await logFile(context, image);
  const output = new RunOutput((line) => {
    listener({ code: 'run-output', image, line });
  });
  const directory = await store.runDirectory();
  try {
    const [upper, work] = [path.join(directory, 'upper'), path.join(directory, 'work')];
    await materialize(namespace, overlayTar(imported, namespace.opaqueXattr), upper, { signal, durable: false });
    const started = Math.floor(Date.now() / 1000);
    listener({ code: 'run-started', image });
    const { status } = await runScript(namespace, driver, {
      lowers: base.flatMap((delta) => lowers.get(delta) ?? []),
      upper,
      work,
      script: plan.run,
      env,
      network: plan.network ?? 'host',
      onOutput: (chunk, stream) => {
        output.write(chunk, stream);
      },
      log,
      signal,
    });
    output.end();
    if (status !== 0) throw await scriptFailure(status, output.tail(), log);
    const view = await viewOf(base, epoch);
    const changes = readUpper(namespace, upper, { signal }) as AsyncIterable<Buffer>;
    const snapshot = await takeSnapshot(store, () => key, changes, {
      name: 'what the script changed',
      layer: 'overlay',
      settle: (tree) => settleRun(tree, view, started, epoch),
    });
    return await snapshot.tree();
  } finally {
    await removeTree(namespace, directory);
  }
}

/** Where the whole output of an image's script is kept, until it runs again; each app has its own. */
async function logFile({ store, directory }: BuildContext, image: string): Promise<string> {
  const logs = await store.stateDirectory(path.join('logs', shortDigest(digestOf(directory))));
  return path.join(logs, `${encodeURIComponent(image)}.log`);
}

/** What the script sees: the base's environment, what is passed through of ours, `buildEnv`, and what we say. */
function environmentOf(context: BuildContext, plan: RunPlan, config: RuntimeConfig): Readonly<Record<string, string>> {
  const patterns = (plan.buildEnvPassthrough ?? DEFAULT_PASSTHROUGH).map((pattern) => new RegExp(`^(?:${pattern})$`));
  const passed = Object.entries(process.env).filter(
    ([name, value]) => value !== undefined && value !== '' && patterns.some((pattern) => pattern.test(name)),
  );
  return {
    ...Object.fromEntries(envOf(config.Env)),
    ...(Object.fromEntries(passed) as Record<string, string>),
    ...plan.buildEnv,
    SOURCE_DATE_EPOCH: String(context.epoch),
    STACK_LAYER_NAME: plan.name,
  };
}

/** Proxies: without them a script could not reach what we can reach. */
const DEFAULT_PASSTHROUGH = ['(?:ftp|http|https|no)_proxy', '(?:FTP|HTTP|HTTPS|NO)_PROXY'];

async function scriptFailure(status: number, tail: string, log: string): Promise<StackError> {
  const said = tail === '' ? '' : `; it said last:\n${tail}`;
  const { bavail, bsize } = await fs.statfs(path.dirname(log));
  if (bavail * bsize < NO_SPACE) {
    return new StackError('STACK7002', `no space is left in the store, and the script failed${said}`, {
      hint: 'free some space, or set STACK_HOME to a directory on a larger file system; nothing half-written was kept',
    });
  }
  return new StackError('STACK4020', `the script exited with status ${String(status)}${said}`, {
    hint: `the whole output is in ${log}`,
  });
}

/** Bytes that a file system which a script has filled may still have. */
const NO_SPACE = 64 * 1024;

function firstLine(script: string): string {
  const line = script.split('\n').find((each) => each.trim() !== '' && !each.startsWith('#!')) ?? '';
  return line.trim().slice(0, 80);
}
