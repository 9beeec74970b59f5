import type { MergeOutcome, Merger, MergeProblem, MergeRequest } from '../merger';
import { parseVersions, readVersions, Settlement } from '../versions';
import { formatAccounts, GROUP, GSHADOW, parseAccounts, PASSWD, SHADOW, type AccountFile } from './account-file';
import { filesOwnedBy, findIdCollisions } from './id-collisions';
import { mergeAccounts } from './merge-accounts';
import { formatSubordinateIds, mergeSubordinateIds, parseSubordinateIds, SUBORDINATE_IDS } from './subordinate-ids';

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
    const versions = await readVersions(request, file.path, into);
    const parsed = versions && parseVersions(versions, parseSubordinateIds, into);
    if (parsed === undefined || !isAsked(request, file.path, parsed.sides)) continue;
    const { lines, problems } = mergeSubordinateIds(file, parsed, request);
    into.problems.push(...problems);
    into.write(file.path, formatSubordinateIds(lines));
  }
  return into;
}

/** By account. */
async function mergeFile(
  request: MergeRequest,
  file: AccountFile,
  into: Settlement,
): Promise<ReadonlyMap<string, MergeProblem>> {
  const versions = await readVersions(request, file.path, into);
  const parsed = versions && parseVersions(versions, (content) => parseAccounts(file, content), into);
  if (parsed === undefined || !isAsked(request, file.path, parsed.sides)) return new Map();
  const merged = mergeAccounts(file, parsed, (ids) => filesOwnedBy(request, file, ids));
  const sides = parsed.sides.map(({ component, value }) => ({ component, accounts: value }));
  const collisions = findIdCollisions(file, parsed.base, sides, merged.accounts, request);
  into.problems.push(...collisions);
  into.write(file.path, formatAccounts(merged.accounts));
  return merged.problems;
}

/** Whether a file is asked for, or has to be looked at with the one that is. */
function isAsked({ paths }: MergeRequest, path: string, sides: readonly unknown[]): boolean {
  return paths.includes(path) || sides.length > 1;
}
