import { canonicalJson, StackError } from '../core';
import { digestOf, hexOf, isDigest } from '../oci';
import { mergeTrees, sortTree, treeDigest, type Entry, type Tree } from '../pack';
import type { ImportPlan, LayerPlan } from '../plan';
import type { BuildContext } from './context';
import type { Delta } from './delta';
import { hashFile } from './host-files';
import { hostContent, imageContent, placeImport, type ImportContent } from './imports';
import { requireSha256 } from './root-tar';

const DELTAS = 'deltas';
/** Another number forgets which inputs gave which trees: the rules of imports have changed. */
const IMPORT_RULES = 1;

/** A delta whose content is known. */
export type KnownDelta = Delta & { readonly contentKey: string };

/** What an image looks like from inside, for imports from it and over it. */
export type ImageFiles = (image: string) => readonly KnownDelta[];

/**
 * The delta that a layer's imports make on top of its base; undefined when it has none.
 * Nothing is read when the imports are known not to have changed since they were last put together.
 * @throws StackError STACK3001 to STACK3005, STACK4004
 */
export async function layerDelta(
  context: BuildContext,
  plan: LayerPlan,
  base: readonly KnownDelta[],
  files: ImageFiles,
): Promise<Delta | undefined> {
  if (plan.imports.length === 0) return undefined;
  const hosts = new Map<ImportPlan, ImportContent>();
  for (const each of plan.imports) {
    if (each.source.type !== 'path') continue;
    const content = hostContent(context, each, each.source.path);
    hosts.set(each, each.sha256 === undefined ? content : await verified(each, content));
  }
  const createdBy = `import ${plan.imports.map(({ dest }) => dest).join(' ')}`;
  const make = async (): Promise<Tree> => assemble(context, plan, base, files, hosts);
  const key = inputsKey(context, plan, base, files, hosts);
  if (key !== undefined) {
    const known = await context.store.readRecord(DELTAS, key);
    if (isDigest(known)) return { contentKey: known, createdBy, tree: make };
  }
  const tree = await make();
  const contentKey = treeDigest(tree);
  if (key !== undefined && contentKey !== undefined) await context.store.writeRecord(DELTAS, key, contentKey);
  return { contentKey, createdBy, tree: () => Promise.resolve(tree) };
}

/** Hash of everything the tree depends on; undefined while some file's content is not known. */
function inputsKey(
  context: BuildContext,
  plan: LayerPlan,
  base: readonly KnownDelta[],
  files: ImageFiles,
  hosts: ReadonlyMap<ImportPlan, ImportContent>,
): string | undefined {
  const imports: unknown[] = [];
  for (const each of plan.imports) {
    const { dest, mode, uid, gid, exclude, source } = each;
    const content =
      source.type === 'path'
        ? treeDigest(hosts.get(each)?.entries ?? [])
        : files(source.image).map(({ contentKey }) => contentKey);
    if (content === undefined) return undefined;
    imports.push({ dest, mode, uid, gid, exclude, path: source.path, content });
  }
  return digestOf(
    canonicalJson({
      rules: IMPORT_RULES,
      epoch: context.epoch,
      base: base.map(({ contentKey }) => contentKey),
      imports,
    }),
  );
}

async function assemble(
  context: BuildContext,
  plan: LayerPlan,
  base: readonly KnownDelta[],
  files: ImageFiles,
  hosts: ReadonlyMap<ImportPlan, ImportContent>,
): Promise<Tree> {
  const below = await viewOf(base);
  const delta = new Map<string, Entry>();
  for (const each of plan.imports) {
    let content = hosts.get(each);
    if (content === undefined && each.source.type === 'image-file') {
      content = imageContent(await viewOf(files(each.source.image)), each.source.image, each.source.path, each.exclude);
      if (each.sha256 !== undefined) content = await verified(each, content);
    }
    if (content !== undefined) placeImport(context, delta, below, each, content);
  }
  return sortTree(delta.values());
}

/** What a container of these deltas sees. */
export async function viewOf(deltas: readonly KnownDelta[]): Promise<ReadonlyMap<string, Entry>> {
  return mergeTrees(await Promise.all(deltas.map((delta) => delta.tree())));
}

/** An import that names a sha256: of the file, or for a directory of its path index. */
async function verified(plan: ImportPlan, content: ImportContent): Promise<ImportContent> {
  const entries = await Promise.all(
    content.entries.map(async (entry) =>
      entry.type === 'file' && entry.sha256 === undefined && entry.content.kind === 'host'
        ? { ...entry, sha256: await hashFile(entry.content.file) }
        : entry,
    ),
  );
  const [top] = entries;
  const actual = top?.type === 'file' ? top.sha256 : hexOf(treeDigest(entries) ?? '');
  if (actual === undefined || actual === '')
    throw new StackError('STACK9001', `the sha256 of '${plan.source.path}' is not known`);
  requireSha256(`'${plan.source.path}'`, plan.sha256, actual);
  return { ...content, entries };
}
