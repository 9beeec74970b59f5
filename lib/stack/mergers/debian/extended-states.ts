import type { MergeRequest, Merger } from '../merger';
import { Malformed } from '../malformed';
import { readContents } from '../read';
import { mergeEachPath, mergeRecordFile, type RecordFormat } from '../record-file';
import type { Side } from '../records';
import { formatStanzas, isSameStanza, parseStanzas, stanzaOf, valueOf, type Stanza } from './control-file';
import { isPresent, parsePackages, STATUS, type Package } from './package';

/** Stands for a package that was asked for: apt writes nothing of it. */
const MANUAL: Stanza = stanzaOf([]);

const FORMAT: RecordFormat<Stanza> = {
  parse(content) {
    const stanzas = parseStanzas(content);
    const states = new Map<string, Stanza>();
    for (const stanza of stanzas) {
      const name = valueOf(stanza, 'package');
      const key = keyOf(name, valueOf(stanza, 'architecture'));
      if (!/^[A-Za-z0-9+._-]+$/.test(name)) throw new Malformed('has a stanza without the name of a package');
      if (states.has(key)) throw new Malformed(`has the package ${name} twice`);
      states.set(key, stanza);
    }
    return states;
  },
  format: (states) => formatStanzas([...states.values()].filter((stanza) => stanza !== MANUAL)),
  isSame: isSameStanza,
  settle({ changes }) {
    const wanted = changes.flatMap(({ record }) => (isAutomatic(record) ? [] : [record ?? MANUAL]));
    // Of several ways to say so, the one that tells most, whoever's it is.
    const [record] = wanted.sort((a, b) => (a.text > b.text ? -1 : 1));
    return record && { record };
  },
  nameOf: ({ key }) => `the state of ${key.replace(' ', ':')}`,
};

/** Which packages apt may remove once nothing needs them: not those that any component asked for. */
export const aptExtendedStates: Merger = {
  name: 'apt-extended-states',
  version: 1,
  paths: ['/var/lib/apt/extended_states'],
  async merge(request) {
    const wanted = await findWanted(request);
    return mergeEachPath(request, (path) =>
      mergeRecordFile(request, path, FORMAT, (sides) => withManual(sides, wanted)),
    );
  },
};

function keyOf(name: string, architecture: string): string {
  return `${name} ${architecture}`;
}

function isAutomatic(stanza: Stanza | undefined): boolean {
  return stanza !== undefined && valueOf(stanza, 'auto-installed') === '1';
}

/**
 * Notes for each component what it has of packages that others installed automatically. Those without a state were asked for,
 * but that can be seen in the packages only.
 */
function withManual(sides: readonly Side<Stanza>[], wanted: ReadonlyMap<string, ReadonlySet<string>>): Side<Stanza>[] {
  const automatic = sides.flatMap(({ records }) => [...records].filter(([, stanza]) => isAutomatic(stanza)));
  return sides.map(({ component, records }) => {
    const own = new Map(records);
    for (const [key, stanza] of automatic) {
      const name = valueOf(stanza, 'package');
      const has = [key, keyOf(name, 'all')].some((each) => wanted.get(component)?.has(each) === true);
      if (!own.has(key) && has) own.set(key, MANUAL);
    }
    return { component, records: own };
  });
}

/** The packages that are new in each component, by its name. */
async function findWanted(request: MergeRequest): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const read = await readContents(request, STATUS, parsePackages);
  if (!read.ok) return new Map(); // the merger for it tells what is wrong
  const { base, sides } = read.contents;
  const keysOf = (packages: readonly Package[] = []): string[] =>
    packages.filter(isPresent).map(({ name, architecture }) => keyOf(name, architecture));
  const old = new Set(keysOf(base));
  return new Map(
    sides.map(({ component, value }) => [component, new Set(keysOf(value).filter((key) => !old.has(key)))]),
  );
}
