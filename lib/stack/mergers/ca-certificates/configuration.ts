import { mergeRecords, type Records } from '../records';
import { linesOf, ofLines } from '../lines';
import { type ParsedVersions } from '../versions';

/** Lines of `/etc/ca-certificates.conf`, by certificate; other lines by what they say and how often it was said before. */
export type Configuration = Records<string>;

/** Whether a line deselects a certificate. */
const isDeselected = (line: string | undefined): boolean => line?.startsWith('!') === true;

/** Reads the configuration. */
export function parseConfiguration(content: Buffer): Configuration {
  const lines = new Map<string, string>();
  for (const line of linesOf(content)) {
    let key = /^(#|$)/.test(line) ? `\n${line}` : line.replace(/^!/, '');
    while (key.startsWith('\n') && lines.has(key)) key = `\n${key}`;
    lines.set(key, line);
  }
  return lines;
}

/** Merges the lines: a certificate that a component deselects is deselected. */
export function mergeConfigurations({ base, sides }: ParsedVersions<Configuration>): Configuration {
  const merged = mergeRecords(
    base,
    sides.map(({ component, value }) => ({ component, records: value })),
    {
      isSame: (a, b) => a === b,
      settle: ({ changes }) => ({ record: changes.find(({ record }) => isDeselected(record))?.record }),
    },
  );
  return merged.records;
}

/** The file with these lines. */
export function formatConfiguration(configuration: Configuration): Buffer {
  return ofLines(configuration.values());
}

/** Certificates that are selected, and those that are not, in the order of the file. */
export function certificatesOf(configuration: Configuration): {
  readonly selected: readonly string[];
  readonly deselected: readonly string[];
} {
  const lines = [...configuration.values()];
  return {
    selected: lines.filter((line) => !/^([!#]|$)/.test(line)),
    deselected: lines.filter(isDeselected).map((line) => line.slice(1)),
  };
}
