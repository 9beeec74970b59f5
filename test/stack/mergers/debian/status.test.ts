import * as fc from 'fast-check';
import { dpkgStatus } from '../../../../lib/stack/mergers/debian/status';
import { outcomeOf, requestOf, type Image } from '../request';
import { status } from './status-file';

const STATUS = 'var/lib/dpkg/status';

/** A package database of packages in short, each with the list of its files. */
function database(...packages: readonly string[]): Image {
  const lists = packages.map((each) => [`var/lib/dpkg/info/${/^[^:/ ]+/.exec(each)?.[0] ?? ''}.list`, '/.\n'] as const);
  return { [STATUS]: status(...packages), ...Object.fromEntries(lists) };
}

/** The merged status file, or problems; each list is the packages of the base, then those of a component. */
function merge(...lists: readonly (readonly string[])[]) {
  const [base = {}, ...components] = lists.map((list) => database(...list));
  return outcomeOf(dpkgStatus, requestOf(base, ...components));
}

function merged(...packages: readonly string[]) {
  return { [STATUS]: status(...packages) };
}

describe('packages', () => {
  test.each<[string, string[], string[][], string[]]>([
    [
      'new ones of both',
      ['m'],
      [
        ['m', 'z'],
        ['a', 'm'],
      ],
      ['a', 'm', 'z'],
    ],
    [
      'an upgrade',
      ['a 1', 'b'],
      [
        ['a 2', 'b'],
        ['a 1', 'b', 'c'],
      ],
      ['a 2', 'b', 'c'],
    ],
    [
      'the same upgrade twice',
      ['a 1'],
      [
        ['a 2', 'b'],
        ['a 2', 'c'],
      ],
      ['a 2', 'b', 'c'],
    ],
    [
      'a removal',
      ['a', 'b'],
      [
        ['a/config-files', 'b'],
        ['a', 'b', 'c'],
      ],
      ['a/config-files', 'b', 'c'],
    ],
    ['a purge', ['a', 'b'], [['b'], ['a', 'b', 'c']], ['b', 'c']],
    [
      'names by bytes',
      [],
      [
        ['ab', 'a.c'],
        ['a-b', 'a+b', 'aa', 'B'],
      ],
      ['B', 'a+b', 'a-b', 'a.c', 'aa', 'ab'],
    ],
    [
      'instances of several architectures',
      ['lib:amd64 Multi-Arch=same', 'dpkg'],
      [
        ['lib:amd64 Multi-Arch=same', 'lib:i386 Multi-Arch=same', 'dpkg'],
        ['lib:amd64 Multi-Arch=same', 'lib:alpha Multi-Arch=same', 'dpkg'],
      ],
      ['dpkg', 'lib:alpha Multi-Arch=same', 'lib:amd64 Multi-Arch=same', 'lib:i386 Multi-Arch=same'],
    ],
  ])('%s are taken over', async (_what, base, components, expected) => {
    expect(await merge(base, ...components)).toEqual(merged(...expected));
    expect(await merge(base, ...[...components].reverse())).toEqual(merged(...expected));
  });

  test('of one that is upgraded here and marked there has its fields in the order of dpkg', async () => {
    const outcome = await merge(['a 1', 'b'], ['a 2 X-Odd=1', 'b'], ['a 1 Status=hold\\ok\\installed', 'b']);
    expect(outcome).toEqual({
      [STATUS]: `Package: a\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 2\nX-Odd: 1\n\n${status('b')}`,
    });
  });

  test('keep their bytes, whatever they are', async () => {
    const text = Buffer.from(status('b Description=caf\u00e9'), 'latin1');
    const request = requestOf({}, { [STATUS]: text }, database('a'));
    const { files } = await dpkgStatus.merge(request);
    const file = files.get(STATUS);
    expect(file?.type === 'file' && file.content.equals(Buffer.concat([Buffer.from(status('a')), text]))).toBe(true);
  });
});

describe('components contradict each other', () => {
  test.each<[string, string[], string[][]]>([
    ['PKG_VERSION_CONFLICT a has version 2 in a and 3 in b [a b]', ['a 1'], [['a 2'], ['a 3']]],
    ['PKG_VERSION_CONFLICT a has version 1 in a and 2 in b [a b]', [], [['a 1'], ['a 2']]],
    ['PKG_VERSION_CONFLICT a has version 2:1 in a and 1:1 in b [a b]', ['a'], [['a 2:1'], ['a:all 1:1']]],
    ['MERGE_CONFLICT a is changed in a and removed in b [a b]', ['a 1', 'b'], [['a 2', 'b'], ['b']]],
    ['MERGE_CONFLICT a is removed in a and changed in b [a b]', ['a 1'], [['a/config-files'], ['a 2']]],
    ['MERGE_CONFLICT a has different Depends in a and b [a b]', [], [['a Depends=b'], ['a']]],
    ['MERGE_CONFLICT a has different Section in a and b [a b]', ['a Section=x'], [['a Section=y'], ['a Section=z']]],
    ['MERGE_CONFLICT a has different Architecture in a and b [a b]', [], [['a:i386'], ['a:amd64']]],
    [
      'PKG_VERSION_CONFLICT l:amd64 has version 1 and l:i386 has 2 [a b]',
      [],
      [['l:amd64 1 Multi-Arch=same'], ['l:i386 2 Multi-Arch=same']],
    ],
  ])('%s', async (expected, base, components) => {
    expect(await merge(base, ...components)).toEqual([expected]);
  });
});

test.each<[string, string]>([
  ['a/half-installed', 'a is half-installed'],
  ['a/unpacked', 'a is unpacked'],
  ['a/triggers-awaited', 'a is triggers-awaited'],
  ['a Status=install\\reinstreq\\installed', 'a has to be installed again'],
  ['a Triggers-Pending=ldconfig', 'a has pending triggers'],
  ['a Triggers-Awaited=libc-bin', 'a waits for triggers of other packages'],
])('%s is not finished', async (package_, message) => {
  expect(await merge([], [package_], ['b'])).toEqual([`PKG_STATE ${message} [a]`]);
});

test('a journal that dpkg has not worked off is told', async () => {
  const request = requestOf({}, { ...database('a'), 'var/lib/dpkg/updates/0001': 'x' }, database('b'));
  expect(await outcomeOf(dpkgStatus, request)).toEqual(['PKG_STATE dpkg was interrupted in a [a]']);
});

describe('dependencies', () => {
  test.each<[string, string[], string[][]]>([
    [
      "DEP_BROKEN r of a has 'Depends: lib (>= 2)', but lib is removed in b [a b]",
      ['lib 2'],
      [['lib 2', 'r Depends=lib\\(>=\\2)'], ['other']],
    ],
    [
      "DEP_BROKEN r of a has 'Depends: lib (<< 2)', but lib is 2 in b [a b]",
      ['lib 1'],
      [['lib 1', 'r Depends=lib\\(<<\\2)'], ['lib 2']],
    ],
    [
      "DEP_BROKEN r of a has 'Depends: lib', but lib is removed in b [a b]",
      ['lib'],
      [['lib', 'r Depends=lib'], ['lib/config-files']],
    ],
    [
      "DEP_BROKEN r of b has 'Conflicts: mta', but postfix is 1.0 in a [a b]",
      [],
      [['postfix Provides=mta'], ['r Conflicts=mta Provides=mta']],
    ],
    ["DEP_BROKEN r of a has 'Breaks: s (<< 2)', but s is 1.9 in b [a b]", [], [['r Breaks=s\\(<<\\2)'], ['s 1.9']]],
  ])('%s', async (expected, base, components) => {
    const outcome = await merge(base, ...components);
    expect(Array.isArray(outcome) ? outcome.map((each) => each.replace(/\[b a\]$/, '[a b]')) : outcome).toEqual([
      expected,
    ]);
  });

  test('that were broken before are nobody\u2019s business', async () => {
    const outcome = await merge(['a Depends=x'], ['a Depends=x', 'b Depends=y'], ['a Depends=x', 'c']);
    expect(outcome).toEqual(merged('a Depends=x', 'b Depends=y', 'c'));
  });

  test('that only another component satisfies are satisfied', async () => {
    expect(await merge([], ['a Depends=b'], ['b'])).toEqual(merged('a Depends=b', 'b'));
  });
});

describe('lists of files', () => {
  const lists = (...names: string[]) =>
    Object.fromEntries(names.map((name) => [`var/lib/dpkg/info/${name}.list`, '/.\n']));

  test('belong to packages, under either name', async () => {
    const request = requestOf(
      {},
      { [STATUS]: status('l:i386 Multi-Arch=same'), ...lists('l:i386') },
      { [STATUS]: status('b'), ...lists('b') },
    );
    expect(await outcomeOf(dpkgStatus, request)).toEqual(merged('b', 'l:i386 Multi-Arch=same'));
  });

  test('that another component removes are missed', async () => {
    const base = { [STATUS]: status('x'), ...lists('x') };
    const request = requestOf(base, { ...base, [STATUS]: status('x', 'a') }, { [STATUS]: status('x', 'b') });
    expect(await outcomeOf(dpkgStatus, request)).toEqual([
      'PKG_STATE x is installed, but its list of files is gone [a b]',
    ]);
  });

  test('that survive their package are told', async () => {
    const base = { [STATUS]: status('x', 'y'), ...lists('x') };
    const kept = { ...base, [STATUS]: status('x', 'y', 'a') };
    const request = requestOf(base, kept, { ...base, [STATUS]: status('y') });
    expect(await outcomeOf(dpkgStatus, request)).toEqual([
      'PKG_STATE the package of /var/lib/dpkg/info/x.list is not installed any more, but its list of files is there [a b]',
    ]);
  });

  test('that were never there, as in images of few files, are not missed', async () => {
    const request = requestOf({}, { [STATUS]: status('a') }, { [STATUS]: status('b') });
    expect(await outcomeOf(dpkgStatus, request)).toEqual(merged('a', 'b'));
  });
});

describe('a status file cannot be merged', () => {
  test.each<[string, string]>([
    ['that is broken', 'x\n'],
    ['without names', 'Version: 1\n'],
    ['without a state', 'Package: a\n'],
    ['with a name that is a path', 'Package: ../a\nStatus: install ok installed\n'],
    ['with an endless version', `Package: a\nStatus: install ok installed\nVersion: ${'1'.repeat(1000)}\n`],
    ['with a package twice', status('a', 'a')],
    ['with relations that are none', status('a Depends=!')],
  ])('%s', async (_what, text) => {
    const outcome = await outcomeOf(dpkgStatus, requestOf({}, { [STATUS]: text }, database('b')));
    expect(outcome).toEqual([expect.stringMatching(/^NOT_MERGEABLE \/var\/lib\/dpkg\/status has /)]);
  });

  test('that is a link', async () => {
    const request = requestOf({}, { [STATUS]: '-> elsewhere' }, database('b'));
    expect(await outcomeOf(dpkgStatus, request)).toEqual(['NOT_MERGEABLE /var/lib/dpkg/status is not a file [a]']);
  });

  test('that one component removed', async () => {
    const request = requestOf(database('a'), {}, database('a', 'b'));
    expect(await outcomeOf(dpkgStatus, request)).toEqual([
      'NOT_MERGEABLE /var/lib/dpkg/status is gone in a, but others change it [a]',
    ]);
  });
});

test('whatever the packages, the order of the components does not matter, and one change on its own is the result', async () => {
  const anyPackages = fc
    .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2')), {
      selector: ([name]) => name,
    })
    .map((list) => list.map(([name, version]) => `${name} ${version}`).sort());
  await fc.assert(
    fc.asyncProperty(anyPackages, anyPackages, anyPackages, async (base, p, q) => {
      const [forth, back] = [await merge(base, p, q), await merge(base, q, p)];
      if (!Array.isArray(forth)) expect(back).toEqual(forth);
      else expect(back).toHaveLength(forth.length);
      expect(await merge(base, p, base)).toEqual(merged(...p));
    }),
  );
});
