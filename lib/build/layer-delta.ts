import { canonicalJson } from '../core';
import { digestOf, isDigest } from '../oci';
import { treeDigest } from '../pack';
import type { LayerPlan } from '../plan';
import type { BuildContext } from './context';
import type { Delta, KnownDelta } from './delta';
import { LayerImports, type ImageFiles } from './layer-imports';

const DELTAS = 'deltas';
/** Another number forgets which inputs gave which trees: the rules of imports have changed. */
const IMPORT_RULES = 1;
/** Of a tree without entries. */
const NOTHING = treeDigest([]);

/**
 * The delta that a layer's imports make on top of its base; undefined when they change nothing.
 * Nothing is read when the imports are known not to have changed since they were last put together.
 * @param image construct path of the image, for events
 * @throws StackError STACK2006, STACK3001 to STACK3005, STACK3020, STACK3021, STACK4004
 */
export async function layerDelta(
  context: BuildContext,
  image: string,
  plan: LayerPlan,
  base: readonly KnownDelta[],
  files: ImageFiles,
): Promise<Delta | undefined> {
  if (plan.imports.length === 0) return undefined;
  const { store, epoch } = context;
  const imports = new LayerImports(context, image, plan.imports, base, files);
  const findKey = async (): Promise<string | undefined> => {
    const inputs = await imports.inputs();
    return inputs && digestOf(canonicalJson({ rules: IMPORT_RULES, epoch, base: keysOf(base), imports: inputs }));
  };
  const remember = async (contentKey: string): Promise<void> => {
    const key = await findKey();
    if (key !== undefined) await store.writeRecord(DELTAS, key, contentKey);
  };
  const createdBy = `import ${plan.imports.map(({ dest }) => dest).join(' ')}`;

  const key = await findKey();
  const known = key === undefined ? undefined : await store.readRecord(DELTAS, key);
  if (known === NOTHING) return undefined;
  if (isDigest(known)) return { contentKey: known, createdBy, tree: () => imports.assemble() };

  const tree = await imports.assemble();
  const contentKey = treeDigest(tree);
  if (contentKey !== undefined) await remember(contentKey);
  if (tree.length === 0) return undefined;
  return { contentKey, createdBy, tree: () => Promise.resolve(tree), remember };
}

function keysOf(deltas: readonly KnownDelta[]): readonly string[] {
  return deltas.map(({ contentKey }) => contentKey);
}
