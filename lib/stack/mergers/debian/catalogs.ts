import { compareNames } from '../../../core';
import { formatLines, parseLines, printableLine } from '../lines';
import { Malformed } from '../malformed';
import type { Merger } from '../merger';
import { mergeEachPath, mergeRecordFile, type RecordFormat } from '../record-file';
import type { Records } from '../records';

/** A file of one entry a line, which tools write sorted, between lines that are always the same. */
interface CatalogForm {
  /** The key of an entry's line; undefined for another line. */
  readonly keyOf: (line: string) => string | undefined;
  /** What an entry is called. */
  readonly noun: string;
}

/** The lines around the entries are records, too: by their place, before or after. */
const [HEAD, FOOT] = ['\u0000', '\uffff'];

function catalogFormat({ keyOf, noun }: CatalogForm): RecordFormat<string> {
  return {
    parse(content) {
      const entries = new Map<string, string>();
      const around = { [HEAD]: [] as string[], [FOOT]: [] as string[] };
      for (const line of parseLines(content)) {
        const key = keyOf(line);
        if (key === undefined) {
          around[entries.size === 0 ? HEAD : FOOT]?.push(line);
        } else {
          if (around[FOOT]?.length !== 0) throw new Malformed('has entries behind its end');
          if (entries.has(key)) throw new Malformed(`has two entries for ${printableLine(key)}`);
          entries.set(key, line);
        }
      }
      const records = new Map<string, string>();
      for (const [place, lines] of Object.entries(around)) {
        if (lines.length > 0) records.set(place, lines.join('\n'));
      }
      for (const [key, line] of entries) records.set(key, line);
      return records;
    },
    format: (records) => formatLines(sortedEntries(records).flatMap((line) => line.split('\n'))),
    isSame: (a, b) => a === b,
    nameOf: ({ key }) =>
      key === HEAD || key === FOOT ? 'the text around the entries' : `${noun} ${printableLine(key)}`,
    removesEmpty: true,
  };
}

function sortedEntries(records: Records<string>): readonly string[] {
  const entries = [...records].filter(([key]) => key !== HEAD && key !== FOOT);
  entries.sort(([a], [b]) => compareNames(a, b));
  const around = (place: string): readonly string[] => [records.get(place) ?? []].flat();
  return [...around(HEAD), ...entries.map(([, line]) => line), ...around(FOOT)];
}

/** `<delegatePublic publicIdStartString="ID" catalog="FILE"/>`; update-xmlcatalog(8) keeps the same as `<KEY><VALUE>` for itself. */
const XML = catalogFormat({
  keyOf: (line) => /^<(\w+ \w+="[^"]*")(?:><| )\w+="[^"]*"(?:\/>|>)$/.exec(line)?.[1],
  noun: 'the entry',
});

/** Catalogs of XML entities: by identifier. Sorted, as packages have them written. */
export const xmlCatalogs: Merger = {
  name: 'xml-catalogs',
  version: 1,
  paths: ['/etc/xml/{catalog,*.xml}', '/var/lib/xml-core/*'],
  merge: (request) => mergeEachPath(request, (path) => mergeRecordFile(request, path, XML)),
};

const SGML = catalogFormat({ keyOf: (line) => /^CATALOG (.+)$/.exec(line)?.[1], noun: 'the catalog' });

/** The catalog of all catalogs of SGML entities, which update-catalog(8) makes of their names. */
export const sgmlCatalogs: Merger = {
  name: 'sgml-catalogs',
  version: 1,
  paths: ['/var/lib/sgml-base/supercatalog'],
  merge: (request) => mergeEachPath(request, (path) => mergeRecordFile(request, path, SGML)),
};
