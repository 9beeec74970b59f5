import { errorOf, explainPath, warningsOf, type ConflictReport, type Explanation } from '../stack';
import type { CombinedDeltas } from './built-image';
import { combinationOf } from './combined';
import type { BuildContext } from './context';
import { settleConflicts, settlersIn, type GlueDelta } from './settle-conflicts';

/** Where the components of a combination contradict each other. @throws StackError as `settleConflicts` */
export async function conflictsOf(
  context: BuildContext,
  image: string,
  combined: CombinedDeltas,
): Promise<ConflictReport> {
  return (await settleConflicts(context, image, combined)).report;
}

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

/** Tells which layers have a path, the glue layer included. @throws StackError as `settleConflicts` */
export async function explainIn(
  context: BuildContext,
  image: string,
  combined: CombinedDeltas,
  path: string,
): Promise<Explanation> {
  const { glue } = await settleConflicts(context, image, combined);
  const deltas = [...combined.deltas, ...(glue === undefined ? [] : [glue.delta])];
  return explainPath(await combinationOf(context, { ...combined, deltas }), path);
}
