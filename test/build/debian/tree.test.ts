import { packageTree, type PackageContent } from '../../../lib/build/debian';
import type { StackError } from '../../../lib/core';
import { digestOf, hexOf } from '../../../lib/oci';
import { treeDigest, type Entry } from '../../../lib/pack';

const METADATA = { mode: 0o644, uid: 0, gid: 0, mtime: 1000 };
const EPOCH = 315532800;

const file = (path: string, text: string, changes: Partial<typeof METADATA> = {}): Entry => {
  const bytes = Buffer.from(text);
  return {
    type: 'file',
    path,
    ...METADATA,
    ...changes,
    size: bytes.length,
    content: { kind: 'bytes', bytes },
    sha256: hexOf(digestOf(bytes)),
  };
};
const directory = (path: string, mode = 0o755): Entry => ({ type: 'directory', path, ...METADATA, mode });
const link = (path: string, target: string): Entry => ({ type: 'symlink', path, ...METADATA, mode: 0o777, target });
const hardlink = (path: string, target: string): Entry => ({ type: 'hardlink', path, target, ...METADATA });

const pack = (name: string, ...entries: Entry[]): PackageContent => ({ name, control: `Package: ${name}\n`, entries });

const treeOf = (packages: PackageContent[], exclude: string[] = []): readonly Entry[] =>
  packageTree(packages, { exclude, epoch: EPOCH });

/** Paths of the content, with targets of links; the records of packages left out. */
function shown(tree: readonly Entry[]): string[] {
  return tree
    .filter(({ path }) => !/^var(\/lib(\/dpkg(\/status\.d.*)?)?)?$/.test(path))
    .map((entry) => ('target' in entry ? `${entry.path} -> ${entry.target}` : entry.path));
}

function contentOf(tree: readonly Entry[], path: string): string | undefined {
  const entry = tree.find((each) => each.path === path);
  return entry?.type === 'file' && entry.content.kind === 'bytes' ? entry.content.bytes.toString() : undefined;
}

const conflict = (...parts: string[]): StackError =>
  expect.objectContaining({
    code: 'STACK3014',
    message: expect.stringMatching(parts.join('.*')) as string,
  }) as StackError;

describe('records', () => {
  test('each package leaves its control stanza in status.d', () => {
    const tree = treeOf([pack('b'), pack('a')]);
    expect(tree.map(({ path }) => path)).toEqual([
      'var',
      'var/lib',
      'var/lib/dpkg',
      'var/lib/dpkg/status.d',
      'var/lib/dpkg/status.d/a',
      'var/lib/dpkg/status.d/b',
    ]);
    expect(contentOf(tree, 'var/lib/dpkg/status.d/a')).toBe('Package: a\n');
    expect(tree[0]).toMatchObject({ type: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: EPOCH });
    expect(tree[4]).toMatchObject({ type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: EPOCH, size: 11 });
  });

  test('their content is known, so the tree has a digest before anything is packed', () => {
    expect(treeDigest(treeOf([pack('a', file('x', 'x'))]))).toMatch(/^sha256:/);
  });

  test('they stay whatever is excluded, and directories keep what the packages say of them', () => {
    const tree = treeOf([pack('a', directory('var', 0o711), file('var/x', 'x'))], ['**']);
    expect(tree.map(({ path }) => path)).toContain('var/lib/dpkg/status.d/a');
    expect(tree.map(({ path }) => path)).not.toContain('var/x');
    expect(tree[0]).toMatchObject({ path: 'var', mode: 0o711, mtime: 1000 });
  });
});

describe('merging', () => {
  test('gives one sorted tree, whatever the order of the packages', () => {
    const a = pack('a', directory(''), directory('usr'), file('usr/b', 'b'));
    const b = pack('b', directory(''), directory('usr'), file('usr/a', 'a'), directory('usr-x'));
    expect(shown(treeOf([a, b]))).toEqual(['', 'usr', 'usr-x', 'usr/a', 'usr/b']);
    expect(treeOf([b, a])).toEqual(treeOf([a, b]));
  });

  test('a directory of several packages has the metadata of the first by name', () => {
    const tree = treeOf([pack('b', directory('srv', 0o700)), pack('a', directory('srv', 0o750))]);
    expect(tree[0]).toMatchObject({ path: 'srv', mode: 0o750 });
  });

  test('directories that no package lists are added', () => {
    const tree = treeOf([pack('a', file('opt/a/x', 'x'))]);
    expect(shown(tree)).toEqual(['opt', 'opt/a', 'opt/a/x']);
    expect(tree[1]).toEqual({ type: 'directory', path: 'opt/a', mode: 0o755, uid: 0, gid: 0, mtime: EPOCH });
  });

  test('two packages may have the same file or link', () => {
    const content = (mtime: number): Entry[] => [file('x', 'same', { mtime }), link('y', 'x')];
    expect(shown(treeOf([pack('a', ...content(1)), pack('b', ...content(2))]))).toEqual(['x', 'y -> x']);
  });

  test.each<[string, Entry, Entry]>([
    ['content', file('x', 'one'), file('x', 'two')],
    ['mode', file('x', 'one'), file('x', 'one', { mode: 0o755 })],
    ['target', link('x', 'one'), link('x', 'two')],
    ['type', file('x', 'one'), link('x', 'one')],
    ['type, as a directory', file('x', 'one'), directory('x')],
  ])('two packages with a file of different %s are an error that names both', (_, one, other) => {
    expect(() => treeOf([pack('second', other), pack('first', one)])).toThrow(conflict("'first'", "'second'", "'/x'"));
  });

  test('a file where another package needs a directory is an error', () => {
    expect(() => treeOf([pack('a', file('usr', '')), pack('b', file('usr/x', ''))])).toThrow(
      conflict("'a'", "'b'", "'/usr'"),
    );
  });

  test('excluding a path settles the matter', () => {
    expect(shown(treeOf([pack('a', file('x', 'one')), pack('b', file('x', 'two'), file('y', ''))], ['x']))).toEqual([
      'y',
    ]);
  });
});

describe('hard links', () => {
  const tools = pack(
    'a',
    directory('bin'),
    file('bin/z', 'tool'),
    hardlink('bin/y', 'bin/z'),
    hardlink('bin/x', 'bin/z'),
  );

  test('the first name in order has the content', () => {
    const tree = treeOf([tools]);
    expect(shown(tree)).toEqual(['bin', 'bin/x', 'bin/y -> bin/x', 'bin/z -> bin/x']);
    expect(contentOf(tree, 'bin/x')).toBe('tool');
  });

  test('they survive the exclusion of the name that had the content', () => {
    const tree = treeOf([tools], ['bin/z', 'bin/x']);
    expect(shown(tree)).toEqual(['bin', 'bin/y']);
    expect(contentOf(tree, 'bin/y')).toBe('tool');
  });

  test('one to a file that is not there is an error that names the package', () => {
    expect(() => treeOf([pack('broken', hardlink('a', 'gone'))])).toThrow(
      expect.objectContaining({
        code: 'STACK4001',
        message: expect.stringContaining("'broken'") as string,
      }) as StackError,
    );
  });
});

describe('a directory that is a symbolic link in another package', () => {
  const merged = pack('base-files', directory('usr'), directory('usr/lib', 0o711), link('lib', 'usr/lib'));

  test.each(['apt', 'zlib'])('what %s has in it goes where the link leads', (name) => {
    const tree = treeOf([
      merged,
      pack(name, directory('lib'), directory('lib/x'), file('lib/x/y', 'y'), file('usr/lib/z', 'z')),
    ]);
    expect(shown(tree)).toEqual(['lib -> usr/lib', 'usr', 'usr/lib', 'usr/lib/x', 'usr/lib/x/y', 'usr/lib/z']);
  });

  test('nothing need be said of the directory itself, and nothing exist where the link leads', () => {
    const tree = treeOf([pack('a', link('lib64', '/usr/lib64')), pack('b', file('lib64/ld.so', ''))]);
    expect(shown(tree)).toEqual(['lib64 -> /usr/lib64', 'usr', 'usr/lib64', 'usr/lib64/ld.so']);
  });

  test('links are followed one after the other', () => {
    const tree = treeOf([pack('a', link('a', 'b'), link('b', './c/../d')), pack('b', file('a/x', 'x'))]);
    expect(shown(tree)).toEqual(['a -> b', 'b -> ./c/../d', 'd', 'd/x']);
  });

  test('a link below a link goes along', () => {
    const tree = treeOf([merged, pack('b', link('lib/x86', 'x64')), pack('c', file('usr/lib/x86/y', 'y'))]);
    expect(shown(tree)).toEqual([
      'lib -> usr/lib',
      'usr',
      'usr/lib',
      'usr/lib/x64',
      'usr/lib/x64/y',
      'usr/lib/x86 -> x64',
    ]);
  });

  test('hard links go along', () => {
    const tree = treeOf([merged, pack('b', file('lib/b', 'b'), hardlink('lib/a', 'lib/b'))]);
    expect(shown(tree)).toEqual(['lib -> usr/lib', 'usr', 'usr/lib', 'usr/lib/a', 'usr/lib/b -> usr/lib/a']);
  });

  test('what then meets must be equal', () => {
    expect(() => treeOf([merged, pack('b', file('lib/x', '1')), pack('c', file('usr/lib/x', '2'))])).toThrow(
      conflict("'b'", "'c'", "'/usr/lib/x'"),
    );
  });

  test('a link that climbs out of the root stays inside', () => {
    expect(shown(treeOf([pack('a', link('a', '../../etc')), pack('b', file('a/passwd', ''))]))).toEqual([
      'a -> ../../etc',
      'etc',
      'etc/passwd',
    ]);
  });

  test('a link to a file is an error', () => {
    expect(() => treeOf([pack('a', link('a', 'f'), file('f', '')), pack('b', file('a/x', ''))])).toThrow(
      conflict("'/f'"),
    );
  });

  test.each([
    ['itself', [link('a', 'a')]],
    ['a place below itself', [link('a', 'a/b')]],
    ['each other', [link('a', 'b'), link('b', 'a')]],
  ])('links that lead to %s are an error', (_, links) => {
    expect(() => treeOf([pack('a', ...links), pack('b', file('a/x', ''))])).toThrow(conflict('circle'));
  });
});

describe('exclusion', () => {
  const docs = pack(
    'a',
    directory('usr'),
    directory('usr/share', 0o711),
    directory('usr/share/doc', 0o700),
    file('usr/share/doc/copyright', ''),
    file('usr/share/doc/changelog', ''),
    file('usr/README', ''),
  );

  test.each([
    ['a directory goes with its content', ['usr/share/doc'], ['usr', 'usr/README', 'usr/share']],
    ['a leading slash changes nothing', ['/usr/share/doc'], ['usr', 'usr/README', 'usr/share']],
    ['upper and lower case differ', ['usr/readme', 'usr/share'], ['usr', 'usr/README']],
    [
      'all but one directory',
      ['**', '!usr/share/doc'],
      ['usr', 'usr/share', 'usr/share/doc', 'usr/share/doc/changelog', 'usr/share/doc/copyright'],
    ],
    [
      'with a slash after the exclamation mark',
      ['/usr/share/*/*', '!/usr/share/doc/copy*'],
      ['usr', 'usr/README', 'usr/share', 'usr/share/doc', 'usr/share/doc/copyright'],
    ],
  ])('%s', (_, exclude, expected) => {
    expect(shown(treeOf([docs], exclude))).toEqual(expected);
  });

  test('a directory that stays for what is below it keeps its metadata', () => {
    const tree = treeOf([docs], ['usr/share', '!usr/share/doc/copyright']);
    expect(tree.find(({ path }) => path === 'usr/share')).toMatchObject({ mode: 0o711, mtime: 1000 });
    expect(tree.find(({ path }) => path === 'usr/share/doc')).toMatchObject({ mode: 0o700, mtime: 1000 });
  });

  test('a pattern that cannot be understood is named', () => {
    expect(() => treeOf([docs], ['a', 'b(['])).toThrow(
      expect.objectContaining({ code: 'STACK2006', message: expect.stringContaining("'b(['") as string }) as StackError,
    );
  });
});
