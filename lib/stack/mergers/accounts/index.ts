import type { MergeOutcome, Merger, MergeProblem, MergeRequest } from '../merger';
import { ofLines } from '../lines';
import { Settlement } from '../settlement';
import { parseContested } from '../versions';
import { formatAccounts, GROUP, GSHADOW, parseAccounts, PASSWD, SHADOW, type AccountFile } from './account-file';
import { filesOwnedBy, findIdCollisions } from './id-collisions';
import { mergeAccounts } from './merge-accounts';
import { mergeSubordinateIds, parseSubordinateIds, SUBORDINATE_IDS } from './subordinate-ids';

/** Files that are about the same accounts; the first has the ids. */
const PAIRS = [
  [PASSWD, SHADOW],
  [GROUP, GSHADOW],
] as const;

/**
 * Users and groups, by name and by field: `/etc/passwd` and its kin.
 *
 * An id with two names, or a name with two ids, is an error that lists the files which would change their owner. No message
 * ever shows a password's hash, or anything else out of shadow and gshadow.
 */
export const accounts: Merger = {
  name: 'accounts',
  version: 1,
  paths: [...PAIRS.flat(), ...SUBORDINATE_IDS].map(({ path }) => `/${path}`),
  merge,
};

async function merge(request: MergeRequest): Promise<MergeOutcome> {
  const into = new Settlement();
  for (const pair of PAIRS) {
    const known = new Set<string>(); // accounts that something is wrong with: it is told once
    for (const file of pair) {
      const problems = await mergeFile(request, file, into);
      into.problems.push(...[...problems].flatMap(([name, problem]) => (known.has(name) ? [] : [problem])));
      for (const name of problems.keys()) known.add(name);
    }
  }
  for (const file of SUBORDINATE_IDS) {
    const parsed = await parseContested(request, file.path, parseSubordinateIds, into);
    if (parsed === undefined) continue;
    const { lines, problems } = mergeSubordinateIds(file, parsed, request);
    into.problems.push(...problems);
    into.write(file.path, ofLines(lines));
  }
  return into;
}

/** By account. */
async function mergeFile(
  request: MergeRequest,
  file: AccountFile,
  into: Settlement,
): Promise<ReadonlyMap<string, MergeProblem>> {
  const parsed = await parseContested(request, file.path, (content) => parseAccounts(file, content), into);
  if (parsed === undefined) return new Map();
  const merged = mergeAccounts(file, parsed, (ids) => filesOwnedBy(request, file, ids));
  const sides = parsed.sides.map(({ component, value }) => ({ component, accounts: value }));
  const collisions = findIdCollisions(file, parsed.base, sides, merged.accounts, request);
  into.problems.push(...collisions);
  into.write(file.path, formatAccounts(merged.accounts));
  return merged.problems;
}
