import { createHash } from 'node:crypto';
import { perlSax } from '../../../../lib/stack/mergers/debian/perl-sax';
import { ucf } from '../../../../lib/stack/mergers/debian/ucf';
import { merged, mergedFile } from '../images';

const HASHES = 'var/lib/ucf/hashfile';
const REGISTRY = 'var/lib/ucf/registry';
const A = `${'a'.repeat(32)}  /etc/a`;
const A2 = `${'b'.repeat(32)}  /etc/a`;
const B = `${'c'.repeat(32)}  /etc/b`;
const C = `${'d'.repeat(32)}  /etc/c b`;

function lines(...of: readonly string[]): string {
  return of.map((line) => `${line}\n`).join('');
}

test('lines of both components come after those of the base, and a changed one comes last, as ucf writes it', async () => {
  expect(await mergedFile(ucf, HASHES, '', lines(A), lines(B, C))).toBe(lines(A, B, C));
  expect(await mergedFile(ucf, HASHES, lines(A, B), lines(B, A2), lines(A, B, C))).toBe(lines(B, A2, C));
  expect(await mergedFile(ucf, HASHES, lines(A, B), lines(A), lines(A, B, C))).toBe(lines(A, C));
  expect(await mergedFile(ucf, HASHES, lines(A), lines(A, B, C), lines(A, C))).toBe(lines(A, B, C));
});

test('the registry keeps whose each file is, and one file of two packages is a conflict', async () => {
  const of = (name: string, file: string): string => `${name} \t ${file}`;
  expect(
    await mergedFile(ucf, REGISTRY, '', lines(of('one', '/etc/a')), lines(of('two', '/etc/b'), of('one', '/etc/a'))),
  ).toBe(lines(of('one', '/etc/a'), of('two', '/etc/b')));
  expect(await mergedFile(ucf, REGISTRY, '', lines(of('one', '/etc/a')), lines(of('two', '/etc/a')))).toEqual([
    `MERGE_CONFLICT ${REGISTRY}: what ucf knows of /etc/a is not the same [a b]`,
  ]);
});

test('different hashes of one file are a conflict, unless ucf keeps the version that it has become', async () => {
  expect(await mergedFile(ucf, HASHES, '', lines(A), lines(A2))).toEqual([
    `MERGE_CONFLICT ${HASHES}: what ucf knows of /etc/a is not the same [a b]`,
  ]);
  const kept = { 'var/lib/ucf/cache/:etc:a': 'now' };
  const hash = createHash('md5').update('now').digest('hex');
  expect(await merged(ucf, {}, { ...kept, [HASHES]: lines(A, B) }, { ...kept, [HASHES]: lines(A2) })).toEqual({
    [HASHES]: lines(B, `${hash}  /etc/a`),
  });
});

test.each([
  ['no line of ucf', 'hello\n', "has a line that is not ucf's: hello"],
  ['two lines about one file', lines(A, A2), 'has two lines about /etc/a'],
])('a hashfile with %s is not merged', async (_, broken, why) => {
  expect(await mergedFile(ucf, HASHES, lines(B), broken, lines(C))).toEqual([`NOT_MERGEABLE ${HASHES}: ${why} [a]`]);
});

const PARSERS = 'var/lib/libxml-sax-perl/ParserDetails.d';
const LIST = 'etc/perl/XML/SAX/ParserDetails.ini';
const KEPT = 'var/lib/ucf/cache/:etc:perl:XML:SAX:ParserDetails.ini';

test("the list of Perl's parsers is made anew, unless somebody edited it", async () => {
  const with10 = { [`${PARSERS}/10-A`]: '[A]\n', [LIST]: '[A]\n', [KEPT]: '[A]\n' };
  const with50 = (name: string) => ({ ...with10, [`${PARSERS}/50-${name}`]: `[${name}]\n` });
  const made = (name: string) => ({ ...with50(name), [LIST]: `[A]\n[${name}]\n`, [KEPT]: `[A]\n[${name}]\n` });
  expect(await merged(perlSax, with10, made('C'), made('B'))).toEqual({
    [LIST]: '[A]\n[B]\n[C]\n',
    [KEPT]: '[A]\n[B]\n[C]\n',
  });
  expect(await merged(perlSax, with10, made('C'), { ...made('B'), [LIST]: '[B]\n' })).toEqual({
    [KEPT]: '[A]\n[B]\n[C]\n',
  });
});
