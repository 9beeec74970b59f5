import type { Merger, MergeProblem } from '../merger';
import { readContents } from '../read';
import { mergeEachPath } from '../record-file';
import { mergeRecords, type Records } from '../records';

const DIRECTORY = 'var/lib/dpkg/status.d';

/**
 * Packages of images without dpkg: a file each. Those of components add up; only one file that is not the same in two
 * has to be looked at, and is then another version of the package.
 */
export const dpkgStatusFiles: Merger = {
  name: 'dpkg-status-files',
  version: 1,
  paths: [`/${DIRECTORY}/*`],
  merge: (request) =>
    mergeEachPath(request, async (path) => {
      const read = await readContents(request, path, (content) => content.toString('latin1'));
      if (!read.ok) return { files: new Map(), problems: read.problems };
      const { base, sides } = read.contents;
      const recordsOf = (text: string | undefined): Records<string> =>
        new Map(text === undefined ? [] : [[path, text]]);
      const { records, conflicts } = mergeRecords(
        recordsOf(base),
        sides.map(({ component, value }) => ({ component, records: recordsOf(value) })),
        { isSame: (a, b) => a === b },
      );
      const [conflict] = conflicts;
      if (conflict !== undefined) return { files: new Map(), problems: [problemOf(path, conflict.changes)] };
      const text = records.get(path);
      const file =
        text === undefined
          ? ({ type: 'removed' } as const)
          : ({ type: 'file', content: Buffer.from(text, 'latin1') } as const);
      return { files: new Map([[path, file]]), problems: [] };
    }),
};

type Changes = readonly { readonly component: string; readonly record: string | undefined }[];

function problemOf(path: string, changes: Changes): MergeProblem {
  const name = path.slice(DIRECTORY.length + 1);
  const versions = changes.flatMap(({ component, record }) => {
    const version = /^Version: *([A-Za-z0-9.+~:-]{1,256})$/m.exec(record ?? '')?.[1];
    return version === undefined ? [] : [{ component, version }];
  });
  const isOther = new Set(versions.map(({ version }) => version)).size > 1;
  const where = versions.map(({ component, version }) => `${version} in ${component}`);
  const components = changes.map(({ component }) => component);
  return {
    code: isOther ? 'PKG_VERSION_CONFLICT' : 'MERGE_CONFLICT',
    path,
    message: isOther
      ? `${name} has version ${where.join(' and ')}`
      : `what is known of ${name} is not the same in ${components.join(' and ')}`,
    components,
    fix: `take one version of the package everywhere`,
  };
}
