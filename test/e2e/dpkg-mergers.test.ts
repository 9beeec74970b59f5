import { spawnSync } from 'node:child_process';
import { DEBIAN_MERGERS } from '../../lib/stack/mergers/debian';
import { findDiverted } from '../../lib/stack/mergers/debian/diverted';
import { dpkgDiversions } from '../../lib/stack/mergers/debian/diversions';
import { parsePackages } from '../../lib/stack/mergers/debian/package';
import { PackageSet } from '../../lib/stack/mergers/debian/package-set';
import { compareVersions } from '../../lib/stack/mergers/debian/version';
import { outcomeOf, requestFor, requestOf } from '../stack/mergers/request';
import type { TestPackage } from './debian-repository';
import { DpkgRoot } from './dpkg-root';

const roots: DpkgRoot[] = [];

afterEach(() => {
  for (const root of roots.splice(0)) root.remove();
});

/** Does something to a package database. */
type Step = (root: DpkgRoot) => unknown;

const install =
  (...packages: readonly TestPackage[]): Step =>
  (root) =>
    root.install(...packages);

function base(...steps: readonly Step[]): DpkgRoot {
  const root = DpkgRoot.create();
  roots.push(root);
  for (const step of steps) step(root);
  return root;
}

/** A database on top of another one. */
function after(root: DpkgRoot, ...steps: readonly Step[]): DpkgRoot {
  const copy = root.copy();
  roots.push(copy);
  for (const step of steps) step(copy);
  return copy;
}

/** What dpkg, apt and debconf know, without backups and locks. */
function database(root: DpkgRoot): Record<string, Buffer> {
  const known =
    /^var\/(lib\/dpkg\/(?!.*(-old|\/[Ll]ock(-frontend)?)$)|lib\/apt\/extended_states$|cache\/debconf\/[a-z]+\.dat$)/;
  return Object.fromEntries(Object.entries(root.files('')).filter(([name]) => known.test(name)));
}

/** What all mergers make of two databases with a common base, laid over what they have apart. */
async function merge(
  old: DpkgRoot,
  p: DpkgRoot,
  q: DpkgRoot,
): Promise<{ readonly files: Record<string, string>; readonly mergers: readonly string[] }> {
  const request = requestOf(database(old), database(p), database(q));
  const merged: Record<string, string> = {};
  const mergers: string[] = [];
  for (const entry of request.stacked.under('var'))
    merged[entry.path] = (await request.stacked.read(entry.path))!.toString('latin1');
  for (const merger of DEBIAN_MERGERS) {
    const own = requestFor(merger, request);
    if (own.paths.length === 0) continue;
    mergers.push(merger.name);
    const outcome = await outcomeOf(merger, own);
    if (Array.isArray(outcome)) throw new Error(outcome.join('; '));
    for (const [path, text] of Object.entries(outcome)) {
      if (text === undefined) delete merged[path];
      else merged[path] = text;
    }
  }
  return { files: merged, mergers };
}

function textOf(root: DpkgRoot): Record<string, string> {
  return Object.fromEntries(
    Object.entries(database(root)).map(([name, content]) => [name, content.toString('latin1')]),
  );
}

const OLD: TestPackage[] = [
  { name: 'base-files', files: { 'etc/base': '1' }, version: '1.0' },
  { name: 'zlib1g', architecture: 'amd64', fields: { 'Multi-Arch': 'same' } },
  { name: 'libold', architecture: 'amd64', version: '1:2.0-1' },
  { name: 'perl', fields: { 'Multi-Arch': 'allowed' } },
];
const CONFFILE: TestPackage = {
  name: 'mta',
  files: { 'etc/mta.conf': 'x', 'DEBIAN/conffiles': '/etc/mta.conf\n' },
};

/** A package with an interest in triggers. */
function interested(name: string, ...triggers: readonly string[]): TestPackage {
  return { name, files: { 'DEBIAN/triggers': triggers.map((each) => `interest-${each}\n`).join('') } };
}

/** Templates of debconf. */
function template(...names: readonly string[]): string {
  return names.map((name) => `Template: ${name}\nType: string\nDefault:\nDescription: ${name}?\n Long.\n\n`).join('');
}

const divert =
  (...paths: readonly string[]): Step =>
  (root) => {
    for (const each of paths)
      root.tool('dpkg-divert', '--local', '--no-rename', '--divert', `${each}.distrib`, '--add', each);
  };

const override =
  (...paths: readonly string[]): Step =>
  (root) => {
    for (const each of paths) root.tool('dpkg-statoverride', '--add', 'root', 'root', '0755', each);
  };

test.each<[string, string[], Step[], Step[], Step[]]>([
  [
    'two sets of new packages',
    ['dpkg-status'],
    [install(...OLD)],
    [
      install(
        { name: 'redis', fields: { Depends: 'libold (>= 1:1), zlib1g' } },
        { name: 'a+b', architecture: 'amd64' },
      ),
    ],
    [
      install({
        name: 'nginx',
        fields: { Depends: 'perl:any | none', 'X-Odd': 'caf\u00e9', Homepage: 'http://example.org' },
      }),
    ],
  ],
  [
    'the same package on both sides',
    ['dpkg-status'],
    [install(...OLD)],
    [install({ name: 'lib0' }, { name: 'x' })],
    [install({ name: 'lib0' }, { name: 'y' })],
  ],
  [
    'an upgrade and a removal',
    ['dpkg-status'],
    [install(...OLD, CONFFILE)],
    [install({ name: 'libold', architecture: 'amd64', version: '1:2.0-2' })],
    [(root) => root.dpkg('--remove', 'mta')],
  ],
  [
    'a purge and a package on hold',
    ['dpkg-status'],
    [install(...OLD, CONFFILE)],
    [(root) => root.dpkg('--purge', 'mta')],
    [(root) => root.select('libold', 'hold').select('unheard', 'install'), install({ name: 'new' })],
  ],
  [
    'another version of a package and a hold on it',
    ['dpkg-status'],
    [install(...OLD)],
    [install({ name: 'libold', architecture: 'amd64', version: '1:2.0-2', fields: { Section: 'libs' } })],
    [(root) => root.select('libold', 'hold')],
  ],
  [
    'instances for several architectures',
    ['dpkg-status'],
    [
      (root) => root.dpkg('--add-architecture', 'i386').dpkg('--add-architecture', 'alpha'),
      install(...OLD, { name: 'foo', architecture: 'i386' }),
    ],
    [
      install({ name: 'zlib1g', architecture: 'i386', fields: { 'Multi-Arch': 'same' } }),
      install({ name: 'libm', architecture: 'i386', fields: { 'Multi-Arch': 'same' } }),
    ],
    [
      install({ name: 'zlib1g', architecture: 'alpha', fields: { 'Multi-Arch': 'same' } }),
      install({ name: 'libm', architecture: 'amd64', fields: { 'Multi-Arch': 'same' } }),
    ],
  ],
  [
    'diversions and overrides',
    ['dpkg-diversions', 'dpkg-statoverride'],
    [divert('/usr/bin/a', '/usr/bin/b'), override('/etc/a', '/etc/b'), install(...OLD)],
    [divert('/bin/sh', '/usr/share/man/man1/sh.1.gz', '/usr/lib/q'), override('/opt/x/y', '/usr/bin/z')],
    [
      (root) => root.tool('dpkg-divert', '--no-rename', '--remove', '/usr/bin/a'),
      (root) => root.tool('dpkg-statoverride', '--remove', '/etc/b'),
      divert('/opt/x', '/usr/bin/pg_config', '/etc/foo'),
      override('/usr/lib/dbus-1.0/helper', '/etc/ssl/private'),
    ],
  ],
  [
    'foreign architectures',
    ['dpkg-status', 'dpkg-architectures'],
    [install(...OLD)],
    [install({ name: 'p' }), (root) => root.dpkg('--add-architecture', 'i386')],
    [install({ name: 'q' }), (root) => root.dpkg('--add-architecture', 'armhf')],
  ],
  [
    'triggers',
    ['dpkg-status', 'dpkg-triggers'],
    [install(...OLD, interested('m', 'noawait ldconfig', 'noawait /usr/lib'), interested('n', 'noawait ldconfig'))],
    [
      install(interested('p', 'noawait ldconfig', 'await /usr/share/p', 'noawait update-p')),
      (root) => root.dpkg('--remove', 'n'),
    ],
    [
      install(interested('q', 'noawait ldconfig', 'noawait /usr/lib', 'await update-q')),
      install({ ...interested('same', 'noawait ldconfig'), architecture: 'amd64', fields: { 'Multi-Arch': 'same' } }),
      (root) => root.tool('dpkg-trigger', '--no-await', '--by-package=q', '/usr/lib/x'),
    ],
  ],
  [
    'the end of all triggers',
    ['dpkg-status', 'dpkg-triggers'],
    [install(interested('m', 'noawait ldconfig', 'noawait /usr/lib'), interested('n', 'noawait ldconfig'))],
    [(root) => root.dpkg('--purge', 'm')],
    [(root) => root.dpkg('--purge', 'n')],
  ],
  [
    'what apt installed automatically and what was asked for',
    ['dpkg-status', 'apt-extended-states'],
    [install(...OLD), (root) => root.aptMark('auto', 'zlib1g', 'libold')],
    [
      install({ name: 'lib0' }, { name: 'lib1', architecture: 'amd64' }, { name: 'x' }),
      (root) => root.aptMark('auto', 'lib1', 'lib0'),
    ],
    [
      install({ name: 'lib0' }, { name: 'lib2' }, { name: 'y' }),
      (root) => root.aptMark('manual', 'lib0', 'libold').aptMark('auto', 'lib2'),
    ],
  ],
  [
    "debconf's answers",
    ['dpkg-status', 'debconf'],
    [
      install(...OLD),
      (root) =>
        root.debconf('m', template('m/a', 'shared/q', 'm/caf\u00e9'), 'SET m/a "x y"', 'FSET shared/q seen true'),
      (root) => root.debconf('n', template('n/a', 'shared/q'), 'SET n/a 1'),
    ],
    [
      install({ name: 'p' }),
      (root) => root.debconf('p', template('p/z', 'shared/q'), 'SUBST p/z var some value', 'SET m/a other'),
      (root) => root.debconf('n', template('n/a', 'shared/q'), 'PURGE'),
    ],
    [
      install({ name: 'q' }),
      (root) => root.debconf('q', template('q/z', 'shared/q'), 'SET shared/q yes', 'FSET q/z seen true'),
    ],
  ],
])(
  '%s: the merged database is what dpkg writes when it does one after the other',
  async (_what, mergers, old, p, q) => {
    const bottom = base(...old);
    const merged = await merge(bottom, after(bottom, ...p), after(bottom, ...q));
    expect(merged.mergers).toEqual(mergers);
    expect(merged.files).toEqual(textOf(after(bottom, ...p, ...q)));
  },
);

const TOOL: TestPackage = { name: 'tool', files: { 'usr/bin/tool': 'of tool' } };
const NEWER: TestPackage = { name: 'tool', version: '2.0', files: { 'usr/bin/tool': 'of tool 2' } };
const WRAPPER: TestPackage = { name: 'wrapper', files: { 'usr/bin/tool': 'of wrapper' } };

/** Diverts the tool, as `dpkg-divert --rename` does, for a package or by hand. */
const divertTool =
  (by: string): Step =>
  (root) => {
    root.tool(
      'dpkg-divert',
      `--root=${root.path('')}`,
      ...(by === ':' ? ['--local'] : ['--package', by]),
      ...['--rename', '--divert', '/usr/bin/tool.real', '--add', '/usr/bin/tool'],
    );
  };

test.each<[string, Step[], Step[], Step[]]>([
  ['a new package', [install({ name: 'm' })], [divertTool(':')], [install(TOOL)]],
  [
    'a new package below a wrapper',
    [install({ name: 'm' })],
    [divertTool('wrapper'), install(WRAPPER)],
    [install(TOOL)],
  ],
  ['the package that diverts', [install({ name: 'm' })], [divertTool('wrapper')], [install(WRAPPER)]],
  ['a package of the base', [install(TOOL)], [divertTool(':')], [install({ name: 'n' })]],
  ['a package of the base that is newer', [install(TOOL)], [divertTool(':')], [install(NEWER)]],
  ['a package of another file', [install({ name: 'm' })], [divertTool(':')], [install({ ...TOOL, files: { x: '' } })]],
  ['a package that knows of it', [divertTool(':')], [install({ name: 'n' })], [install(TOOL)]],
])('a diversion and %s: what dpkg puts elsewhere is told, and nothing else', async (_what, old, p, q) => {
  const bottom = base(...old);
  const [left, right] = [after(bottom, ...p), after(bottom, ...q)];
  const { components, stacked } = requestOf(bottom.files(''), left.files(''), right.files(''));
  const sequence = after(bottom, ...p, ...q).files('');
  const names = ['usr/bin/tool', 'usr/bin/tool.real'];
  const naive = await Promise.all(names.map((name) => stacked.read(name)));
  const isElsewhere = names.some((name, at) => sequence[name]?.toString() !== naive[at]?.toString());
  const found = await findDiverted(components, stacked);
  expect(found.map(({ path, components: names }) => [path, ...names])).toEqual(
    isElsewhere ? [['usr/bin/tool', 'a', 'b']] : [],
  );
});

test.each([
  ['/usr/bin/x /usr/share/x', '/usr/bin/y /usr/share/x'],
  ['/usr/bin/x /usr/share/x', '/usr/share/x /usr/share/z'],
  ['/usr/bin/x /usr/share/x', '/usr/lib/z /usr/bin/x'],
  ['/usr/bin/x /usr/share/x', '/usr/bin/y /usr/share/y'],
])('diversions of %s and %s are merged where dpkg-divert takes both', async (one, other) => {
  const add =
    (text: string): Step =>
    (root) => {
      const [from = '', to = ''] = text.split(' ');
      root.tool('dpkg-divert', '--local', '--no-rename', '--divert', to, '--add', from);
    };
  const bottom = base(install({ name: 'm' }));
  const [p, q] = [after(bottom, add(one)), after(bottom, add(other))];
  const request = requestOf(database(bottom), database(p), database(q));
  const outcome = await outcomeOf(dpkgDiversions, requestFor(dpkgDiversions, request));
  let sequence: DpkgRoot | undefined;
  try {
    sequence = after(p, add(other));
  } catch {
    expect(outcome).toEqual([expect.stringMatching(/^MERGE_CONFLICT the diversions of .* clash.* \[a b\]$/)]);
  }
  if (sequence !== undefined)
    expect(outcome).toMatchObject({ 'var/lib/dpkg/diversions': textOf(sequence)['var/lib/dpkg/diversions'] });
});

/** `NAME[:ARCHITECTURE] [VERSION] [FIELD=VALUE …]`. */
function package_(text: string): TestPackage {
  const [first = '', ...words] = text.split(' ');
  const [name = '', architecture = 'amd64'] = first.split(':');
  const version = /^\d/.test(words[0] ?? '') ? words.shift()! : '1.0';
  const fields = Object.fromEntries(
    words.map((word) => [word.replace(/=.*/, ''), word.replace(/^[^=]*=/, '')] as const),
  );
  return { name, architecture, version, fields };
}

test.each([
  ['a Depends=b', 'b'],
  ['a Depends=x|b', 'b'],
  ['a Depends=x|y', 'b'],
  ['a Depends=b(>=1.0)', 'b 1.0-1'],
  ['a Depends=b(>>1.0)', 'b 1.0~1'],
  ['a Depends=b:any', 'b:i386 Multi-Arch=allowed'],
  ['a Depends=b:any', 'b:i386 Multi-Arch=foreign'],
  ['a Depends=b:any', 'b'],
  ['a Depends=b', 'b:i386 Multi-Arch=foreign'],
  ['a Depends=b', 'b:i386'],
  ['a Depends=b', 'b:all'],
  ['a:i386 Depends=b', 'b:all'],
  ['a:all Depends=b', 'b'],
  ['a:all Depends=b', 'b:i386'],
  ['a Depends=b:i386', 'b:i386'],
  ['a Depends=x', 'b Provides=x'],
  ['a Depends=x', 'b:i386 Provides=x'],
  ['a Depends=x(>=2)', 'b 3 Provides=x'],
  ['a Depends=x(>=2)', 'b 1 Provides=x(=2)'],
  ['a Depends=x(>=2)', 'b 3 Provides=x(=1)'],
  ['a Pre-Depends=b(<<1)', 'b'],
  ['a Conflicts=b', 'b'],
  ['a Conflicts=b', 'b:i386'],
  ['a Conflicts=b:i386', 'b'],
  ['a Conflicts=b(<<2)', 'b 2'],
  ['a Breaks=b(<<2)', 'b 1'],
  ['a Conflicts=x Provides=x', 'b Provides=x'],
  ['a Conflicts=x(<<9)', 'b Provides=x'],
  ['a Breaks=x(<<9)', 'b Provides=x(=8)'],
  ['b', 'a Breaks=b(<<2)'],
  ['b Provides=x', 'a Conflicts=x'],
])('%s beside %s is judged as dpkg does', (upper, lower) => {
  const root = base(
    (each) => each.dpkg('--add-architecture', 'i386'),
    install({ name: 'dpkg', architecture: 'amd64' }, package_(lower)),
  );
  const isAccepted = root.force(package_(upper));
  const set = PackageSet.of(parsePackages(database(root)['var/lib/dpkg/status']!));
  expect(set.broken().length === 0).toBe(isAccepted);
});

const VERSIONS = [
  ...['0', '1', '01', '1.0', '1.00', '1.1', '1.10', '1.9', '1~', '1~~', '1~a', '1a', '1+', '1.', '1-1', '1-0', '1-01'],
  ...[
    '0:1',
    '1:0',
    '1:0-0',
    '00:1',
    '1:1:1',
    '1-1-1',
    '1-~',
    '1~-~',
    '1.a',
    '1.+',
    '1a1',
    '1A',
    '1Z',
    '1z',
    '1a~',
    '1~1',
  ],
  ...['2.0+dfsg-1', '2.0+dfsg-1+b1', '2.0+dfsg-1~bpo11+1', '2.0-1', '2.0.1-1', '20240101', '99999999999999999998'],
  ...[
    '99999999999999999999',
    '1.0-rc1',
    '1.0~rc1',
    '1.0.rc1',
    '1.0rc1',
    '1-a',
    '1-a~',
    '1-+',
    '1-.',
    '1.0a.b',
    '1.0a-b',
  ],
];

test('versions compare as dpkg --compare-versions does', () => {
  const script = VERSIONS.flatMap((a) =>
    VERSIONS.map((b) => `dpkg --compare-versions '${a}' lt '${b}' && echo '${a} ${b}' || true`),
  ).join('\n');
  const { stdout } = spawnSync('sh', { input: script, encoding: 'utf8' });
  const ours = VERSIONS.flatMap((a) => VERSIONS.flatMap((b) => (compareVersions(a, b) < 0 ? [`${a} ${b}`] : [])));
  expect(ours).toEqual(stdout.trim().split('\n'));
  expect(ours.length).toBeGreaterThan(1000);
});
