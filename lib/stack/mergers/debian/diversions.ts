import type { Merger } from '../merger';
import { formatLines, parseLines, printableLine } from '../lines';
import { Malformed } from '../malformed';
import { mergeEachPath, mergeRecordFile, type RecordFormat } from '../record-file';
import { sortAsInDpkg } from './path-order';

/** A file that packages install elsewhere, so that another one can take its place (dpkg-divert(1)). */
interface Diversion {
  readonly from: string;
  readonly to: string;
  /** The package that takes the place; `:` for a local one. */
  readonly by: string;
}

const FORMAT: RecordFormat<Diversion> = {
  parse(content) {
    const lines = parseLines(content);
    if (lines.length % 3 !== 0) throw new Malformed('has a diversion that is cut off');
    const diversions = new Map<string, Diversion>();
    for (let at = 0; at < lines.length; at += 3) {
      const [from = '', to = '', by = ''] = lines.slice(at, at + 3);
      if (diversions.has(from)) throw new Malformed(`has two diversions of ${printableLine(from)}`);
      diversions.set(from, { from, to, by });
    }
    return diversions;
  },
  format: (diversions) =>
    formatLines(sortAsInDpkg(diversions.values(), ({ from }) => from).flatMap(({ from, to, by }) => [from, to, by])),
  isSame: (a, b) => a.to === b.to && a.by === b.by,
  nameOf: ({ key }) => `the diversion of ${printableLine(key)}`,
};

/** dpkg's diversions: by the path that is diverted. */
export const dpkgDiversions: Merger = {
  name: 'dpkg-diversions',
  version: 1,
  paths: ['/var/lib/dpkg/diversions'],
  merge: (request) => mergeEachPath(request, (path) => mergeRecordFile(request, path, FORMAT)),
};
