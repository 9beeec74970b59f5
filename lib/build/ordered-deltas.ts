import { canonicalJson, StackError } from '../core';
import type { LayerFormat } from '../plan';
import { identityOf, orderLayers, type Commute } from '../stack';
import type { BuiltImage, CombinedDeltas, DeltaSequence } from './built-image';
import { withCommuting } from './commuting';
import type { BuildContext } from './context';
import { layerIn, type KnownDelta } from './delta';
import { indexesOf } from './path-lists';

type OrderedDeltas = Pick<CombinedDeltas, 'deltas' | 'combines'>;

/**
 * What images consist of together, in the order in which their layers are published.
 * @param formats in which they are published together; none where only their files are wanted
 * @throws StackError STACK5003 when images order the same layers in contradicting ways, or the formats order them differently;
 *   as `indexesOf` where nothing was packed
 */
export async function orderedDeltas(
  context: BuildContext,
  parts: readonly BuiltImage[],
  formats: readonly LayerFormat[],
): Promise<OrderedDeltas> {
  const sequences = sequencesOf(parts);
  const unified =
    formats.length === 0
      ? [await unifyFiles(context, sequences)]
      : formats.map((format) => unifyLayers(sequences, format));
  const ordered = await withCommuting(context, parts, formats, (commute) =>
    unified.map((each) => inOrder(each, commute)),
  );
  const [first, ...others] = ordered;
  if (first === undefined) throw new StackError('STACK9001', 'there is nothing to order');
  if (others.every((other) => keysOf(other) === keysOf(first))) return first;
  throw new StackError(
    'STACK5003',
    `the components share layers that are the same in one of ${formats.join(', ')} only`,
    {
      hint: 'publish the combination in one format',
    },
  );
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

function inOrder(combines: readonly DeltaSequence[], commute?: Commute): OrderedDeltas {
  const known = new Map(combines.flatMap(({ deltas }) => deltas).map((delta) => [delta.contentKey, delta]));
  const order = orderLayers(
    combines.map(({ name, deltas }) => ({ name, layers: deltas.map(({ contentKey }) => contentKey) })),
    commute,
  );
  return { deltas: order.flatMap((contentKey) => known.get(contentKey) ?? []), combines };
}

function keysOf({ deltas }: OrderedDeltas): string {
  return canonicalJson(deltas.map(({ contentKey }) => contentKey));
}
