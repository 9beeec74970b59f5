import {
  errorOf,
  explainPath,
  explainPaths,
  warningsOf,
  type Combination,
  type Conflict,
  type Explanation,
  type ProvidedPaths,
} from '../stack';
import type { CombinedDeltas } from './built-image';
import { combinationOf } from './combined';
import type { BuildContext } from './context';
import { settleConflicts, settlersIn, type GlueDelta, type Settlement } from './settle-conflicts';

/**
 * Tells conflicts as warnings, or throws those that are errors.
 * @param image construct path
 * @returns what settles the others, if any has to be settled
 * @throws StackError STACK5010 to STACK5029, and as `pathListOf`
 */
export async function checkConflicts(
  context: BuildContext,
  image: string,
  combined: CombinedDeltas,
): Promise<GlueDelta | undefined> {
  const { report, glue, known } = await settleConflicts(context, image, combined);
  for (const { id, message } of warningsOf(report)) context.listener({ code: 'warning', id, message, image });
  const error = errorOf(report);
  if (error !== undefined) throw error;
  if (glue !== undefined) {
    context.listener({
      code: 'conflicts-settled',
      image,
      paths: report.settledCount,
      by: settlersIn(report),
      known,
    });
  }
  return glue;
}

/** Who has a path of an image, and what contradicts itself there. */
export interface ExplainedPath extends Explanation {
  /** Those at the path, and whiteouts above it that hide something of another component. */
  readonly conflicts: readonly Conflict[];
}

/**
 * Tells who provides each path of an image that a glob matches, the glue layer included.
 * @param pattern over absolute paths; `/` is everything
 * @throws StackError as `settleConflicts`
 */
export async function explainPathsIn(
  context: BuildContext,
  image: string,
  combined: CombinedDeltas,
  pattern: string,
): Promise<ProvidedPaths> {
  return explainPaths(await withGlue(context, combined, await settleConflicts(context, image, combined)), pattern);
}

/** The layers of an image with its glue layer. */
function withGlue(context: BuildContext, combined: CombinedDeltas, { glue }: Settlement): Promise<Combination> {
  const deltas = [...combined.deltas, ...(glue === undefined ? [] : [glue.delta])];
  return combinationOf(context, { ...combined, deltas });
}

/**
 * Tells which layers have a path, the glue layer included.
 * @param path absolute
 * @throws StackError as `settleConflicts`
 */
export async function explainIn(
  context: BuildContext,
  image: string,
  combined: CombinedDeltas,
  path: string,
): Promise<ExplainedPath> {
  const settlement = await settleConflicts(context, image, combined);
  const { report } = settlement;
  const explanation = explainPath(await withGlue(context, combined, settlement), path);
  const { resolved, providers } = explanation;
  // A report lists some of what a whiteout hides.
  const conflicts = report.conflicts.filter((conflict) => {
    const isAbove = conflict.hidden !== undefined && resolved.startsWith(`${conflict.path.replace(/\/$/, '')}/`);
    return conflict.path === resolved || (isAbove && providers.length > 0);
  });
  return { ...explanation, conflicts };
}
