import type { MergeProblem, MergeRequest } from '../merger';
import { displayName, STATUS, type Package } from './package';
import { ownersOf, type MergedPackages } from './merged-packages';

const UPDATES = 'var/lib/dpkg/updates';

/** Finds packages that dpkg has not finished with: what it still has to do would be done to other files than it knows. */
export function findStateProblems(merged: MergedPackages, request: MergeRequest): MergeProblem[] {
  const problems: MergeProblem[] = [];
  for (const [key, each] of merged.records) {
    const state = unfinished(each);
    if (state === undefined) continue;
    problems.push({
      code: 'PKG_STATE',
      path: STATUS,
      message: `${displayName(each)} ${state}`,
      components: ownersOf(merged, key),
      fix: `finish its installation where ${each.name} is installed: dpkg --configure -a`,
    });
  }
  for (const { name, files } of request.components) {
    const journal = files.under(UPDATES).find(({ path }) => /\/\d+$/.test(path));
    if (journal === undefined) continue;
    problems.push({
      code: 'PKG_STATE',
      path: journal.path,
      message: `dpkg was interrupted in ${name}`,
      components: [name],
      fix: 'finish its work there: dpkg --configure -a',
    });
  }
  return problems;
}

function unfinished({ state, flag, stanza }: Package): string | undefined {
  if (!['installed', 'config-files', 'not-installed'].includes(state)) return `is ${state}`;
  if (flag !== 'ok') return 'has to be installed again';
  if (stanza.fields.has('triggers-pending')) return 'has pending triggers';
  if (stanza.fields.has('triggers-awaited')) return 'waits for triggers of other packages';
  return undefined;
}
