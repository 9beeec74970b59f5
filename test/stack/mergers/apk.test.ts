import { apk } from '../../../lib/stack/mergers/apk';
import { tarOf } from './tar-of';
import { merged, mergedFile } from './images';

const DB = 'lib/apk/db';
const INSTALLED = `${DB}/installed`;

/** A package, with a checksum of its own. */
function pkg(name: string, version = '1.0-r0', files = 'F:usr/bin\nR:x\na:0:0:755\nZ:Q1x=\n'): string {
  return `C:${checksumOf(name)}\nP:${name}\nV:${version}\nA:x86_64\nT:what it is for\n${files}\n`;
}

function checksumOf(name: string): string {
  return `Q1${sha1Of(name).toString('base64')}`;
}

function sha1Of(name: string): Buffer {
  return Buffer.alloc(20, name);
}

function script(name: string, action: string): string {
  return `${name}-1.0-r0.${sha1Of(name).toString('hex')}.${action}`;
}

test('packages come in the order of apk: by name, case set aside', async () => {
  const base = pkg('busybox') + pkg('musl');
  const sides = [pkg('busybox') + pkg('musl') + pkg('nginx'), pkg('AAA') + pkg('busybox') + pkg('curl') + pkg('musl')];
  expect(await mergedFile(apk, INSTALLED, base, ...sides)).toBe(
    ['AAA', 'busybox', 'curl', 'musl', 'nginx'].map((name) => pkg(name)).join(''),
  );
});

test('a database in the order of installations, as apk had it before 2.14, keeps it', async () => {
  const base = pkg('musl') + pkg('busybox');
  expect(await mergedFile(apk, INSTALLED, base, base + pkg('nginx'), base + pkg('curl'))).toBe(
    base + pkg('nginx') + pkg('curl'),
  );
});

test('an upgrade in one component wins, a removal, too', async () => {
  const base = pkg('a') + pkg('b') + pkg('c');
  const sides = [pkg('a', '2') + pkg('b') + pkg('c'), pkg('a') + pkg('c')];
  expect(await mergedFile(apk, INSTALLED, base, ...sides)).toBe(pkg('a', '2') + pkg('c'));
});

describe('what packages need', () => {
  const ssl = pkg('libssl', '3.1-r0', 'p:so:libssl.so.3=3 ssl\n');
  const curl = pkg('curl', '8.0-r0', 'D:libssl>=3 so:libssl.so.3 !wget\n');
  const toldOf = async (base: string, ...sides: string[]): Promise<readonly string[]> => {
    const made = await mergedFile(apk, INSTALLED, base, ...sides);
    return Array.isArray(made) ? made.map((line) => line.replace(`${INSTALLED}: `, '').replace(' [a b]', '')) : [];
  };

  test('must be there when one component needs what another one removes', async () => {
    expect(await toldOf(ssl, curl + ssl, pkg('other'))).toEqual([
      "DEP_BROKEN 'curl' of a needs 'libssl>=3', which is removed in b",
      "DEP_BROKEN 'curl' of a needs 'so:libssl.so.3', which is removed in b",
    ]);
    expect(await toldOf(ssl, curl + ssl, ssl + pkg('other'))).toEqual([]);
  });

  test('must not meet what it does not go with, but may be that itself', async () => {
    expect(await toldOf(ssl, curl + ssl, ssl + pkg('wget'))).toEqual([
      "DEP_BROKEN 'curl' of a does not go with 'wget' in b",
    ]);
    const only = pkg('mta', '1', 'D:!mail\np:mail\n');
    expect(await toldOf('', only, pkg('x'))).toEqual([]);
  });

  test('is not told where it was missing before', async () => {
    expect(await toldOf(curl, curl + pkg('x'), curl + pkg('y'))).toEqual([]);
  });
});

test.each([
  ['two versions', [pkg('a', '1'), pkg('a', '2')], 'PKG_VERSION_CONFLICT', "package 'a' has version 1 in a and 2 in b"],
  [
    'a removal',
    ['', pkg('a', '2')],
    'MERGE_CONFLICT',
    "package 'a' is removed by one component and changed by another one",
  ],
  [
    'different files in one version',
    [pkg('a', '1', 'F:x\n'), pkg('a', '1', 'F:y\n')],
    'MERGE_CONFLICT',
    "package 'a' has the same version, but different records",
  ],
])('%s of a package are a conflict', async (_what, sides, code, message) => {
  expect(await mergedFile(apk, INSTALLED, pkg('a', '0'), ...sides)).toEqual([`${code} ${INSTALLED}: ${message} [a b]`]);
});

test.each([
  ['no name', 'V:1\n\n', "record 1 has not one 'P:'"],
  ['a package twice', pkg('a') + pkg('a'), "package 'a' stands there twice"],
])('a database with %s is not merged', async (_what, broken, message) => {
  expect(await mergedFile(apk, INSTALLED, '', broken, pkg('b'))).toEqual([
    `NOT_MERGEABLE ${INSTALLED}: ${message} [a]`,
  ]);
});

describe('the world', () => {
  test('is a sorted set of constraints', async () => {
    const sides = ['alpine-base\nnginx~1.26\n', 'alpine-base\n!dhcpcd\ncurl@edge\n', ''];
    expect(await mergedFile(apk, 'etc/apk/world', 'alpine-base\n', ...sides)).toBe('curl@edge\n!dhcpcd\nnginx~1.26\n');
  });

  test('cannot have two constraints for one package', async () => {
    expect(await mergedFile(apk, 'etc/apk/world', '', 'zlib\n', '!zlib\n')).toEqual([
      "MERGE_CONFLICT etc/apk/world: of package 'zlib' is asked 'zlib' in a and '!zlib' in b [a b]",
    ]);
  });
});

test('triggers and scripts come in the order of their packages', async () => {
  const image = (...names: string[]) => ({
    [INSTALLED]: names.map((name) => pkg(name)).join(''),
    [`${DB}/triggers`]: names.map((name) => `${checksumOf(name)} /usr/share/${name}\n`).join(''),
    [`${DB}/scripts.tar`]: tarOf(names.flatMap((name) => [script(name, 'post-install'), script(name, 'trigger')])),
  });
  const made = await merged(apk, image('musl'), image('fontconfig', 'musl'), image('musl', 'zlib', 'zoo'));
  expect(made).toEqual(
    Object.fromEntries(
      Object.entries(image('fontconfig', 'musl', 'zlib', 'zoo')).map(([path, content]) => [path, content.toString()]),
    ),
  );
});

test.each([
  ['cut', tarOf(['a']).subarray(0, 700), 'the archive ends in the middle of an entry'],
  ['with a member twice', tarOf(['a', 'a']), "the script 'a' stands there twice"],
])('scripts that are %s are not merged', async (_what, broken, message) => {
  const path = `${DB}/scripts.tar`;
  expect(await merged(apk, {}, { [path]: broken }, { [path]: tarOf(['b']) })).toEqual([
    `NOT_MERGEABLE ${path}: ${message} [a]`,
  ]);
});
