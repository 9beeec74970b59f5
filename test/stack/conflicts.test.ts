import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { indexLine, PathList, type Entry } from '../../lib/pack';
import { findConflicts } from '../../lib/stack';
import type { ConflictsPlan } from '../../lib/plan';
import {
  combine,
  conflictsOf,
  device,
  directory,
  file,
  findingsOf,
  hardlink,
  link,
  opaque,
  shortOf,
  whiteout,
} from './combination';
import { Combination } from '../../lib/stack';

type Layers = Readonly<Record<string, readonly Entry[]>>;

const SETUID = { mode: 0o4755 };
const CAPABLE = { xattrs: [{ name: 'security.capability', value: Buffer.from('all') }] };

describe('what two components have at one path', () => {
  test.each<[string, Layers, string[]]>([
    ['nothing in common', { a: [file('x')], b: [file('y')] }, []],
    ['the same file', { a: [file('x')], b: [file('x')] }, []],
    ['the same setuid file', { a: [file('x', 'x', SETUID)], b: [file('x', 'x', SETUID)] }, []],
    ['only another time', { a: [file('x')], b: [file('x', 'x', { mtime: 6 })] }, []],
    ['a directory with another time', { a: [directory('d')], b: [directory('d', { mtime: 6 })] }, []],
    [
      'a directory with another mode',
      {
        a: [directory('etc'), directory('etc/private', { mode: 0o710 })],
        b: [directory('etc'), directory('etc/private', { mode: 0o700 })],
      },
      ['warning DIRECTORY_METADATA /etc/private'],
    ],
    [
      'more bits on a private directory',
      { a: [directory('p', { mode: 0o700 })], b: [directory('p', { mode: 0o710 })] },
      ['error DIRECTORY_WEAKENED /p'],
    ],
    [
      'a directory that loses its sticky bit',
      { a: [directory('tmp', { mode: 0o1777 })], b: [directory('tmp', { mode: 0o777 })] },
      ['error DIRECTORY_WEAKENED /tmp'],
    ],
    ['another owner', { a: [file('x')], b: [file('x', 'x', { uid: 1 })] }, ['error METADATA_CONFLICT /x']],
    ['another mode', { a: [file('x')], b: [file('x', 'x', { mode: 0o600 })] }, ['error METADATA_CONFLICT /x']],
    [
      'other extended attributes',
      { a: [file('x')], b: [file('x', 'x', { xattrs: [{ name: 'user.a', value: Buffer.from('1') }] })] },
      ['error METADATA_CONFLICT /x'],
    ],
    ['other content', { a: [file('x', '1')], b: [file('x', '2')] }, ['error CONTENT_CONFLICT /x']],
    ['a link to elsewhere', { a: [link('x', 'a')], b: [link('x', 'b')] }, ['error CONTENT_CONFLICT /x']],
    ['a directory over a link', { a: [link('lib', 'usr/lib')], b: [directory('lib')] }, ['error TYPE_CONFLICT /lib']],
    ['a link over a directory', { a: [directory('lib')], b: [link('lib', 'usr/lib')] }, ['error TYPE_CONFLICT /lib']],
    [
      'a file in a directory that is not described, over a link',
      { a: [link('lib', 'usr/lib')], b: [file('lib/new.so')] },
      ['error IMPLICIT_PARENT /lib'],
    ],
    [
      'a link over a directory that is not described',
      { a: [file('lib/x')], b: [link('lib', 'usr/lib')] },
      ['error TYPE_CONFLICT /lib'],
    ],
    ['a setuid file over another one', { a: [file('x')], b: [file('x', 'x', SETUID)] }, ['error PRIVILEGED_FILE /x']],
    [
      'a setgid file over another one',
      { a: [file('x')], b: [file('x', 'y', { mode: 0o2755 })] },
      ['error PRIVILEGED_FILE /x'],
    ],
    ['a device over a file', { a: [file('x')], b: [device('x')] }, ['error PRIVILEGED_FILE /x']],
    ['another device', { a: [device('x')], b: [device('x', 2)] }, ['error PRIVILEGED_FILE /x']],
    [
      'a file over a directory with content',
      { a: [directory('d'), file('d/x')], b: [file('d')] },
      ['error FILE_OVER_DIRECTORY /d'],
    ],
    ['a file over an empty directory', { a: [directory('d')], b: [file('d')] }, ['error TYPE_CONFLICT /d']],
    ['names in another case', { a: [file('README')], b: [file('readme')] }, ['info NAME_COLLISION /readme']],
    [
      'names in another form of Unicode, once for all that is in them',
      { a: [directory('caf\u00e9'), file('caf\u00e9/x')], b: [directory('cafe\u0301'), file('cafe\u0301/x')] },
      ['info NAME_COLLISION /caf\u00e9'],
    ],
    [
      'a hard link to other content',
      {
        a: [file('x', '1'), file('y', '2')],
        b: [file('x', '1'), hardlink('y', 'x')],
      },
      ['error CONTENT_CONFLICT /y'],
    ],
    [
      'two names of one file, of which only the first is spelled out',
      { a: [file('x', '1'), hardlink('y', 'x')], b: [file('x', '2'), hardlink('y', 'x')] },
      ['error CONTENT_CONFLICT /x', 'error CONTENT_CONFLICT /y'],
    ],
    [
      'two names of one file that only the lower component changes',
      {
        ab: [file('x', '1'), hardlink('y', 'x')],
        a: [file('x', '2'), hardlink('y', 'x')],
        b: [file('x', '1'), hardlink('y', 'x'), file('z')],
      },
      ['one-sided change /x', 'one-sided change /y'],
    ],
    [
      'a path through a link that lies in a directory behind a link',
      {
        ab: [directory('usr'), directory('usr/lib'), link('lib', 'usr/lib')],
        a1: [link('lib/foo', 'bar')],
        a2: [file('lib/foo/f', '1')],
        b: [directory('usr/lib'), directory('usr/lib/bar'), file('usr/lib/bar/f', '2')],
      },
      ['error IMPLICIT_PARENT /lib', 'error CONTENT_CONFLICT /usr/lib/bar/f'],
    ],
    [
      'a link in the place of a directory of the base, in which the lower component has a file',
      {
        ab: [directory('lib'), file('lib/o', '1')],
        a: [directory('lib'), file('lib/n', '1')],
        b: [link('lib', 'usr/lib'), directory('usr'), directory('usr/lib'), file('usr/lib/o', '1')],
      },
      ['error TYPE_CONFLICT /lib'],
    ],
    [
      'the same with a whiteout below it',
      {
        ab: [directory('lib'), file('lib/o', '1')],
        a: [directory('lib'), file('lib/n', '1')],
        b1: [whiteout('lib')],
        b2: [link('lib', 'usr/lib'), directory('usr'), directory('usr/lib'), file('usr/lib/o', '1')],
      },
      ['error TYPE_CONFLICT /lib'],
    ],
    [
      'privileges that one component gives, and content of the other',
      {
        ab: [file('x', '1'), file('y', '1'), file('z', '1')],
        a: [file('x', '1', SETUID), file('y', '1', CAPABLE), file('z', '1', SETUID)],
        b: [file('x', '2'), file('y', '2'), file('z', '1')],
      },
      ['error PRIVILEGED_FILE /x', 'error PRIVILEGED_FILE /y', 'one-sided change /z'],
    ],
    [
      'the same the other way round',
      {
        ab: [file('x', '1'), file('y', '1')],
        a: [file('x', '2'), file('y', '2')],
        b: [file('x', '1', SETUID), file('y', '1', CAPABLE)],
      },
      ['error PRIVILEGED_FILE /x', 'error PRIVILEGED_FILE /y'],
    ],
    [
      'a path through a link of the base',
      {
        ab: [directory('usr'), directory('usr/lib'), link('lib', 'usr/lib')],
        a: [directory('usr/lib'), file('usr/lib/x', '1')],
        b: [file('lib/x', '2')],
      },
      ['error IMPLICIT_PARENT /lib', 'error CONTENT_CONFLICT /usr/lib/x'],
    ],
  ])('%s', (_what, layers, expected) => {
    expect(shortOf(layers)).toEqual(expected);
  });

  test('a conflict tells both owners with what they have, and the rule to write', () => {
    const [conflict] = conflictsOf({ a: [file('x', '1')], b: [file('x', '22')] });
    expect(conflict).toEqual({
      code: 'CONTENT_CONFLICT',
      severity: 'error',
      path: '/x',
      owners: [
        {
          component: 'a',
          layer: 'a',
          createdBy: 'layer a',
          entry: expect.stringMatching(/^file 0644 0:0 1 bytes sha256:/) as string,
        },
        {
          component: 'b',
          layer: 'b',
          createdBy: 'layer b',
          entry: expect.stringMatching(/^file 0644 0:0 2 bytes sha256:/) as string,
        },
      ],
      fix: "to take what is on top, set conflicts: { rules: [{ match: '/x', policy: 'last-wins' }] } on the combined image",
    });
  });

  test.each(['x\udcff', "it's", 'a*', '[', 'back\\slash', '{a,b}', '"', 'libstdc++.so', '@(a)'])(
    'the rule of a fix is for that path, and can be pasted: %j',
    (name) => {
      const layers = { a: [file(name, '1'), file('a', '1')], b: [file(name, '2'), file('a', '2')] };
      const { fix } = conflictsOf(layers).find(({ path }) => path === `/${name}`) ?? { fix: '' };
      const [, literal = ''] = /match: ('.*'), policy/.exec(fix) ?? [];
      expect(literal).toMatch(/^[ -~]+$/);
      const match = runInNewContext(literal) as string;
      expect(shortOf(layers, { rules: [{ match, policy: 'last-wins' }] })).toEqual([
        'error CONTENT_CONFLICT /a',
        `info CONTENT_CONFLICT /${name}`,
      ]);
    },
  );

  test('inside of one component overwriting is meant', () => {
    expect(shortOf({ a1: [file('x', '1')], a2: [file('x', '2'), directory('y')], b: [file('z')] })).toEqual([]);
  });

  test('only what a component has in the end counts', () => {
    const gone = { ab: [directory('d'), file('d/x', '1')], a1: [file('d/x', '2')], a2: [file('d')], b: [file('y')] };
    expect(shortOf({ ...gone, b: [directory('d'), file('d/x', '3')] })).toEqual(['error TYPE_CONFLICT /d']);
    expect(shortOf(gone)).toEqual([]);
    expect(shortOf({ a1: [file('x', '1')], a2: [whiteout('x')], b: [file('x', '2')] })).toEqual([]);
    expect(
      shortOf({ a1: [directory('d'), file('d/x', '1')], a2: [whiteout('d')], b: [directory('d'), file('d/x', '2')] }),
    ).toEqual([]);
  });
});

describe('what one component changes of the shared base', () => {
  const base = [directory('etc', { mode: 0o750 }), file('etc/x', 'base')];

  test.each<[string, Layers, string[]]>([
    ['a file', { ab: base, a: [file('etc/y')], b: [directory('etc', { mode: 0o750 }), file('etc/x', 'new')] }, []],
    [
      'a file that the one below has unchanged',
      { ab: base, a: [file('etc/x', 'base')], b: [file('etc/x', 'new')] },
      [],
    ],
    [
      'a file that the one above sets back',
      { ab: base, a: [file('etc/x', 'new')], b: [file('etc/x', 'base')] },
      ['one-sided change /etc/x'],
    ],
    ['both alike', { ab: base, a: [file('etc/x', 'new')], b: [file('etc/x', 'new')] }, []],
    [
      'a directory, and wins',
      { ab: base, a: [directory('etc', { mode: 0o750 })], b: [directory('etc', { mode: 0o700 })] },
      [],
    ],
    [
      'a directory that the one above sets back',
      { ab: base, a: [directory('etc', { mode: 0o700 })], b: [directory('etc', { mode: 0o750 })] },
      ['one-sided change /etc'],
    ],
    [
      'a directory away that the other one uses',
      { ab: base, a: [directory('etc', { mode: 0o750 }), file('etc/new')], b: [file('etc')] },
      ['error FILE_OVER_DIRECTORY /etc'],
    ],
    [
      'that the other one removes',
      { ab: base, a: [file('etc/x', 'new')], b: [whiteout('etc/x')] },
      ['error MODIFY_DELETE /etc/x'],
    ],
    [
      'that the other one removed',
      { ab: base, a: [whiteout('etc/x')], b: [file('etc/x', 'new')] },
      ['error MODIFY_DELETE /etc/x'],
    ],
    [
      'a setuid file that the one above sets back',
      { ab: [file('x', '1', SETUID)], a: [file('x', '2')], b: [file('x', '1', SETUID)] },
      ['one-sided change /x'],
    ],
    [
      'back that the other one removed',
      { ab: base, a: [whiteout('etc/x')], b: [file('etc/x', 'base')] },
      ['one-sided change, removal /etc/x'],
    ],
    [
      'in a directory that the other one removes',
      { ab: base, a: [file('etc/x', 'new')], b: [whiteout('etc')] },
      ['error MODIFY_DELETE /etc/x'],
    ],
    [
      'an empty directory away that the other one repeats',
      { ab: [directory('d'), directory('d/e')], a: [whiteout('d')], b: [directory('d'), directory('d/e')] },
      ['one-sided change, removal /d'],
    ],
    [
      'a directory away with its files that the other one repeats',
      { ab: [directory('d'), file('d/e')], a: [whiteout('d')], b: [directory('d'), file('d/e')] },
      ['one-sided change, removal /d'],
    ],
    [
      'an empty directory away that the other one has something in',
      {
        ab: [directory('d'), directory('d/e'), directory('d/f')],
        a: [whiteout('d')],
        b: [directory('d'), directory('d/e'), file('d/e/x'), directory('d/f')],
      },
      ['one-sided change, removal /d/f'],
    ],
    [
      'an empty directory away that the other one had something in for a while',
      {
        ab: [directory('d')],
        a: [whiteout('d')],
        b1: [directory('d'), file('d/x')],
        b2: [directory('d'), whiteout('d/x')],
      },
      ['one-sided change, removal /d'],
    ],
    [
      'an empty directory away that the other one gave another owner',
      { ab: [directory('d')], a: [whiteout('d')], b: [directory('d', { uid: 1 })] },
      ['error MODIFY_DELETE /d'],
    ],
    ['away, as the other one', { ab: base, a: [whiteout('etc/x')], b: [whiteout('etc/x')] }, []],
    [
      'away, and the other one repeats',
      { ab: base, a: [directory('etc', { mode: 0o750 }), file('etc/x', 'base')], b: [whiteout('etc/x')] },
      [],
    ],
  ])('%s', (_what, layers, expected) => {
    expect(shortOf(layers)).toEqual(expected);
  });

  test('and two of three in different ways, is a conflict, whatever the third one has', () => {
    const layers = { abc: base, a: [file('etc/x', '1')], b: [file('etc/x', '2')], c: [file('etc/x', 'base')] };
    expect(shortOf(layers)).toEqual(['error CONTENT_CONFLICT /etc/x']);
  });

  test('goes to the top where a rule or nobody cares', () => {
    const layers = { ab: base, a: [file('etc/x', 'new')], b: [file('etc/x', 'base')] };
    expect(shortOf(layers, { rules: [{ match: '/etc/x', policy: 'warn' }] })).toEqual([
      'warning CONTENT_CONFLICT /etc/x',
    ]);
    const log = { ab: [file('var/log/x', 'base')], a: [file('var/log/x', 'new')], b: [file('var/log/x', 'base')] };
    expect(shortOf(log)).toEqual(['info CONTENT_CONFLICT /var/log/x']);
  });
});

describe('what one component changes and the other rests on', () => {
  const usr = [directory('usr'), directory('usr/lib'), file('usr/lib/old'), link('lib', 'usr/lib')];
  const program = [directory('usr'), directory('usr/lib'), file('usr/lib/new')];
  const shared = { mode: 0o1777 };
  const secret = { mode: 0o700 };

  test.each<[string, Layers, string[]]>([
    ['a link that becomes a directory', { ab: usr, a: [directory('lib')], b: program }, ['error TYPE_CONFLICT /lib']],
    [
      'the same from above, with a whiteout before it',
      { ab: usr, b: program, a1: [whiteout('lib')], a2: [directory('lib')] },
      ['error TYPE_CONFLICT /lib'],
    ],
    ['a link that becomes a file', { ab: usr, a: [file('lib')], b: program }, ['error TYPE_CONFLICT /lib']],
    [
      'a link that a layer passes by without describing the directory',
      { ab: usr, a: [file('lib/x')], b: program },
      ['error IMPLICIT_PARENT /lib'],
    ],
    [
      'a link that is a directory for one, and is passed by for the other',
      { ab: usr, a: [directory('lib')], b: [file('lib/x')] },
      ['error IMPLICIT_PARENT /lib'],
    ],
    ['the same from above', { ab: usr, b: [file('lib/x')], a: [directory('lib')] }, ['error IMPLICIT_PARENT /lib']],
    [
      'a link that leads elsewhere',
      { ab: usr, a: [link('lib', 'usr/lib64')], b: program },
      ['error LINK_CHANGED /lib'],
    ],
    ['a link that is removed', { ab: usr, a: [whiteout('lib')], b: program }, ['error LINK_CHANGED /lib']],
    [
      'a link that is removed with the directory it is in',
      {
        ab: [...usr, directory('opt'), link('opt/lib', '/usr/lib')],
        a: [whiteout('opt')],
        b: program,
      },
      ['error LINK_CHANGED /opt/lib'],
    ],
    [
      'a link in a directory that becomes a file',
      { ab: [...usr, directory('opt'), directory('opt/d'), link('opt/d/l', '/usr/lib')], a: [file('opt')], b: program },
      ['error LINK_CHANGED /opt/d/l'],
    ],
    [
      'a link that leads elsewhere, and that the other repeats',
      { ab: usr, a: [link('lib', 'usr/lib64')], b: [...program, link('lib', 'usr/lib')] },
      ['error LINK_CHANGED /lib', 'one-sided change /lib'],
    ],
    [
      'a link behind a link',
      {
        ab: [directory('srv'), directory('srv/1'), link('srv/now', '1'), link('data', '/srv/now')],
        a: [directory('data')],
        b: [directory('srv'), directory('srv/1'), file('srv/1/x')],
      },
      ['error TYPE_CONFLICT /data'],
    ],
    ['a link that nothing of the other lies behind', { ab: usr, a: [directory('lib')], b: [file('usr/x')] }, []],
    ['a link to a file', { ab: [link('sh', 'dash'), file('dash')], a: [link('sh', 'bash')], b: [file('x')] }, []],
    [
      'a link to where it is itself',
      { ab: [directory('bin'), link('bin/X11', '.')], a: [whiteout('bin/X11')], b: [file('bin/x')] },
      [],
    ],
    [
      'a directory that becomes a link',
      { ab: [directory('lib')], a: [link('lib', 'usr/lib')], b: [directory('lib'), file('lib/x')] },
      ['error TYPE_CONFLICT /lib'],
    ],
    [
      'a shared directory that loses its sticky bit',
      { ab: [directory('tmp', shared)], a: [directory('tmp')], b: [file('x')] },
      ['error DIRECTORY_WEAKENED /tmp'],
    ],
    [
      'a shared directory in which nobody may write any more, and that the other repeats',
      { ab: [directory('tmp', shared)], a: [directory('tmp', { mode: 0o1755 })], b: [directory('tmp', shared)] },
      ['error DIRECTORY_WEAKENED /tmp', 'one-sided change /tmp'],
    ],
    [
      'a private directory that is opened',
      { ab: [directory('root', secret)], a: [directory('root')], b: [file('x')] },
      ['error DIRECTORY_WEAKENED /root'],
    ],
    [
      'a private directory that both open',
      { ab: [directory('root', secret)], a: [directory('root')], b: [directory('root')] },
      [],
    ],
    [
      'a private directory that one gives to a group of its own',
      { ab: [directory('ssl', secret)], a: [directory('ssl', { mode: 0o710, gid: 101 })], b: [file('x')] },
      [],
    ],
    [
      'a private directory that one opens and the other closes again',
      { ab: [directory('d', secret)], a: [directory('d')], b: [directory('d', { mode: 0o700, uid: 1 })] },
      ['warning DIRECTORY_METADATA /d'],
    ],
    [
      'a directory in which everybody may write',
      { ab: [directory('opt')], a: [directory('opt', { mode: 0o777 })], b: [file('x')] },
      ['error DIRECTORY_WEAKENED /opt'],
    ],
    [
      'a private file that is opened',
      { ab: [file('shadow', '1', { mode: 0o640 })], a: [file('shadow', '1')], b: [file('x')] },
      ['error FILE_WEAKENED /shadow'],
    ],
    [
      'a copy of what everybody may read',
      { ab: [file('etc/passwd-', '1', { mode: 0o600 })], a: [file('etc/passwd-', '1')], b: [file('x')] },
      ['info FILE_WEAKENED /etc/passwd-'],
    ],
    [
      'a copy of what is private',
      { ab: [file('etc/shadow-', '1', { mode: 0o640 })], a: [file('etc/shadow-', '1')], b: [file('x')] },
      ['error FILE_WEAKENED /etc/shadow-'],
    ],
    [
      'a private file that is opened, and that the other changes',
      { ab: [file('s', '1', { mode: 0o640 })], a: [file('s', '1')], b: [file('s', '2', { mode: 0o640 })] },
      ['error CONTENT_CONFLICT /s', 'error FILE_WEAKENED /s'],
    ],
    [
      'a C library without a package',
      { ab: [file('lib/libc.so.6', '1')], a: [file('lib/libc.so.6', '2')], b: [file('x')] },
      ['warning RUNTIME_REPLACED /lib/libc.so.6'],
    ],
    [
      'a C library with its package',
      {
        ab: [file('lib/libc.so.6', '1'), file('var/lib/dpkg/status', '1')],
        a: [file('lib/libc.so.6', '2'), file('var/lib/dpkg/status', '2')],
        b: [file('x')],
      },
      [],
    ],
  ])('%s', (_what, layers, expected) => {
    expect(shortOf(layers)).toEqual(expected);
  });

  test('is told with what lies behind a link', () => {
    const [conflict] = conflictsOf({ ab: usr, a: [link('lib', 'usr/lib64')], b: program });
    expect(conflict).toMatchObject({
      owners: [{ component: 'a' }, { component: 'b' }],
      message: "in the base it is a link to usr/lib; 'a' lets it lead to usr/lib64, and 'b' has /usr/lib/new behind it",
    });
  });

  test('may be allowed by a rule, but for another type', () => {
    const rules: ConflictsPlan = { rules: [{ match: '/**', policy: 'last-wins' }] };
    const opened = { ab: [directory('root', secret)], a: [directory('root')], b: [file('x')] };
    expect(shortOf(opened, rules)).toEqual(['info DIRECTORY_WEAKENED /root']);
    expect(shortOf({ ab: usr, a: [whiteout('lib')], b: program }, rules)).toEqual(['info LINK_CHANGED /lib']);
    expect(shortOf({ ab: usr, a: [directory('lib')], b: program }, rules)).toEqual(['error TYPE_CONFLICT /lib']);
  });
});

describe('mergers', () => {
  const layers = { a: [file('etc/x', '1'), file('y', '1')], b: [file('etc/x', '2'), file('y', '2')] };

  test('are given the paths that they are for, in their order', () => {
    expect(shortOf(layers, {}, ['/none'], ['/etc/*'], ['/**'])).toEqual(['merge /etc/x by 1 2', 'merge /y by 2']);
  });

  test('come after the rules', () => {
    const rules: ConflictsPlan = { default: 'last-wins', rules: [{ match: '/etc/**', policy: 'warn' }] };
    expect(shortOf(layers, rules, ['/**'])).toEqual(['warning CONTENT_CONFLICT /etc/x', 'merge /y by 0']);
  });

  test('may settle that one component removes what another one changes', () => {
    const changed = { ab: [file('x', 'base')], a: [file('x', 'new')], b: [whiteout('x')] };
    expect(shortOf(changed, {}, ['/x'])).toEqual(['merge /x by 0']);
  });

  test('are not asked what no content could settle', () => {
    expect(shortOf({ a: [file('x')], b: [file('x', 'x', { uid: 1 })] }, {}, ['/**'])).toEqual([
      'error METADATA_CONFLICT /x',
    ]);
    expect(shortOf({ a: [link('lib', 'x')], b: [directory('lib')] }, {}, ['/**'])).toEqual([
      'error TYPE_CONFLICT /lib',
    ]);
  });

  test('for everything are not for what nobody cares about', () => {
    const log = { a: [file('var/log/x', '1')], b: [file('var/log/x', '2')] };
    expect(shortOf(log, {}, ['/**'])).toEqual(['info CONTENT_CONFLICT /var/log/x']);
    expect(shortOf(log, {}, ['/var/log/*'])).toEqual(['merge /var/log/x by 0']);
  });
});

describe('whiteouts that reach a sibling', () => {
  const base = [directory('etc'), directory('etc/cron.d'), file('etc/cron.d/e2scrub_all')];

  test('purging a package that empties a directory, which hides a file of the sibling', () => {
    const [conflict, ...others] = conflictsOf({
      ab: base,
      a: [directory('etc'), directory('etc/cron.d'), file('etc/cron.d/popularity-contest')],
      b: [directory('etc'), whiteout('etc/cron.d')],
    });
    expect(others).toEqual([]);
    expect(conflict).toMatchObject({
      code: 'FOREIGN_WHITEOUT',
      severity: 'error',
      path: '/etc/cron.d',
      owners: [{ component: 'a' }, { component: 'b', entry: 'removed' }],
      hidden: ['/etc/cron.d/popularity-contest'],
      hiddenCount: 1,
    });
  });

  test('an opaque mark that hides nothing of its own base is repaired, unless a rule says otherwise', () => {
    const layers = {
      ab: [directory('etc')],
      a: [directory('etc'), directory('etc/ssl'), file('etc/ssl/x')],
      b: [directory('etc'), opaque('etc/ssl'), file('etc/ssl/y')],
    };
    for (const rules of [{}, { default: 'last-wins' }, { whiteouts: 'allow' }] satisfies ConflictsPlan[]) {
      expect(shortOf(layers, rules)).toEqual(['repair /etc/ssl/x']);
    }
    const rules: ConflictsPlan = { rules: [{ match: '/etc/ssl/x', policy: 'last-wins' }] };
    expect(shortOf(layers, rules)).toEqual(['info VACUOUS_WHITEOUT /etc/ssl']);
    expect(conflictsOf(layers, rules)[0]?.hidden).toEqual(['/etc/ssl/x']);
  });

  test('marks below marks hide nothing more', () => {
    const deep = Array.from({ length: 200 }, (_, depth) => Array.from({ length: depth + 1 }, () => 'd').join('/'));
    const bottom = deep.at(-1) ?? '';
    const files = Array.from({ length: 1000 }, (_, at) => file(`${bottom}/${String(at)}`));
    const { restorations } = findingsOf({
      a: [...deep.map((path) => directory(path)), ...files],
      b: [...deep.slice(1).map(opaque), opaque('d'), whiteout(`${bottom}/7`), file(`${bottom}/8`)],
    });
    expect(restorations.size).toBe(999); // both have 8
  });

  test('what would be too much to put back is an error', () => {
    const large = { size: 40 * 1024 * 1024 };
    const layers = { a: [file('d/x', 'x', large), file('d/y', 'y', large)], b: [opaque('d')] };
    expect(shortOf(layers)).toEqual(['error VACUOUS_WHITEOUT /d']);
    expect(conflictsOf(layers)[0]).toMatchObject({ hidden: ['/d/x', '/d/y'], hiddenCount: 2 });
  });

  test('what a third component has again is not put back', () => {
    expect(shortOf({ a: [file('d/x', '1')], b: [opaque('d')], c: [file('d/x', '1')] })).toEqual([]);
  });

  test('of what several components have the topmost is put back', () => {
    const found = findingsOf({ a: [file('d/x', '1', { mtime: 1 })], b: [file('d/x', '1')], c: [opaque('d')] });
    expect(found.restorations.get('d/x')?.place?.layer).toBe(1);
  });

  test.each<[string, Layers, string[]]>([
    ['a whiteout of nothing', { ab: base, a: [file('x')], b: [whiteout('x')] }, ['repair /x']],
    ['an own one that hides nothing of the sibling', { ab: base, a: [file('x')], b: [whiteout('etc/cron.d')] }, []],
    ['a vacuous one that hides nothing', { ab: base, a: [file('x')], b: [opaque('etc')] }, []],
    ['one of the root', { ab: [], a: [file('x')], b: [opaque(''), file('y')] }, ['repair /x']],
    [
      'one below the sibling',
      {
        ab: base,
        b: [directory('etc'), whiteout('etc/cron.d')],
        a: [directory('etc'), directory('etc/cron.d'), file('etc/cron.d/new')],
      },
      [],
    ],
    [
      'one whose component has the file again',
      { a: [file('d/x', '1')], b1: [opaque('d')], b2: [file('d/x', '1')] },
      [],
    ],
    [
      'one of what its component had brought',
      { a: [file('x', '1')], b1: [file('x', '2')], b2: [whiteout('x')] },
      ['error FOREIGN_WHITEOUT /x'],
    ],
    [
      'one of what its component had removed before',
      { a: [file('x', '1')], b1: [file('x', '2')], b2: [whiteout('x')], b3: [whiteout('x')] },
      ['repair /x'],
    ],
  ])('%s', (_what, layers, expected) => {
    expect(shortOf(layers)).toEqual(expected);
  });

  test('own ones can be allowed, or repaired', () => {
    const layers = { ab: base, a: [file('etc/cron.d/new')], b: [whiteout('etc/cron.d')] };
    expect(shortOf(layers, { whiteouts: 'allow' })).toEqual(['warning FOREIGN_WHITEOUT /etc/cron.d']);
    expect(shortOf(layers, { whiteouts: 'repair' })).toEqual(['repair /etc/cron.d/new']);
  });
});

describe('two whole systems', () => {
  const debian = [directory('etc'), file('etc/os-release', 'debian'), file('own')];
  const alpine = [directory('lib'), directory('lib/apk'), directory('lib/apk/db'), file('lib/apk/db/installed')];

  test('that share no layer are no combination, unless that is wanted', () => {
    expect(shortOf({ a: debian, b: alpine, c: [file('x')] })).toEqual(['error NO_COMMON_BASE /lib/apk/db/installed']);
    expect(shortOf({ a: debian, b: alpine }, { default: 'last-wins' })).toHaveLength(1);
    expect(shortOf({ a: debian, b: alpine }, { base: 'ignore' })).toEqual([]);
  });

  test('of which one has no system of its own in the end, or that share a layer, may be', () => {
    expect(shortOf({ ab: debian, a: alpine, b: [file('x')] })).toEqual([]);
    expect(shortOf({ a: debian, b1: alpine, b2: [whiteout('lib/apk')] })).toEqual([]);
  });
});

describe('rules', () => {
  const layers = { a: [file('x', '1'), file('y', '1')], b: [file('x', '2'), file('y', '2')] };

  test.each<[string, ConflictsPlan, string[]]>([
    ['the default', { default: 'warn' }, ['warning CONTENT_CONFLICT /x', 'warning CONTENT_CONFLICT /y']],
    [
      'a rule',
      { rules: [{ match: '/x', policy: 'last-wins' }] },
      ['error CONTENT_CONFLICT /y', 'info CONTENT_CONFLICT /x'],
    ],
    [
      'the last rule that matches',
      {
        default: 'last-wins',
        rules: [
          { match: '/**', policy: 'warn' },
          { match: '/x', policy: 'error' },
        ],
      },
      ['error CONTENT_CONFLICT /x', 'warning CONTENT_CONFLICT /y'],
    ],
  ])('%s decides', (_what, rules, expected) => {
    expect(shortOf(layers, rules)).toEqual(expected);
  });

  test('no rule allows what runtimes disagree on', () => {
    const rules: ConflictsPlan = { default: 'last-wins', rules: [{ match: '/**', policy: 'last-wins' }] };
    expect(shortOf({ a: [link('lib', 'x')], b: [directory('lib')] }, rules)).toEqual(['error TYPE_CONFLICT /lib']);
    expect(shortOf({ a: [link('lib', 'x')], b: [file('lib/y')] }, rules)).toEqual(['error IMPLICIT_PARENT /lib']);
  });

  test('names that collide are errors where the image is to be portable', () => {
    expect(shortOf({ a: [file('A')], b: [file('a')] }, { portable: true })).toEqual(['error NAME_COLLISION /a']);
  });

  test.each([
    'var/log/dpkg.log',
    'var/cache/apt/x',
    'var/lib/apt/lists/x',
    'run/x',
    'tmp/x',
    'etc/.pwd.lock',
    'etc/passwd-',
    'var/lib/dpkg/status-old',
  ])('nobody cares who has %s', (path) => {
    expect(shortOf({ a: [file(path, '1')], b: [file(path, '2')] })).toEqual([`info CONTENT_CONFLICT /${path}`]);
    expect(shortOf({ a: [file(path, '1')], b: [file(path, '2', SETUID)] })).toEqual([`error PRIVILEGED_FILE /${path}`]);
  });
});

/** Trees of files of a few names and contents. */
const tree = (names: readonly string[]): fc.Arbitrary<readonly Entry[]> =>
  fc
    .uniqueArray(fc.tuple(fc.constantFrom(...names), fc.constantFrom('1', '2')), { selector: ([name]) => name })
    .map((files) => files.map(([name, text]) => file(name, text)));

describe('laws', () => {
  test('components without a common path have no conflicts, in any order', () => {
    const parts = fc.tuple(tree(['a', 'b/c', 'b/d']), tree(['e', 'f/g', 'f/h']), tree(['i', 'j/k', 'j']));
    const disjoint = parts.filter(([, , third]) => third.length < 3);
    fc.assert(
      fc.property(disjoint, fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), (trees, order) => {
        const layers = Object.fromEntries(
          order.map((at) => ['abc'.charAt(at), trees[at]?.filter(({ path }) => path !== 'j') ?? []]),
        );
        expect(shortOf(layers)).toEqual([]);
      }),
    );
  });

  test('files that clash do so in either order', () => {
    const names = ['x', 'd/x', 'd/y'];
    fc.assert(
      fc.property(tree(names), tree(names), (a, b) => {
        expect(shortOf({ a, b })).toEqual(shortOf({ b, a }));
      }),
    );
  });

  test('a component does not contradict itself', () => {
    fc.assert(
      fc.property(tree(['x', 'd/x', 'd/y']), (a) => {
        expect(shortOf({ a, b: a, abc: [] })).toEqual([]);
      }),
    );
  });
});

test('a million paths are compared, and the one that differs is found', () => {
  const line = (entry: Entry): string => `${indexLine(entry, '0'.repeat(64))}\n`;
  const number = (at: number): string => String(at).padStart(3, '0');
  /** Half a million paths in order; those of the other list lie in the same directories, so that none is left out. */
  const listFor = (key: string): PathList => {
    const content = { kind: 'bytes', bytes: Buffer.alloc(0) } as const;
    const like = line({ type: 'file', path: 'PATH', mode: 0o644, uid: 0, gid: 0, mtime: 0, size: 0, content });
    const [start = '', end = ''] = like.split('PATH');
    const lines = Array.from({ length: 1000 }, (_, at) => {
      const parent = `usr/${number(at)}`;
      const files = Array.from({ length: 499 }, (__, each) => `${start}${parent}/file-${number(each)}-${key}${end}`);
      return [line(directory(parent)), ...files].join('');
    });
    return PathList.parse(Buffer.from([line(directory('usr')), ...lines, line(file('usr/clash', key))].join('')));
  };
  const lists = ['a', 'bb'].map((key) => ({ key, createdBy: key, list: listFor(key) }));
  expect(lists.reduce((sum, { list }) => sum + list.size, 0)).toBe(1_000_004);
  const components = lists.map(({ key }) => ({ name: key, layers: [key] }));
  const report = findConflicts(new Combination(lists, components)).report.build();
  expect(report.counts).toEqual([{ code: 'CONTENT_CONFLICT', severity: 'error', count: 1 }]);
  expect(report.conflicts.map(({ path }) => path)).toEqual(['/usr/clash']);
}, 120_000);

test('conflicts beyond a thousand are counted', () => {
  const files = (text: string): Entry[] => Array.from({ length: 1500 }, (_, at) => file(`x${String(at)}`, text));
  const report = findConflicts(combine({ a: files('1'), b: files('2') })).report.build();
  expect(report.counts).toEqual([{ code: 'CONTENT_CONFLICT', severity: 'error', count: 1500 }]);
  expect(report.conflicts).toHaveLength(1000);
});
