import * as fs from 'node:fs';
import * as path from 'node:path';
import { ancestorsOf, mergeTrees, type Tree } from '../../lib/pack';
import { Bench, codeOf, listing } from './fixture';
import { dir, file, hardlink, symlink, tar } from './tar-builder';

/**
 * The cases of containerd's TestBreakouts (pkg/archive/tar_test.go), by their names, with our verdicts. containerd
 * resolves links as a chroot would and creates files; we create none, and refuse what would leave the root without one.
 */

const bench = new Bench();
const outside = path.join(bench.directory, 'etc');

beforeAll(() => {
  fs.mkdirSync(outside);
  fs.writeFileSync(path.join(outside, 'passwd'), 'outside');
});
afterAll(() => {
  bench.remove();
});

const passwd = [dir('etc', { mode: 0o770 }), file('/etc/passwd', 'inside')];
const allUsers = [dir('etc'), file('etc/passwd', 'all users')];
const whitedOut = file('etc/whitedout', 'ahhhh whiteout');

interface Breakout {
  readonly name: string;
  /** What the layer lies on. */
  readonly below?: readonly Buffer[];
  readonly layer: readonly Buffer[];
  /** The code it is refused with, or everything that can be seen afterwards. */
  readonly verdict: string | readonly string[];
}

const BREAKOUTS: readonly Breakout[] = [
  {
    name: 'SymlinkAbsolute',
    layer: [dir('etc'), symlink('localetc', '/etc'), file('/localetc/unbroken', 'unbroken')],
    verdict: 'STACK4002',
  },
  {
    name: 'SymlinkUpAndOut',
    layer: [dir('etc'), dir('dummy'), symlink('localetc', '/dummy/../etc'), file('/localetc/unbroken', 'unbroken')],
    verdict: 'STACK4002',
  },
  {
    name: 'SymlinkMultipleAbsolute',
    layer: [
      dir('etc'),
      dir('dummy'),
      symlink('/dummy/etc', '/etc'),
      symlink('localetc', '/dummy/etc'),
      file('/dummy/etc/unbroken', 'unbroken'),
    ],
    verdict: 'STACK4002',
  },
  {
    name: 'SymlinkMultipleRelative',
    layer: [
      dir('etc'),
      dir('dummy'),
      symlink('/dummy/etc', '/etc'),
      symlink('localetc', './dummy/etc'),
      file('/dummy/etc/unbroken', 'unbroken'),
    ],
    verdict: 'STACK4002',
  },
  {
    name: 'SymlinkEmptyFile',
    layer: [dir('etc'), file('etc/emptied', 'notempty'), symlink('localetc', '/etc'), file('/localetc/emptied')],
    verdict: 'STACK4002',
  },
  {
    name: 'HardlinkRelative',
    layer: [
      ...passwd,
      dir('breakouts'),
      symlink('breakouts/d1', '../../etc'),
      hardlink('breakouts/mypasswd', '/breakouts/d1/passwd'),
    ],
    verdict: 'STACK4002',
  },
  {
    name: 'HardlinkDownAndOut',
    layer: [
      ...passwd,
      dir('breakouts'),
      dir('downandout'),
      symlink('breakouts/d1', '../downandout/../../etc'),
      hardlink('breakouts/mypasswd', '/breakouts/d1/passwd'),
    ],
    verdict: 'STACK4002',
  },
  {
    name: 'HardlinkAbsolute',
    layer: [...passwd, symlink('localetc', '/etc'), hardlink('localpasswd', '/localetc/passwd')],
    verdict: 'STACK4002',
  },
  {
    name: 'HardlinkRelativeLong',
    layer: [...passwd, symlink('localetc', '../../../../../../../etc'), hardlink('localpasswd', '/localetc/passwd')],
    verdict: 'STACK4002',
  },
  {
    name: 'HardlinkRelativeUpAndOut',
    layer: [...passwd, symlink('localetc', 'upandout/../../../etc'), hardlink('localpasswd', '/localetc/passwd')],
    verdict: 'STACK4002',
  },
  {
    name: 'HardlinkDirectRelative',
    layer: [...passwd, hardlink('localpasswd', '../../../../../etc/passwd')],
    verdict: 'STACK4002',
  },
  {
    name: 'HardlinkDirectAbsolute', // absolute names are meant from the root of the archive
    layer: [...passwd, hardlink('localpasswd', '/etc/passwd')],
    verdict: ['etc/', 'etc/passwd = inside', 'localpasswd == etc/passwd'],
  },
  {
    name: 'SymlinkParentDirectory',
    layer: [...passwd, symlink('..', '/etc/'), hardlink('localpasswd', '/etc/passwd')],
    verdict: 'STACK4002',
  },
  {
    name: 'SymlinkEmptyFilename',
    layer: [...passwd, symlink('', '/etc/'), hardlink('localpasswd', '/etc/passwd')],
    verdict: 'STACK4001',
  },
  {
    name: 'SymlinkParentRelative',
    layer: [...passwd, symlink('localetc/sub/..', '/etc/'), hardlink('/localetc/localpasswd', '/etc/passwd')],
    verdict: 'STACK4002',
  },
  {
    name: 'SymlinkSlashEnded',
    layer: [...passwd, dir('localetc/', { mode: 0o770 }), hardlink('/localetc/localpasswd', '/etc/passwd')],
    verdict: ['etc/', 'etc/passwd = inside', 'localetc/', 'localetc/localpasswd == etc/passwd'],
  },
  {
    name: 'SymlinkOverrideDirectory',
    below: [...passwd, dir('/localetc/')],
    layer: [symlink('localetc', '/etc'), hardlink('/localetc/localpasswd', '/etc/passwd')],
    verdict: 'STACK4002',
  },
  {
    name: 'SymlinkOverrideDirectoryRelative',
    below: [...passwd, dir('/localetc/')],
    layer: [symlink('localetc', '../../etc'), hardlink('/localetc/localpasswd', '/etc/passwd')],
    verdict: 'STACK4002',
  },
  {
    name: 'DirectoryOverrideSymlink', // refused for its hard link into another layer, which no writer makes
    below: [...passwd, symlink('localetc', '/etc')],
    layer: [dir('/localetc/'), hardlink('/localetc/localpasswd', '/etc/passwd')],
    verdict: 'STACK4002',
  },
  {
    name: 'DirectoryOverrideSymlinkAndHardlink',
    below: [...passwd, symlink('localetc', 'etc'), hardlink('/localetc/localpasswd', '/etc/passwd')],
    layer: [dir('/localetc/'), file('/localetc/localpasswd', 'different')],
    verdict: [
      'etc/',
      'etc/localpasswd = inside',
      'etc/passwd == etc/localpasswd',
      'localetc/',
      'localetc/localpasswd = different',
    ],
  },
  { name: 'WhiteoutRootParent', below: passwd, layer: [file('.wh...')], verdict: 'STACK4002' },
  { name: 'WhiteoutParent', below: passwd, layer: [file('etc/.wh...')], verdict: 'STACK4002' },
  { name: 'WhiteoutRoot', below: passwd, layer: [file('.wh..')], verdict: 'STACK4002' },
  { name: 'WhiteoutCurrentDirectory', below: passwd, layer: [file('etc/.wh..')], verdict: 'STACK4002' },
  {
    name: 'WhiteoutSymlink', // removes the link, not where it leads
    below: [...allUsers, symlink('localetc', '/etc')],
    layer: [file('.wh.localetc')],
    verdict: ['etc/', 'etc/passwd = all users'],
  },
  {
    name: 'WhiteoutSymlinkPath', // a link of the layer below is followed, as in containerd
    below: [...allUsers, whitedOut, symlink('localetc', '/etc')],
    layer: [file('localetc/.wh.whitedout')],
    verdict: ['etc/', 'etc/passwd = all users', 'localetc -> /etc'],
  },
  {
    name: 'WhiteoutDirectoryName',
    below: [...allUsers, whitedOut, symlink('localetc', '/etc')],
    layer: [file('.wh.etc/somefile', 'non-empty')],
    verdict: 'STACK4004',
  },
  {
    name: 'WhiteoutDeadSymlinkParent',
    below: [...allUsers, symlink('localetc', '/dne')],
    layer: [file('localetc/.wh.etc')],
    verdict: ['etc/', 'etc/passwd = all users', 'localetc -> /dne'],
  },
  {
    name: 'WhiteoutRelativePath',
    below: [...allUsers, symlink('localetc', '/dne')],
    layer: [file('dne/../.wh.etc')],
    verdict: 'STACK4002',
  },
  {
    name: 'HardlinkSymlinkBeforeCreateTarget', // linked is the symbolic link, which may dangle
    layer: [
      dir('etc'),
      symlink('localpasswd', '/etc/passwd'),
      hardlink('localpasswd-dup', 'localpasswd'),
      file('/etc/passwd', 'after'),
    ],
    verdict: ['etc/', 'etc/passwd = after', 'localpasswd -> /etc/passwd', 'localpasswd-dup -> /etc/passwd'],
  },
  {
    name: 'HardlinkSymlinkRelative',
    layer: [...passwd, symlink('passwdlink', '../../../../../etc/passwd'), hardlink('localpasswd', '/passwdlink')],
    verdict: [
      'etc/',
      'etc/passwd = inside',
      'localpasswd -> ../../../../../etc/passwd',
      'passwdlink -> ../../../../../etc/passwd',
    ],
  },
  {
    name: 'HardlinkSymlinkAbsolute',
    layer: [...passwd, symlink('passwdlink', '/etc/passwd'), hardlink('localpasswd', '/passwdlink')],
    verdict: ['etc/', 'etc/passwd = inside', 'localpasswd -> /etc/passwd', 'passwdlink -> /etc/passwd'],
  },
  {
    name: 'HardlinkSymlinkChmod', // the link to a file outside stays a link; nothing is changed there
    layer: [symlink('also-exists-outside-root', '/perm400'), hardlink('sketchylink', '/also-exists-outside-root')],
    verdict: ['also-exists-outside-root -> /perm400', 'sketchylink -> /perm400'],
  },
];

/** Nothing in a tree may be reached through a symbolic link of the same tree, or have a name that climbs. */
function expectContained(tree: Tree): void {
  const types = new Map(tree.map((entry) => [entry.path, entry.type]));
  for (const { path: each } of tree) {
    expect(each.split('/')).not.toContain('..');
    expect(each.startsWith('/')).toBe(false);
    expect(ancestorsOf(each).map((ancestor) => types.get(ancestor) ?? 'directory')).toEqual(
      ancestorsOf(each).map(() => 'directory'),
    );
  }
}

test.each(BREAKOUTS.map((each) => [each.name, each] as const))('%s', async (_, { below = [], layer, verdict }) => {
  const lower = await bench.read(tar(...below));
  const reading = bench.read(tar(...layer));
  if (typeof verdict === 'string') {
    expect(await codeOf(reading)).toBe(verdict);
  } else {
    const { tree } = await reading;
    expectContained(tree);
    const seen = [...mergeTrees([lower.tree, tree]).values()];
    expect(listing(seen.sort((a, b) => (a.path < b.path ? -1 : 1)))).toEqual(verdict);
  }
  expect(fs.readdirSync(outside)).toEqual(['passwd']);
  expect(fs.readFileSync(path.join(outside, 'passwd'), 'utf8')).toBe('outside');
  expect(fs.statSync(path.join(outside, 'passwd')).nlink).toBe(1);
});
