import type { Merger } from '../merger';
import { formatLines, parseLines, printableLine } from '../lines';
import { Malformed } from '../malformed';
import { mergeEachPath, mergeRecordFile, type RecordFormat } from '../record-file';
import { mergeSets } from '../records';

const DIRECTORY = 'var/lib/dpkg/triggers';

/**
 * Who is interested in a trigger: lines `PACKAGE`, or in a path: lines `PATH PACKAGE`, each perhaps with an option: `/noawait`.
 * dpkg adds at the end, and keeps no empty file.
 */
const INTERESTS: RecordFormat<string> = {
  parse(content) {
    const lines = parseLines(content);
    const interests = new Map<string, string>();
    for (const line of lines) {
      const key = /^((?:\/\S* )?[^\s/]+)(?:\/[a-z]+)?$/.exec(line)?.[1];
      if (key === undefined) throw new Malformed(`has a line that is no interest in a trigger: ${printableLine(line)}`);
      if (interests.has(key)) throw new Malformed(`has an interest in a trigger twice: ${printableLine(key)}`);
      interests.set(key, line);
    }
    return interests;
  },
  format: (interests) => formatLines(interests.values()),
  isSame: (a, b) => a === b,
  nameOf: ({ key }) => `the trigger of ${printableLine(key)}`,
  removesEmpty: true,
};

/** Triggers that dpkg has not looked at yet: lines `TRIGGER PACKAGE …`, where the packages await it, or `-` for none. */
const UNINCORPORATED: RecordFormat<readonly string[]> = {
  parse(content) {
    const lines = parseLines(content);
    const triggers = new Map<string, readonly string[]>();
    for (const line of lines) {
      const [trigger = '', ...packages] = line.split(' ');
      if (packages.length === 0) throw new Malformed(`has a line that is no trigger: ${printableLine(line)}`);
      if (triggers.has(trigger)) throw new Malformed(`has a trigger twice: ${printableLine(trigger)}`);
      triggers.set(trigger, packages);
    }
    return triggers;
  },
  format: (triggers) => formatLines([...triggers].map(([trigger, packages]) => [trigger, ...packages].join(' '))),
  isSame: (a, b) => a.join(' ') === b.join(' '),
  settle: ({ base, changes }) => {
    const sets = changes.map(({ record }) => new Set(record));
    return { record: [...mergeSets(new Set(base), sets)] };
  },
  nameOf: ({ key }) => `the trigger ${printableLine(key)}`,
};

/** dpkg's records of triggers: by trigger and package. */
export const dpkgTriggers: Merger = {
  name: 'dpkg-triggers',
  version: 1,
  paths: [`/${DIRECTORY}/*`],
  merge: (request) =>
    mergeEachPath(request, (path) =>
      path === `${DIRECTORY}/Unincorp`
        ? mergeRecordFile(request, path, UNINCORPORATED)
        : mergeRecordFile(request, path, INTERESTS),
    ),
};
