import type { Merger } from '../merger';
import { formatLines, parseLines, printableLine } from '../lines';
import { Malformed } from '../malformed';
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
    const overrides = new Map<string, Override>();
    for (const line of lines) {
      const [, stat, path] = /^(\S+ \S+ [0-7]+) (\/.*)$/.exec(line) ?? [];
      if (stat === undefined || path === undefined)
        throw new Malformed(`has a line that is no override: ${printableLine(line)}`);
      if (overrides.has(path)) throw new Malformed(`has two overrides for ${printableLine(path)}`);
      overrides.set(path, { stat, path });
    }
    return overrides;
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
