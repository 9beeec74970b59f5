import { caCertificates } from '../../../lib/stack/mergers/ca-certificates';
import { merged, mergedFile, type Image } from './images';

const CONFIGURATION = 'etc/ca-certificates.conf';
const BUNDLE = 'etc/ssl/certs/ca-certificates.crt';

test.each([
  ['adds', 'x.crt\n', ['x.crt\na.crt\n', 'x.crt\nb.crt\n'], 'x.crt\na.crt\nb.crt\n'],
  ['deselects', 'x.crt\n', ['!x.crt\n', 'x.crt\nb.crt\n'], '!x.crt\nb.crt\n'],
  ['deselects what another adds', '', ['x.crt\n', '!x.crt\n'], '!x.crt\n'],
  ['deselects what another removes', 'x.crt\n', ['', '!x.crt\n'], '!x.crt\n'],
])('of the configuration a component %s certificates', async (_what, base, sides, expected) => {
  const comments = '#\n# what it is\n#\n\n';
  const made = await mergedFile(
    caCertificates,
    CONFIGURATION,
    comments + base,
    ...sides.map((side) => comments + side),
  );
  expect(made).toBe(comments + expected);
});

test('the bundle ends each certificate with a line end, and takes local ones by path', async () => {
  const image = (names: readonly string[], bundle: string): Image => ({
    ...Object.fromEntries(names.map((name) => [`usr/local/share/ca-certificates/${name}.crt`, name])),
    [BUNDLE]: bundle,
  });
  const made = await merged(caCertificates, {}, image(['b', 'c'], 'b\nc\n'), image(['a', 'B'], 'B\na\n'));
  expect(made).toEqual({ [BUNDLE]: 'B\na\nb\nc\n' });
});

test('a certificate is read through links, and one in a loop is left out', async () => {
  const image = (bundle: string, more: Image): Image => ({
    [CONFIGURATION]: 'x.crt\n',
    'usr/share/ca-certificates/x.crt': '-> ../x.pem',
    'usr/share/x.pem': 'x',
    'usr/local/share/ca-certificates/loop.crt': '-> loop.crt',
    [BUNDLE]: bundle,
    ...more,
  });
  const made = await merged(
    caCertificates,
    image('x\n', {}),
    image('x\na\n', { 'usr/local/share/ca-certificates/a.crt': 'a' }),
    image('x\nb\n', { 'usr/local/share/ca-certificates/b.crt': 'b' }),
  );
  expect(made).toEqual({ [BUNDLE]: 'x\na\nb\n' });
});

test('links by hash keep their numbers where they are free, and no certificate has two', async () => {
  const link = (number: number): string => `etc/ssl/certs/0000000a.${String(number)}`;
  const image = (...names: string[]): Image => ({
    ...Object.fromEntries(names.map((name, number) => [link(number), `-> ${name}.pem`])),
    ...Object.fromEntries(names.map((name) => [`etc/ssl/certs/${name}.pem`, name === 'copy' ? 'a' : name])),
  });
  expect(await merged(caCertificates, {}, image('a'), image('b', 'c'), image('copy'))).toEqual({
    [link(0)]: '-> a.pem',
    [link(1)]: '-> b.pem',
    [link(2)]: '-> c.pem',
  });
});
