import { unlessMalformed } from '../malformed';
import type { MergeOutcome, MergeProblem, MergeRequest, Merger } from '../merger';
import { notMergeable, readContents, type Contents } from '../read';
import { mergeRecords, type RecordConflict } from '../records';
import { formatStanzas } from './control-file';
import { findBrokenDependencies } from './dependencies';
import { findListProblems } from './lists';
import { isPresent, parsePackages, sortPackages, STATUS, type Package } from './package';
import { keyPackages } from './package-keys';
import { differentFields, newVersions, PACKAGE_RULES } from './package-merge';
import { ownersOf, type MergedPackages } from './merged-packages';
import { findStateProblems } from './states';

/**
 * dpkg's database of packages: three-way by package. Then the packages have to be fully installed, satisfy each other, and have
 * their lists of files.
 */
export const dpkgStatus: Merger = {
  name: 'dpkg-status',
  version: 1,
  paths: [`/${STATUS}`],
  async merge(request) {
    const read = await readContents(request, STATUS, parsePackages);
    return read.ok ? mergeStatus(request, read.contents) : outcomeOf(read.problems);
  },
};

function mergeStatus(request: MergeRequest, { base, sides }: Contents<readonly Package[]>): MergeOutcome {
  const without = sides.filter(({ value }) => value === undefined).map(({ component }) => component);
  if (base !== undefined && without.length > 0)
    return outcomeOf([notMergeable(STATUS, without, `is gone in ${without.join(', ')}, but others change it`)]);
  const [old = new Map<string, Package>(), ...lists] = keyPackages([
    base ?? [],
    ...sides.map(({ value }) => value ?? []),
  ]);
  const keyed = lists.map((records, at) => ({ component: sides[at]?.component ?? '', records }));
  const { records, conflicts } = mergeRecords(old, keyed, PACKAGE_RULES);
  if (conflicts.length > 0) return outcomeOf(conflicts.map(problemOf));
  const merged: MergedPackages = { base: old, sides: keyed, records };
  const problems = [
    ...findSiblingProblems(merged),
    ...findStateProblems(merged, request),
    ...unlessMalformed(
      () => findBrokenDependencies(merged),
      (why) => [notMergeable(STATUS, namesOf(request), why)],
    ),
    ...findListProblems(merged, request),
  ];
  if (problems.length > 0) return outcomeOf(problems);
  const content = formatStanzas(sortPackages(records.values()).map(({ stanza }) => stanza));
  return { files: new Map([[STATUS, { type: 'file', content }]]), problems };
}

function problemOf(conflict: RecordConflict<Package>): MergeProblem {
  const { key, base, changes } = conflict;
  const components = changes.map(({ component }) => component);
  const common = { path: STATUS, components };
  if (newVersions(conflict).length > 1) {
    const versions = changes.flatMap(({ component, record }) =>
      record !== undefined && isPresent(record) && record.version !== base?.version
        ? [`${record.version} in ${component}`]
        : [],
    );
    const message = `${key} has version ${versions.join(' and ')}`;
    return { code: 'PKG_VERSION_CONFLICT', ...common, message, fix: `install one version of ${key} everywhere` };
  }
  const fields = differentFields(conflict);
  const doings = changes.map(
    ({ component, record }) => `${record !== undefined && isPresent(record) ? 'changed' : 'removed'} in ${component}`,
  );
  const message =
    fields.length > 0
      ? `${key} has different ${fields.join(', ')} in ${components.join(' and ')}`
      : `${key} is ${doings.join(' and ')}`;
  return {
    code: 'MERGE_CONFLICT',
    ...common,
    message,
    fix: `do the same with ${key} everywhere, or in the shared base`,
  };
}

/** Instances of one package for several architectures share files, so they have to have one version. */
function findSiblingProblems(merged: MergedPackages): MergeProblem[] {
  const first = new Map<string, [key: string, package_: Package]>();
  const problems: MergeProblem[] = [];
  for (const [key, each] of merged.records) {
    if (!isPresent(each)) continue;
    const [otherKey, other] = first.get(each.name) ?? [key, each];
    first.set(each.name, [otherKey, other]);
    if (other.version === each.version) continue;
    const owners = [ownersOf(merged, otherKey), ownersOf(merged, key)] as const;
    if (owners[0].some((owner) => owners[1].includes(owner))) continue; // it was so before
    problems.push({
      code: 'PKG_VERSION_CONFLICT',
      path: STATUS,
      message: `${otherKey} has version ${other.version} and ${key} has ${each.version}`,
      components: [...new Set(owners.flat())],
      fix: `install one version of ${each.name} for all architectures`,
    });
  }
  return problems;
}

function namesOf(request: MergeRequest): string[] {
  return request.components.map(({ name }) => name);
}

function outcomeOf(problems: readonly MergeProblem[]): MergeOutcome {
  return { files: new Map(), problems };
}
