import { canonicalJson, reopened } from '../core';
import { digestOf, isDigest } from '../oci';
import { treeDigest, type Tree } from '../pack';
import { CONFLICT_RULES, DIVERSIONS, findConflicts, type Combination, type ConflictReport } from '../stack';
import type { CombinedDeltas } from './built-image';
import { combinationOf } from './combined';
import type { BuildContext } from './context';
import type { KnownDelta } from './delta';
import type { KeyedMerger } from './keyed-merger';
import { mergersOf } from './mergers';
import { pathListsOf } from './path-lists';
import { Settling } from './settling';

const SETTLEMENTS = 'settlements';

/** What a combination needs on top. */
export interface GlueDelta {
  readonly delta: KnownDelta;
  /** What it was made with, besides layers. */
  readonly rules: Readonly<Record<string, unknown>>;
}

/** What came of the conflicts of a combination. */
export interface Settlement {
  readonly report: ConflictReport;
  /** Whether nothing had to be compared, since the outcome was remembered. */
  readonly known: boolean;
  /** Where something was merged or put back, and nothing is an error. */
  readonly glue?: GlueDelta | undefined;
}

/** A settlement as the store keeps it; the glue is merged anew where it must be packed anew. */
interface SettlementRecord {
  readonly report: ConflictReport;
  readonly glue?: { readonly contentKey: string; readonly createdBy: string } | undefined;
}

/**
 * Looks for conflicts between the components of a combination and settles what can be, once: the outcome is remembered by
 * everything it depends on, and no index is read when it is known.
 * @param image construct path
 * @throws StackError STACK5029 for a merger of the app that cannot be used; STACK3002, STACK3003, STACK7004 where contents are
 *   read; and as `pathListOf`
 */
export async function settleConflicts(
  context: BuildContext,
  image: string,
  combined: CombinedDeltas,
): Promise<Settlement> {
  const { how = {} } = combined;
  const { deltas, combines } = combined.compared ?? combined;
  if (combines.length < 2) return { report: { conflicts: [], counts: [], settled: [], settledCount: 0 }, known: true };
  const { store, signal, epoch } = context;
  const mergers = await mergersOf(context, how.mergers);
  const rules = {
    version: CONFLICT_RULES,
    rules: how.conflicts ?? {},
    mergers: mergers.map(({ key }) => key),
    glue: how.glue ?? 'allow',
    epoch,
  };
  const inputs = digestOf(
    canonicalJson({
      ...rules,
      layers: deltas.map(({ contentKey, createdBy }) => [contentKey, createdBy]),
      components: combines.map((each) => [each.name, each.deltas.map(({ contentKey }) => contentKey)]),
    }),
  );
  let made: { readonly record: SettlementRecord; readonly tree?: Tree | undefined } | undefined;
  const { report, glue } = await store.findOrMake(
    `settle ${inputs}`,
    {
      find: async () => {
        const known = context.isFresh(image) ? undefined : await store.readRecord(SETTLEMENTS, inputs);
        return isRecord(known) ? known : undefined;
      },
      make: async () => {
        made = await settle(context, combined, mergers);
        await store.writeRecord(SETTLEMENTS, inputs, made.record);
        return made.record;
      },
    },
    signal,
  );
  const known = made === undefined;
  if (glue === undefined) return { report, known };
  const delta = { ...glue, tree: glueTree(context, combined, mergers, made?.tree), atHand: made?.tree };
  return { report, known, glue: { rules, delta } };
}

function glueTree(
  context: BuildContext,
  combined: CombinedDeltas,
  mergers: readonly KeyedMerger[],
  first: Tree | undefined,
): () => Promise<Tree> {
  return reopened(async () => (await settle(context, combined, mergers)).tree ?? [], first);
}

async function settle(
  context: BuildContext,
  combined: CombinedDeltas,
  mergers: readonly KeyedMerger[],
): Promise<{ readonly record: SettlementRecord; readonly tree?: Tree | undefined }> {
  const { how = {}, compared = combined } = combined;
  const combination = await combinationOf(context, compared);
  const findings = findConflicts(combination, { rules: how.conflicts, mergers: mergers.map(({ paths }) => paths) });
  const { report, claims, restorations } = findings;
  const diverts = hasOwnDiversions(combination);
  if (claims.size === 0 && restorations.size === 0 && !diverts) return { record: { report: report.build() } };
  const settling = await Settling.of(compared, combination, findings, context.epoch);
  settling.restore();
  await settling.merge(mergers);
  if (diverts) await settling.checkDiversions();
  if (how.glue === 'forbid' && !settling.glue.isEmpty) report.forbidGlue();
  if (report.hasErrors || settling.glue.isEmpty) return { record: { report: report.build(false) } };
  const published =
    compared === combined ? combination.indexed.map(({ list }) => list) : await pathListsOf(context, combined.deltas);
  const tree = settling.glue.tree(published);
  const contentKey = treeDigest(tree) ?? '';
  const built = report.build();
  return { record: { report: built, glue: { contentKey, createdBy: `glue ${settlersIn(built).join(', ')}` } }, tree };
}

/** Whether a component has diversions that another one may not know. */
function hasOwnDiversions(combination: Combination): boolean {
  const { components } = combination;
  return combination.placesOf(DIVERSIONS).some(({ layer }) => combination.ownersOf(layer).length < components.length);
}

/** The mergers and rules that settle something, sorted. */
export function settlersIn({ settled }: ConflictReport): readonly string[] {
  return [...new Set(settled.map(({ by }) => by))].sort();
}

function isRecord(value: unknown): value is SettlementRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { report, glue } = value as Partial<Record<keyof SettlementRecord, unknown>>;
  const { conflicts, counts, settled } = Object(report) as Partial<Record<keyof ConflictReport, unknown>>;
  if (![conflicts, counts, settled].every((each) => Array.isArray(each))) return false;
  return glue === undefined || isDigest((Object(glue) as { readonly contentKey?: unknown }).contentKey);
}
