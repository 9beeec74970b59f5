import { canonicalJson } from '../core';
import { digestOf } from '../oci';
import type { ConflictsPlan } from '../plan';
import {
  Combination,
  CONFLICT_RULES,
  errorOf,
  explainPath,
  findConflicts,
  warningsOf,
  type ConflictReport,
  type Explanation,
  type IndexedLayer,
} from '../stack';
import type { DeltaSequence } from './built-image';
import type { BuildContext } from './context';
import type { KnownDelta } from './delta';
import { pathListOf } from './path-lists';

const CONFLICTS = 'conflicts';

/** What is combined, and how. */
export interface CombinedDeltas {
  /** Bottom to top. */
  readonly deltas: readonly KnownDelta[];
  readonly combines: readonly DeltaSequence[];
  readonly rules?: ConflictsPlan | undefined;
}

/**
 * Looks for conflicts between the components of a combination, once: the outcome is remembered by the layers and the rules, and
 * no index is read when it is known.
 * @throws StackError as `pathListOf`
 */
export async function conflictsOf(context: BuildContext, combined: CombinedDeltas): Promise<ConflictReport> {
  const { deltas, combines, rules = {} } = combined;
  if (combines.length < 2) return { conflicts: [], counts: [] };
  const { store, signal } = context;
  const key = digestOf(
    canonicalJson({
      version: CONFLICT_RULES,
      layers: deltas.map(({ contentKey, createdBy }) => [contentKey, createdBy]),
      components: combines.map((each) => [each.name, each.deltas.map(({ contentKey }) => contentKey)]),
      rules,
    }),
  );
  return store.findOrMake(
    `conflicts ${key}`,
    {
      find: async () => {
        const known = await store.readRecord(CONFLICTS, key);
        return isReport(known) ? known : undefined;
      },
      make: async () => {
        const report = findConflicts(await combinationOf(context, combined), rules);
        await store.writeRecord(CONFLICTS, key, report);
        return report;
      },
    },
    signal,
  );
}

/**
 * Tells conflicts as warnings, or throws those that are errors.
 * @param image construct path
 * @throws StackError STACK5010 to STACK5020, and as `pathListOf`
 */
export async function checkConflicts(context: BuildContext, image: string, combined: CombinedDeltas): Promise<void> {
  const report = await conflictsOf(context, combined);
  for (const { id, message } of warningsOf(report)) context.listener({ code: 'warning', id, message, image });
  const error = errorOf(report);
  if (error !== undefined) throw error;
}

/** Tells which layers have a path. @throws StackError as `pathListOf` */
export async function explainIn(context: BuildContext, combined: CombinedDeltas, path: string): Promise<Explanation> {
  return explainPath(await combinationOf(context, combined), path);
}

async function combinationOf(context: BuildContext, { deltas, combines }: CombinedDeltas): Promise<Combination> {
  const layers: IndexedLayer[] = [];
  for (const delta of deltas) {
    const { contentKey: key, createdBy } = delta;
    layers.push({ key, createdBy, list: await pathListOf(context, delta) });
  }
  const components = combines.map((each) => ({
    name: each.name,
    layers: each.deltas.map(({ contentKey }) => contentKey),
  }));
  return new Combination(layers, components);
}

function isReport(value: unknown): value is ConflictReport {
  if (typeof value !== 'object' || value === null) return false;
  const { conflicts, counts } = value as Partial<Record<keyof ConflictReport, unknown>>;
  return Array.isArray(conflicts) && Array.isArray(counts);
}
