import { isDigest } from '../oci';
import { treeDigest } from '../pack';
import { isScriptImport, type LayerPlan } from '../plan';
import type { BuildContext } from './context';
import type { Delta, KnownDelta } from './delta';
import { baseInput, explainMiss, keyOf, rememberInputs, wasBuilt, type Input } from './inputs';
import { LayerImports, type ImageFiles } from './layer-imports';

const DELTAS = 'deltas';
/** Another number forgets which inputs gave which trees: the rules of imports have changed. */
const IMPORT_RULES = 2;
/** Of a tree without entries. */
const NOTHING = treeDigest([]);

/**
 * The delta that a layer's imports make on top of its base; undefined when they change nothing.
 * Nothing is read when the imports are known not to have changed since they were last put together.
 * @param image construct path
 * @throws StackError STACK2006, STACK3001 to STACK3005, STACK3020, STACK3021, STACK4004
 */
export async function layerDelta(
  context: BuildContext,
  image: string,
  plan: LayerPlan,
  base: readonly KnownDelta[],
  files: ImageFiles,
): Promise<Delta | undefined> {
  const placed = plan.imports.filter((each) => !isScriptImport(each));
  if (placed.length === 0) return undefined;
  const { store, epoch } = context;
  const imports = new LayerImports(context, image, placed, base, files);
  const withRest = (inputs: readonly Input[]): readonly Input[] => [
    baseInput(base),
    ...inputs,
    { name: 'the epoch', value: epoch },
    { name: 'the version of cdk-stack', value: IMPORT_RULES },
  ];
  const createdBy = `import ${placed.map(({ dest }) => dest).join(' ')}`;
  const remember = async (contentKey: string): Promise<void> => {
    const known = await imports.inputs(); // only what was read: a file may have changed since
    if (known === undefined) return;
    await store.writeRecord(DELTAS, keyOf(withRest(known)), contentKey);
    await explainMiss(context, image, withRest(known));
    await rememberInputs(context, image, withRest(known));
  };

  // The first time, files are read only once, as they are packed. Later on what changed may be as it was.
  const known =
    (await imports.inputs()) ?? ((await wasBuilt(context, image)) ? await imports.knownInputs() : undefined);
  if (known !== undefined && !context.isFresh(image)) {
    const contentKey = await store.readRecord(DELTAS, keyOf(withRest(known)));
    if (contentKey === NOTHING) return undefined;
    if (isDigest(contentKey)) return { contentKey, createdBy, tree: () => imports.assemble() };
  }
  const tree = await imports.assemble();
  const contentKey = treeDigest(tree);
  if (contentKey !== undefined) await remember(contentKey);
  if (tree.length === 0) return undefined;
  return { contentKey, createdBy, tree: () => Promise.resolve(tree), remember };
}
