import { isDigest, type RuntimeConfig } from '../oci';
import { SCRIPT_LIMITS, treeDigest, type Tree } from '../pack';
import { isScriptImport, type LayerPlan } from '../plan';
import type { BuildContext } from './context';
import type { Delta, KnownDelta } from './delta';
import { viewOf } from './file-view';
import { baseInput, explainMiss, keyOf, rememberInputs, type Input } from './inputs';
import { LayerImports, type ImageFiles } from './layer-imports';
import { LEFTOVERS } from './leftovers';
import { readUpper, socketsIn } from './sandbox';
import { inRunDirectory, performScript, upperOf } from './script';
import { scriptEnvironment } from './script-environment';
import { scriptInputs } from './script-inputs';
import { scriptImports } from './script-mounts';
import { settleRun } from './settle-run';
import { warnOfSockets, withoutSockets } from './sockets';
import { findSnapshot, takeSnapshot, type Snapshot } from './snapshots';
import { SystemIds } from './system-ids';

const RUNS = 'runs';
/** Another number forgets what scripts made: the sandbox, or how its result is read, has changed. */
const RUN_RULES = 5;
const NOTHING = treeDigest([]);

/** A layer whose script is to be run. */
export type RunPlan = LayerPlan & { readonly run: string };

/**
 * The delta that a layer's imports and its script make together; undefined when they change nothing.
 * The script does not run again while everything it depends on is the same by content: the base, the imports, its text,
 * its environment, the platform, the epoch, and what is said of the ids of system users where that has an effect.
 * @param image construct path
 * @param config of the base; its environment is the script's too
 * @throws StackError as `performScript`
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
  const placed = new LayerImports(
    context,
    image,
    plan.imports.filter((each) => !isScriptImport(each)),
    base,
    files,
  );
  const ids = await SystemIds.of(context, plan.idLane, base);
  const env = scriptEnvironment(context, plan, config);
  const exclude = [...(plan.exclude ?? []), ...(plan.clean === true ? LEFTOVERS : [])];
  const inputs: readonly Input[] = [
    baseInput(base),
    ...(await placed.knownInputs()),
    ...(await scriptImports(context, image, plan.imports, files).knownInputs()),
    ...(await scriptInputs(context, image, plan, plan.run, env, files)),
    { name: 'what is left out', value: exclude },
    ...(ids === undefined ? [] : [ids.input]),
    { name: 'the epoch', value: epoch },
    { name: 'the version of cdk-stack', value: RUN_RULES },
  ];
  const key = keyOf(inputs);
  const createdBy = `run ${firstLine(plan.run)}`;

  const find = async (): Promise<Outcome | undefined> => {
    const known = context.isFresh(image) ? undefined : await store.readRecord(RUNS, key);
    const snapshot = isDigest(known) && known !== NOTHING ? await findSnapshot(store, key) : undefined;
    if (!isDigest(known) || (known !== NOTHING && snapshot === undefined)) return undefined;
    await rememberInputs(context, image, inputs);
    if (snapshot === undefined) return {};
    return { delta: { contentKey: known, createdBy, tree: snapshot.tree } };
  };
  const perform = async (directory: string): Promise<Snapshot> => {
    const imported = await placed.assemble();
    const view = await viewOf(base, epoch);
    const over = ids?.tree(view) ?? [];
    const mounts = await ids?.mounts(view, directory);
    const script = { image, plan, script: plan.run, env, base, imported, over, files, directory, mounts };
    const started = await performScript(context, script);
    const { namespace } = await context.sandbox();
    const { signal } = context;
    const upper = upperOf(directory);
    const sockets = await socketsIn(namespace, upper, { signal });
    warnOfSockets(context, image, sockets, exclude);
    const changes = readUpper(namespace, upper, { signal }) as AsyncIterable<Buffer>;
    const before = new Map(imported.map((entry) => [entry.path, entry]));
    const settle = (tree: Tree): Tree =>
      settleRun(withoutSockets(ids?.remove(tree) ?? tree, sockets), view, {
        started,
        epoch,
        exclude,
        imported: before,
      });
    return takeSnapshot(store, () => key, changes, {
      name: 'what the script changed',
      layer: 'overlay',
      limits: SCRIPT_LIMITS,
      settle,
    });
  };
  const make = async (): Promise<Outcome> => {
    await explainMiss(context, image, inputs);
    const snapshot = await inRunDirectory(context, perform);
    const tree = await snapshot.tree();
    const contentKey = treeDigest(tree);
    await store.writeRecord(RUNS, key, contentKey);
    await rememberInputs(context, image, inputs);
    return tree.length === 0 ? {} : { delta: { contentKey, createdBy, tree: snapshot.tree, atHand: tree } };
  };
  return (await store.findOrMake(`run ${key}`, { find, make }, context.signal)).delta;
}

/** What a script made; no delta when it changed nothing. */
interface Outcome {
  readonly delta?: Delta;
}

function firstLine(script: string): string {
  const line = script.split('\n').find((each) => each.trim() !== '' && !each.startsWith('#!')) ?? '';
  return line.trim().slice(0, 80);
}
