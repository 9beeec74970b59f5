import { canonicalJson, mapParallel, StackError } from '../core';
import type { LayerFormat } from '../plan';
import { identityOf, orderLayers, type Commute } from '../stack';
import type { BuiltImage, CombinedDeltas, DeltaSequence } from './built-image';
import { withCommuting } from './commuting';
import type { BuildContext } from './context';
import { layerIn, type KnownDelta } from './delta';
import { deltasIn } from './described';
import { indexesOf } from './path-lists';

/** What images consist of together in some of their formats. */
export interface OrderedDeltas extends Pick<CombinedDeltas, 'deltas' | 'combines'> {
  /** Those in which it is this; none where nothing was packed. */
  readonly formats: readonly LayerFormat[];
}

/** In one format, or in none. */
interface Sequences {
  readonly format: LayerFormat | undefined;
  readonly combines: readonly DeltaSequence[];
}

/**
 * What images consist of together, in the order in which their layers are published. Layers that rely on those below are others
 * in a filesystem image than in a tar, so that there may be more than one answer.
 * @param formats in which they are published together; none where only their files are wanted
 * @param isPacked whether they were packed in these formats
 * @throws StackError STACK5003 when images order the same layers in contradicting ways, or the formats order them differently;
 *   as `indexesOf` where nothing was packed, and as `describedDelta`
 */
export async function orderedDeltas(
  context: BuildContext,
  parts: readonly BuiltImage[],
  formats: readonly LayerFormat[],
  isPacked = formats.length > 0,
): Promise<readonly OrderedDeltas[]> {
  const plain = sequencesOf(parts);
  const plainKeys = new Map<string, string>();
  const unified = await mapParallel(formats.length === 0 ? [undefined] : formats, 1, async (format) => {
    const sequences = await sequencesIn(context, plain, format, plainKeys);
    const combines =
      isPacked && format !== undefined ? unifyLayers(sequences, format) : await unifyFiles(context, sequences);
    return { format, combines };
  });
  const ordered = await withCommuting(context, parts, formats, (commute) =>
    unified.map(({ format, combines }) => ({ format, ...inOrder(combines, commute) })),
  );
  const orders = ordered.map(({ deltas }) => keysOf(deltas, (key) => plainKeys.get(key) ?? key));
  if (new Set(orders).size > 1) {
    throw new StackError(
      'STACK5003',
      `the components share layers that are the same in one of ${formats.join(', ')} only`,
      { hint: 'publish the combination in one format' },
    );
  }
  return grouped(ordered);
}

/** Every image as its layers are in a format. */
function sequencesIn(
  context: BuildContext,
  sequences: readonly DeltaSequence[],
  format: LayerFormat | undefined,
  plainKeys: Map<string, string>,
): Promise<readonly DeltaSequence[]> {
  return mapParallel(sequences, 1, async (sequence) => {
    const deltas = await deltasIn(context, sequence.deltas, format);
    if (deltas === sequence.deltas) return sequence;
    for (const [at, { contentKey }] of deltas.entries()) {
      plainKeys.set(contentKey, sequence.deltas[at]?.contentKey ?? contentKey);
    }
    return { ...sequence, deltas };
  });
}

/** The formats in which it is the same, together. */
function grouped(ordered: readonly (Sequences & Pick<OrderedDeltas, 'deltas'>)[]): readonly OrderedDeltas[] {
  const groups = new Map<string, OrderedDeltas>();
  for (const { format, deltas, combines } of ordered) {
    const keys = keysOf(deltas, (key) => key);
    const known = groups.get(keys);
    const formats = [...(known?.formats ?? []), ...(format === undefined ? [] : [format])];
    groups.set(keys, { ...(known ?? { deltas, combines }), formats });
  }
  return [...groups.values()];
}

/** Every image once, combinations replaced by what they combine, as stacking does it. */
function sequencesOf(parts: readonly BuiltImage[]): readonly DeltaSequence[] {
  const sequences = parts.flatMap(({ path, deltas, combines, moved }) => combines ?? [{ name: path, deltas, moved }]);
  return [...new Map(sequences.map((sequence) => [sequence.name, sequence])).values()];
}

/** With one delta for each layer: what was built here and what existed before may be the same one, by other keys. */
function unifyLayers(sequences: readonly DeltaSequence[], format: LayerFormat): readonly DeltaSequence[] {
  return unify(sequences, (delta) => {
    const layer = layerIn(delta, format);
    if (layer === undefined) throw new StackError('STACK9001', `'${delta.createdBy}' was not packed as ${format}`);
    return identityOf(layer);
  });
}

/** The same where nothing was packed, so that all that is known of layers is their files. */
async function unifyFiles(
  context: BuildContext,
  sequences: readonly DeltaSequence[],
): Promise<readonly DeltaSequence[]> {
  if (sequences.length < 2) return sequences;
  const deltas = [...new Set(sequences.flatMap((sequence) => sequence.deltas))];
  const found = await indexesOf(context, deltas);
  const indexes = new Map(deltas.map((delta, at) => [delta, found[at]]));
  return unify(sequences, (delta) => indexes.get(delta) ?? delta.contentKey);
}

/** The first delta of each identity in the place of all. Sequences in which nothing changes stay: views are kept for them. */
function unify(sequences: readonly DeltaSequence[], identify: (delta: KnownDelta) => string): readonly DeltaSequence[] {
  const known = new Map<string, KnownDelta>();
  const firstOf = (delta: KnownDelta): KnownDelta => {
    const identity = identify(delta);
    const first = known.get(identity) ?? delta;
    known.set(identity, first);
    return first;
  };
  return sequences.map((sequence) => {
    const deltas = sequence.deltas.map(firstOf);
    const isChanged = deltas.some(({ contentKey }, at) => contentKey !== sequence.deltas[at]?.contentKey);
    return isChanged ? { ...sequence, deltas } : sequence;
  });
}

function inOrder(combines: readonly DeltaSequence[], commute?: Commute): Pick<OrderedDeltas, 'deltas' | 'combines'> {
  const known = new Map(combines.flatMap(({ deltas }) => deltas).map((delta) => [delta.contentKey, delta]));
  const order = orderLayers(
    combines.map(({ name, deltas }) => ({ name, layers: deltas.map(({ contentKey }) => contentKey) })),
    commute,
  );
  return { deltas: order.flatMap((contentKey) => known.get(contentKey) ?? []), combines };
}

function keysOf(deltas: readonly KnownDelta[], name: (key: string) => string): string {
  return canonicalJson(deltas.map(({ contentKey }) => name(contentKey)));
}
