import { mapParallel } from '../core';
import { isDigest } from '../oci';
import { packTree, PathList } from '../pack';
import type { BuildContext } from './context';
import type { KnownDelta } from './delta';

/** Digests of path indexes by what deltas are by content. Another number forgets them: layers are read by other rules. */
const INDEXES = 'indexes-2';

/** Indexes read at a time: of a layer that nobody knows the paths of, it is transferred and unpacked. */
const READ_AT_A_TIME = 4;

/** Remembers where the path index of a delta is. */
export async function recordIndex({ store }: BuildContext, contentKey: string, index: string): Promise<void> {
  await store.writeRecord(INDEXES, contentKey, index);
}

/**
 * The paths of a delta. Their index was kept when the delta was packed; of a layer that existed before it is made once.
 * @throws StackError STACK7004 when it is damaged, STACK7001, STACK7002, and whatever making the tree throws
 */
export async function pathListOf(context: BuildContext, delta: KnownDelta): Promise<PathList> {
  return PathList.parse(await context.store.readBlob(await indexOf(context, delta)));
}

/** Of several deltas, in their order. @throws StackError as {@link pathListOf} */
export function pathListsOf(context: BuildContext, deltas: readonly KnownDelta[]): Promise<readonly PathList[]> {
  return mapParallel(deltas, READ_AT_A_TIME, (delta) => pathListOf(context, delta));
}

/** Of several deltas, in their order. @throws StackError as {@link indexOf} */
export function indexesOf(context: BuildContext, deltas: readonly KnownDelta[]): Promise<readonly string[]> {
  return mapParallel(deltas, READ_AT_A_TIME, (delta) => indexOf(context, delta));
}

/**
 * The digest of a delta's path index, which is that of its tree. It is the same whether the layer was built or existed before,
 * as the content key is not.
 * @throws StackError STACK7001, STACK7002, and whatever making the tree throws
 */
export async function indexOf(context: BuildContext, delta: KnownDelta): Promise<string> {
  const { store, signal } = context;
  const { contentKey } = delta;
  const find = async (): Promise<string | undefined> => {
    const index = await store.readRecord(INDEXES, contentKey);
    return isDigest(index) && (await store.hasBlob(index)) ? index : undefined;
  };
  const make = async (): Promise<string> => {
    const lines: string[] = [];
    await packTree(await delta.tree(), [], { onIndexLine: (line) => lines.push(`${line}\n`) });
    const index = await store.addBlob(lines.join(''));
    await recordIndex(context, contentKey, index);
    return index;
  };
  return store.findOrMake(`index ${contentKey}`, { find, make }, signal);
}
