import * as fc from 'fast-check';
import type { Merger } from '../../../../lib/stack/mergers/merger';
import { DEBIAN_MERGERS } from '../../../../lib/stack/mergers/debian';
import { outcomeOf, requestFor, requestOf, type Image } from '../request';
import { status } from './status-file';

function mergerOf(name: string): Merger {
  const merger = DEBIAN_MERGERS.find((each) => each.name === name);
  if (merger === undefined) throw new Error(`there is no merger ${name}`);
  return merger;
}

/** What becomes of one file; null for none. */
async function merge(name: string, path: string, texts: readonly (string | null)[], others: readonly Image[] = []) {
  const [base = {}, ...components] = texts.map((text, at) => ({
    ...(text === null ? {} : { [path]: text }),
    ...others[at],
  }));
  const merger = mergerOf(name);
  const request = requestFor(merger, requestOf(base, ...components));
  expect(request.paths).toEqual([path]);
  const outcome = await outcomeOf(merger, request);
  return Array.isArray(outcome) ? outcome : (outcome[path] ?? null);
}

/** Lines of words. */
function lines(text: string): string {
  return text
    .split(' ')
    .map((word) => `${word}\n`)
    .join('');
}

test('every merger has a name of its own, and paths that are absolute', () => {
  expect(new Set(DEBIAN_MERGERS.map(({ name }) => name)).size).toBe(DEBIAN_MERGERS.length);
  for (const { paths } of DEBIAN_MERGERS) for (const path of paths) expect(path).toMatch(/^\//);
});

describe('login shells', () => {
  const SHELLS = 'etc/shells';

  test.each<[string, (string | null)[], string | null]>([
    [
      'both add',
      ['# s\n/bin/sh\n', '# s\n/bin/sh\n/bin/zsh\n', '# s\n/bin/sh\n/bin/ksh\n'],
      '# s\n/bin/sh\n/bin/zsh\n/bin/ksh\n',
    ],
    ['one adds, one removes', ['/bin/sh\n/bin/a\n', '/bin/sh\n', '/bin/sh\n/bin/a\n/bin/b\n'], '/bin/sh\n/bin/b\n'],
    ['both begin the file', [null, '/bin/a\n', '/bin/b\n'], '/bin/a\n/bin/b\n'],
    ['one has no line end', ['/bin/a', '/bin/a\n/bin/b', '/bin/a\n/bin/c\n'], '/bin/a\n/bin/b\n/bin/c\n'],
    ['comments are repeated', ['#\n\n/a\n#\n', '#\n\n/a\n#\n/b\n', '#\n\n/a\n#\n\n'], '#\n\n/a\n#\n/b\n\n'],
  ])('are united when %s', async (_what, texts, expected) => {
    expect(await merge('shells', SHELLS, texts)).toBe(expected);
  });

  test('that are gone everywhere in the end leave no file, if some component has none', async () => {
    expect(await merge('shells', SHELLS, [lines('a b'), null, lines('b')])).toBeNull();
    expect(await merge('shells', SHELLS, [lines('a b'), lines('a'), lines('b')])).toBe('');
  });

  test('have a limit', async () => {
    const outcome = await merge('shells', SHELLS, [null, '\n'.repeat(300_000), '/bin/sh\n']);
    expect(outcome).toEqual(['NOT_MERGEABLE /etc/shells has more than 200000 lines [a]']);
  });
});

describe('diversions', () => {
  const DIVERSIONS = 'var/lib/dpkg/diversions';
  const diversions = (...words: string[]) => words.map((word) => lines(word.replaceAll(',', ' '))).join('');

  test('of other paths are united, in the order of dpkg', async () => {
    const texts = [
      diversions('/bin/sh,/bin/sh.distrib,dash'),
      diversions('/usr/bin/a,/x,p'),
      diversions('/bin/sh,/bin/sh.distrib,dash', '/opt/x/y,/y,:'),
    ];
    expect(await merge('dpkg-diversions', DIVERSIONS, texts)).toBe(diversions('/opt/x/y,/y,:', '/usr/bin/a,/x,p'));
  });

  test('of one path to two places contradict each other', async () => {
    expect(await merge('dpkg-diversions', DIVERSIONS, ['', diversions('/a,/x,p'), diversions('/a,/y,q')])).toEqual([
      'MERGE_CONFLICT the diversion of /a is not the same in a and b [a b]',
    ]);
  });

  test.each([
    ['/a\n/b\n', 'has a diversion that is cut off'],
    ['/a\n/b\n:\n/a\n/c\n:\n', 'has two diversions of /a'],
  ])('%j %s', async (text, fault) => {
    expect(await merge('dpkg-diversions', DIVERSIONS, ['', text, diversions('/a,/x,p')])).toEqual([
      `NOT_MERGEABLE /${DIVERSIONS} ${fault} [a]`,
    ]);
  });
});

describe('overrides of owners and modes', () => {
  const OVERRIDES = 'var/lib/dpkg/statoverride';

  test('are united by path', async () => {
    const texts = [
      'root root 755 /usr/share/z\n',
      'root root 755 /usr/share/z\nroot x 2755 /a b\n',
      'root root 755 /etc/foo\n',
    ];
    expect(await merge('dpkg-statoverride', OVERRIDES, texts)).toBe('root x 2755 /a b\nroot root 755 /etc/foo\n');
  });

  test('that are not the same contradict each other', async () => {
    const texts = ['', 'root a 755 /x\n', 'root b 755 /x\n'];
    expect(await merge('dpkg-statoverride', OVERRIDES, texts)).toEqual([
      'MERGE_CONFLICT the override for /x is not the same in a and b [a b]',
    ]);
  });

  test.each([
    ['root root /x\n', 'has a line that is no override: root root /x'],
    ['a b 1 /x\nc d 2 /x\n', 'has two overrides for /x'],
    ['\u001b[31m\n', 'has a line that is no override: ?[31m'],
  ])('%j %s', async (text, fault) => {
    expect(await merge('dpkg-statoverride', OVERRIDES, ['', text, 'a b 1 /y\n'])).toEqual([
      `NOT_MERGEABLE /${OVERRIDES} ${fault} [a]`,
    ]);
  });
});

describe('triggers', () => {
  const path = (name: string): string => `var/lib/dpkg/triggers/${name}`;

  test('have all packages that are interested', async () => {
    const texts = ['m/noawait\n', 'm/noawait\nn:amd64\n', 'm/noawait\nl\n'];
    expect(await merge('dpkg-triggers', path('ldconfig'), texts)).toBe('m/noawait\nn:amd64\nl\n');
  });

  test('by path have them as well, with their options', async () => {
    const texts = [
      '/usr/lib a\n/etc b/noawait\n',
      '/usr/lib a/noawait\n/etc b/noawait\n',
      '/usr/lib a\n/etc b/noawait\n/usr/lib c\n',
    ];
    expect(await merge('dpkg-triggers', path('File'), texts)).toBe('/usr/lib a/noawait\n/etc b/noawait\n/usr/lib c\n');
  });

  test('nobody is interested in have no file', async () => {
    expect(await merge('dpkg-triggers', path('x'), ['a\nb\n', 'a\n', 'b\n'])).toBeNull();
  });

  test('that dpkg has not looked at have all packages that await them', async () => {
    expect(await merge('dpkg-triggers', path('Unincorp'), ['t a b\n', 't a c\nu -\n', 't b d\n'])).toBe('t c d\nu -\n');
  });

  test.each([
    ['x', 'z\n', '/a b c\n', 'has a line that is no interest in a trigger: /a b c'],
    ['x', 'z\n', 'a\na/noawait\n', 'has an interest in a trigger twice: a'],
    ['Unincorp', 'z -\n', 'a\n', 'has a line that is no trigger: a'],
    ['Unincorp', 'z -\n', 'a b\na c\n', 'has a trigger twice: a'],
  ])('in %s: %j beside %j %s', async (name, sound, text, fault) => {
    expect(await merge('dpkg-triggers', path(name), ['', text, sound])).toEqual([
      `NOT_MERGEABLE /${path(name)} ${fault} [a]`,
    ]);
  });
});

describe('what apt installed automatically', () => {
  const STATES = 'var/lib/apt/extended_states';
  const auto = (...names: string[]) =>
    names.map((name) => `Package: ${name}\nArchitecture: amd64\nAuto-Installed: 1\n\n`).join('');
  const installed = (...names: string[]) => ({ 'var/lib/dpkg/status': status(...names) });

  test('is united', async () => {
    expect(await merge('apt-extended-states', STATES, [auto('z'), auto('z', 'y'), auto('z', 'a', 'y')])).toBe(
      auto('z', 'y', 'a'),
    );
  });

  test('is not automatic any more, once one component asks for it', async () => {
    expect(await merge('apt-extended-states', STATES, [auto('a', 'b'), auto('b'), auto('a', 'b', 'c')])).toBe(
      auto('b', 'c'),
    );
  });

  test('is not automatic, where another component has it because it was asked for', async () => {
    const packages = [installed('base'), installed('base', 'lib:all', 'x'), installed('base', 'lib:all', 'y')];
    expect(
      await merge('apt-extended-states', STATES, [auto('base'), auto('base', 'x'), auto('base', 'lib', 'y')], packages),
    ).toBe(auto('base', 'x', 'y'));
  });

  test('stays automatic, where the base has it and one component marks it so', async () => {
    const packages = [installed('lib'), installed('lib', 'x'), installed('lib')];
    expect(await merge('apt-extended-states', STATES, ['', auto('x'), auto('lib')], packages)).toBe(auto('x', 'lib'));
  });

  test('an explicit manual state stays', async () => {
    const manual = auto('a').replace('1', '0');
    for (const texts of [
      ['', manual, auto('a')],
      ['', auto('a'), manual],
    ])
      expect(await merge('apt-extended-states', STATES, texts)).toBe(manual);
  });

  test('states of apt that are not known contradict each other', async () => {
    const other = auto('a').replace('\n\n', '\nX: y\n\n');
    expect(await merge('apt-extended-states', STATES, ['', auto('a'), other])).toEqual([
      'MERGE_CONFLICT the state of a:amd64 is not the same in a and b [a b]',
    ]);
  });

  test.each([
    ['Architecture: amd64\n', 'has a stanza without the name of a package'],
    [auto('a', 'a'), 'has the package a twice'],
    ['x', 'has a line without a field in its stanza 1'],
  ])('%j %s', async (text, fault) => {
    expect(await merge('apt-extended-states', STATES, ['', text, auto('b')])).toEqual([
      `NOT_MERGEABLE /${STATES} ${fault} [a]`,
    ]);
  });
});

describe('what debconf knows', () => {
  const CONFIG = 'var/cache/debconf/config.dat';
  /** `NAME LINE;LINE`. */
  const items = (...words: string[]) =>
    words.map((word) => `${`Name: ${word.replace(' ', ';')}`.split(';').join('\n')}\n\n`).join('');

  test.each<[string, string[], string[][], string[]]>([
    [
      'new questions, by name',
      ['m Owners: m'],
      [
        ['m Owners: m', 'z Owners: z'],
        ['a Owners: a', 'm Owners: m'],
      ],
      ['a Owners: a', 'm Owners: m', 'z Owners: z'],
    ],
    ['owners', ['q Owners: a, b'], [['q Owners: a, b, z'], ['q Owners: b, c']], ['q Owners: b, c, z']],
    [
      'an answer and an owner',
      ['q Owners: a'],
      [['q Value: x;Owners: a;Flags: seen'], ['q Owners: a, b']],
      ['q Value: x;Owners: a, b;Flags: seen'],
    ],
    [
      'variables',
      ['q Owners: a'],
      [['q Owners: a;Variables:; x = 1'], ['q Owners: a;Variables:; b = 2; c = ']],
      ['q Owners: a;Variables:; b = 2; c = ; x = 1'],
    ],
    [
      'a removal of one of two owners',
      ['q Value: 1;Owners: a'],
      [[], ['q Value: 1;Owners: a, b']],
      ['q Value: 1;Owners: b'],
    ],
    [
      'the removals of all owners',
      ['q Owners: a, b', 'r Owners: r'],
      [['q Owners: b', 'r Owners: r'], ['r Value: 1;Owners: r']],
      ['r Value: 1;Owners: r'],
    ],
  ])('%s are united', async (_what, base, components, expected) => {
    const texts = [base, ...components].map((each) => items(...each));
    const outcome = await merge('debconf', CONFIG, texts);
    expect(outcome).toBe(items(...expected));
    expect(await merge('debconf', CONFIG, [texts[0]!, ...texts.slice(1).reverse()])).toBe(outcome);
  });

  test('two answers contradict each other, and are not told', async () => {
    const texts = ['', items('q Value: secret1;Owners: a'), items('q Value: secret2;Owners: a')];
    expect(await merge('debconf', 'var/cache/debconf/passwords.dat', texts)).toEqual([
      'MERGE_CONFLICT the debconf record of q is not the same in a and b [a b]',
    ]);
  });

  test.each([
    ['Owners: a\n', 'has a record without a name'],
    [items('a X: 1', 'a X: 2'), 'has a twice'],
    ['Name: a\nx\n', 'has a line that says nothing: x'],
  ])('%j %s', async (text, fault) => {
    expect(await merge('debconf', CONFIG, ['', text, items('b X: 1')])).toEqual([
      `NOT_MERGEABLE /${CONFIG} ${fault} [a]`,
    ]);
  });
});

describe('packages of images without dpkg', () => {
  const FILE = 'var/lib/dpkg/status.d/lib';

  test('are the same package in one version', async () => {
    expect(await merge('dpkg-status-files', FILE, ['Version: 1\n', 'Version: 2\n', 'Version: 3\n'])).toEqual([
      'PKG_VERSION_CONFLICT lib has version 2 in a and 3 in b [a b]',
    ]);
  });

  test('of one version are equal to the last byte', async () => {
    expect(await merge('dpkg-status-files', FILE, [null, 'Version: 1\nA: b\n', 'Version: 1\n'])).toEqual([
      'MERGE_CONFLICT what is known of lib is not the same in a and b [a b]',
    ]);
  });
});

test('whatever the lines, the order of the components decides no more than that of what they add', async () => {
  const anyLines = fc.uniqueArray(fc.constantFrom('/a', '/b', '/c', '/d', '/e')).map((each) => lines(each.join(' ')));
  const sorted = (text: unknown) => (text as string).split('\n').sort();
  await fc.assert(
    fc.asyncProperty(anyLines, anyLines, anyLines, async (base, p, q) => {
      const text = async (...sides: string[]) => {
        const request = {
          ...requestOf({ 'etc/shells': base }, ...sides.map((each) => ({ 'etc/shells': each }))),
          paths: ['etc/shells'],
        };
        return Object.values(await outcomeOf(mergerOf('shells'), request))[0];
      };
      expect(sorted(await text(p, q))).toEqual(sorted(await text(q, p)));
      expect(sorted(await text(p, base))).toEqual(sorted(p));
    }),
  );
});
