import type { Merger } from '../merger';
import { formatLines, parseLines, printableLine } from '../lines';
import { fault, parsed } from '../parsed';
import { mergeEachPath, mergeRecordFile, type RecordFormat } from '../record-file';
import { sortAsInDpkg } from './path-order';

/** Owner and mode that a file has, whatever its package says (dpkg-statoverride(1)). */
interface Override {
  /** `OWNER GROUP MODE`. */
  readonly stat: string;
  readonly path: string;
}

const FORMAT: RecordFormat<Override> = {
  parse(content) {
    const lines = parseLines(content);
    if (!lines.ok) return lines;
    const overrides = new Map<string, Override>();
    for (const line of lines.value) {
      const [, stat, path] = /^(\S+ \S+ [0-7]+) (\/.*)$/.exec(line) ?? [];
      if (stat === undefined || path === undefined)
        return fault(`has a line that is no override: ${printableLine(line)}`);
      if (overrides.has(path)) return fault(`has two overrides for ${printableLine(path)}`);
      overrides.set(path, { stat, path });
    }
    return parsed(overrides);
  },
  format: (overrides) =>
    formatLines(sortAsInDpkg(overrides.values(), ({ path }) => path).map(({ stat, path }) => `${stat} ${path}`)),
  isSame: (a, b) => a.stat === b.stat,
  nameOf: ({ key }) => `the override for ${printableLine(key)}`,
};

/** dpkg's overrides of owners and modes: by path. */
export const dpkgStatoverride: Merger = {
  name: 'dpkg-statoverride',
  version: 1,
  paths: ['/var/lib/dpkg/statoverride'],
  merge: (request) => mergeEachPath(request, (path) => mergeRecordFile(request, path, FORMAT)),
};
