import { sgmlCatalogs, xmlCatalogs } from '../../../../lib/stack/mergers/debian/catalogs';
import { mergedFile } from '../images';

const CATALOG = 'etc/xml/catalog';
const DATA = 'var/lib/xml-core/catalog';
const SUPER = 'var/lib/sgml-base/supercatalog';

function entry(id: string, file = id): string {
  return `<delegatePublic publicIdStartString="-//${id}" catalog="file:///etc/xml/${file}.xml"/>\n`;
}

function catalog(...entries: readonly string[]): string {
  return `<?xml version="1.0"?>\n<catalog xmlns="urn">\n${entries.join('')}</catalog>\n`;
}

test('catalogs have the entries of both components, sorted', async () => {
  const [a, b, c] = ['A', 'B', 'C'].map((id) => entry(id)) as [string, string, string];
  expect(await mergedFile(xmlCatalogs, CATALOG, '', catalog(b), catalog(a, b, c))).toBe(catalog(a, b, c));
  expect(await mergedFile(xmlCatalogs, CATALOG, catalog(a, b), catalog(b), catalog(a, b, c))).toBe(catalog(b, c));
});

test('what update-xmlcatalog knows itself is merged like the catalogs that it writes', async () => {
  const [a, b, c] = ['A', 'B', 'C'].map((id) => `<system systemId="${id} >"><uri="x/${id}">\n`);
  expect(await mergedFile(xmlCatalogs, DATA, b ?? '', `${b ?? ''}${c ?? ''}`, `${a ?? ''}${b ?? ''}`)).toBe(
    [a, b, c].join(''),
  );
});

test('an entry that leads to two files, and other text around the entries, are conflicts', async () => {
  expect(await mergedFile(xmlCatalogs, CATALOG, catalog(), catalog(entry('A')), catalog(entry('A', 'x')))).toEqual([
    `MERGE_CONFLICT ${CATALOG}: the entry delegatePublic publicIdStartString="-//A" is not the same in a and b [a b]`,
  ]);
  const other = catalog().replace('1.0', '1.1');
  expect(await mergedFile(xmlCatalogs, CATALOG, '', catalog(entry('A')), other)).toEqual([
    `MERGE_CONFLICT ${CATALOG}: the text around the entries is not the same in a and b [a b]`,
  ]);
});

test('a catalog of another form is not merged', async () => {
  const nested = '<catalog>\n<group>\n<system systemId="a" uri="b"/>\n</group>\n<system systemId="c" uri="d"/>\n';
  expect(await mergedFile(xmlCatalogs, CATALOG, catalog(), nested, catalog(entry('A')))).toEqual([
    `NOT_MERGEABLE ${CATALOG}: /${CATALOG} has entries behind its end [a]`,
  ]);
  expect(await mergedFile(xmlCatalogs, CATALOG, '', catalog(entry('A'), entry('A')), catalog())).toEqual([
    `NOT_MERGEABLE ${CATALOG}: /${CATALOG} has two entries for delegatePublic publicIdStartString="-//A" [a]`,
  ]);
});

test('the catalog of SGML catalogs is sorted, below its comment', async () => {
  const of = (...names: readonly string[]): string =>
    `--\n## made\n--\n${names.map((name) => `CATALOG /etc/sgml/${name}.cat\n`).join('')}`;
  expect(await mergedFile(sgmlCatalogs, SUPER, '', of('xml-core'), of('docbook', 'xml-core'))).toBe(
    of('docbook', 'xml-core'),
  );
});
