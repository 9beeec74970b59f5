import { reopened, StackError } from '../core';
import { isDigest } from '../oci';
import { treeDigest, type Tree } from '../pack';
import { isScriptImport, type LayerPlan } from '../plan';
import type { BuildContext } from './context';
import type { Delta, KnownDelta } from './delta';
import { baseInput, explainMiss, keyOf, rememberInputs, wasBuilt, type Input } from './inputs';
import { LayerImports, type ImageFiles } from './layer-imports';

const DELTAS = 'deltas';
/** Another number forgets which inputs gave which trees: the rules of imports have changed. */
const IMPORT_RULES = 4;
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
    if (isDigest(contentKey)) await rememberInputs(context, image, withRest(known));
    if (contentKey === NOTHING) return undefined;
    if (isDigest(contentKey)) {
      return { contentKey, createdBy, tree: new Reassembly(imports.again(), contentKey).tree };
    }
  }
  const tree = await imports.assemble();
  const contentKey = treeDigest(tree);
  if (contentKey !== undefined) await remember(contentKey);
  if (tree.length === 0) return undefined;
  const again = new Reassembly(imports.again(), contentKey, tree);
  const learn = (key: string): Promise<void> => remember((again.contentKey = key));
  return { contentKey, createdBy, tree: again.tree, atHand: tree, remember: learn };
}

/** The tree of a layer's imports, put together again when it is asked for. */
class Reassembly {
  public readonly tree: () => Promise<Tree>;

  /**
   * @param imports are never read themselves, since they hold on to what they have read
   * @param contentKey of the tree, where it is known: a file that changed since is an error, never another layer under the same name
   * @param first the tree, where it has just been made
   */
  public constructor(
    private readonly imports: LayerImports,
    public contentKey: string | undefined,
    first?: Tree,
  ) {
    this.tree = reopened(() => this.assemble(), first);
  }

  private async assemble(): Promise<Tree> {
    const imports = this.imports.again();
    const tree = await imports.assemble();
    if (this.contentKey === undefined || (await imports.digestOf(tree)) === this.contentKey) return tree;
    throw new StackError('STACK3002', 'an imported file changed while the layer was being built', {
      hint: 'deploy again when nothing writes to it',
    });
  }
}
