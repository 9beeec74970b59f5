import type { MergedComponent, MergeProblem, MergeRequest } from '../merger';
import { isPresent, type Package } from './package';
import type { MergedPackages } from './merged-packages';

const INFO = 'var/lib/dpkg/info';

/**
 * Finds packages that lost the lists of their files by being stacked, and lists that lost their packages: dpkg would take the
 * files for nobody's, and never remove them.
 */
export function findListProblems({ records, sides }: MergedPackages, request: MergeRequest): MergeProblem[] {
  const problems: MergeProblem[] = [];
  for (const [key, each] of records) {
    if (!isPresent(each)) continue;
    const paths = listsOf(each);
    if (paths.some((path) => request.stacked.get(path) !== undefined)) continue;
    const having = request.components.filter(
      ({ files }, at) => sides[at]?.records.has(key) === true && paths.some((path) => files.get(path) !== undefined),
    );
    if (having.length === 0) continue; // it was so before
    problems.push({
      code: 'PKG_STATE',
      path: paths.find((path) => having.some(({ files }) => files.get(path))) ?? INFO,
      message: `${key} is installed, but its list of files is gone`,
      components: request.components.map(({ name }) => name),
      fix: `remove ${each.name} with dpkg, or leave its list alone`,
    });
  }
  return [...problems, ...findOrphans(records.values(), sides, request)];
}

function findOrphans(
  packages: Iterable<Package>,
  sides: MergedPackages['sides'],
  request: MergeRequest,
): MergeProblem[] {
  const known = new Set([...packages].flatMap(listsOf));
  const knownBySides = sides.map((side) => new Set([...side.records.values()].flatMap(listsOf)));
  return request.stacked.under(INFO).flatMap(({ path }): MergeProblem[] => {
    const name = path.slice(INFO.length + 1);
    if (!name.endsWith('.list') || name.includes('/') || known.has(path)) return [];
    const wasKnown = ({ files }: MergedComponent, at: number): boolean =>
      files.get(path) !== undefined && knownBySides[at]?.has(path) === true;
    if (!request.components.some(wasKnown)) return []; // it was nobody's before
    return [
      {
        code: 'PKG_STATE',
        path,
        message: `the package of /${path} is not installed any more, but its list of files is there`,
        components: request.components.map(({ name: component }) => component),
        fix: 'remove the package in the same way everywhere',
      },
    ];
  });
}

/** Where the list of a package may be: with the architecture in its name for packages that may have siblings. */
function listsOf({ name, architecture }: Package): string[] {
  return [`${INFO}/${name}:${architecture}.list`, `${INFO}/${name}.list`];
}
