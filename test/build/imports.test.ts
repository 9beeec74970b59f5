import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import { treeDigest, type Tree } from '../../lib/pack';
import { failureOf } from '../failure';
import {
  directory,
  entryAt,
  EPOCH,
  hardlink,
  hostImport,
  imageImport,
  link,
  outline,
  textFile,
  Workshop,
} from './workshop';

let shop: Workshop;

beforeEach(() => {
  shop = new Workshop();
});

afterEach(() => {
  shop.remove();
});

/** A Debian-like base: /bin and /lib lead into /usr. */
const BASE: Tree = [
  link('bin', 'usr/bin'),
  directory('etc', { mode: 0o750, gid: 3, mtime: 9 }),
  textFile('etc/hosts', 'old'),
  link('lib', '/usr/lib'),
  directory('tmp', { mode: 0o1777 }),
  directory('usr'),
  directory('usr/bin', { mode: 0o711 }),
  textFile('usr/bin/sh', 'sh'),
  directory('usr/lib'),
  link('usr/loop', 'loop'),
];

describe('where an import goes', () => {
  test.each([
    ['folder', '/target', ['target/', 'target/a: A', 'target/sub/', 'target/sub/b: B']],
    ['folder/', '/target', ['target/', 'target/a: A', 'target/sub/', 'target/sub/b: B']],
    [
      'folder',
      '/target/',
      ['target/', 'target/folder/', 'target/folder/a: A', 'target/folder/sub/', 'target/folder/sub/b: B'],
    ],
    ['folder/', '/target/', ['target/', 'target/a: A', 'target/sub/', 'target/sub/b: B']],
    ['folder/', '/', ['a: A', 'sub/', 'sub/b: B']],
    ['folder', '/', ['folder/', 'folder/a: A', 'folder/sub/', 'folder/sub/b: B']],
    ['folder/', '/folder/', ['folder/', 'folder/a: A', 'folder/sub/', 'folder/sub/b: B']],
    ['folder/.', '/x/', ['x/', 'x/a: A', 'x/sub/', 'x/sub/b: B']],
    ['folder/sub/..', '/x/', ['x/', 'x/a: A', 'x/sub/', 'x/sub/b: B']],
    ['file', '/files/', ['files/', 'files/file: F']],
    ['file', '/file2', ['file2: F']],
    ['file', '/deep/er/file2', ['deep/', 'deep/er/', 'deep/er/file2: F']],
    ['file', '/', ['file: F']],
    ['./folder//sub', '/x/', ['x/', 'x/sub/', 'x/sub/b: B']],
  ])('%s to %s', async (source, dest, expected) => {
    shop.write({ 'folder/a': 'A', 'folder/sub/b': 'B', file: 'F' });
    expect(outline(await shop.imports([hostImport(source, dest)]))).toEqual(expected);
    const image = {
      other: [
        directory('folder'),
        textFile('folder/a', 'A'),
        directory('folder/sub'),
        textFile('folder/sub/b', 'B'),
        textFile('file', 'F'),
      ],
    };
    expect(outline(await shop.imports([imageImport('other', `/${source}`, dest)], [], image))).toEqual(expected);
  });

  test('everything of an image, to its place', async () => {
    expect(outline(await shop.imports([imageImport('other', '/', '/')], [], { other: BASE }))).toEqual(outline(BASE));
    expect(
      outline(await shop.imports([imageImport('other', '/', '/copy/')], [], { other: [textFile('a', 'A')] })),
    ).toEqual(['copy/', 'copy/a: A']);
  });

  test('the app itself, whatever its directory is called', async () => {
    shop.write({ a: 'A' });
    expect(outline(await shop.imports([hostImport('.', '/x/')]))).toEqual(['x/', 'x/a: A']);
  });

  test('a later import replaces what an earlier one put there', async () => {
    shop.write({ one: '1', two: '2', 'three/one': '3' });
    const tree = await shop.imports([
      hostImport('one', '/one'),
      hostImport('two', '/one'),
      hostImport('three/', '/'),
      hostImport('two', '/two'),
    ]);
    expect(outline(tree)).toEqual(['one: 3', 'two: 2']);
  });

  test('says which imports it replaces something of, and nothing where both have the same', async () => {
    shop.write({ one: '1', same: '1', 'dir/one': '2', 'dir/two': '2', 'other/one': '3', 'other/two': '4' });
    await shop.imports([hostImport('one', '/one'), hostImport('same', '/one')]);
    expect(shop.events).toEqual([]);
    await shop.imports([hostImport('one', '/one'), hostImport('dir/', '/'), hostImport('other/', '/')]);
    expect(shop.events).toEqual([
      {
        code: 'warning',
        id: 'import-replaced',
        image: 'x',
        message: "'/one' comes from both 'one' and 'dir/' and differs there; the later import is taken",
      },
      {
        code: 'warning',
        id: 'import-replaced',
        image: 'x',
        message: "'/one' and 1 more come from both 'dir/' and 'other/' and differ there; the later import is taken",
      },
    ]);
  });

  test.each([
    ['a file in a linked directory', 'file', '/lib/x', ['usr/', 'usr/lib/', 'usr/lib/x: F']],
    ['a file into a linked directory', 'file', '/bin/', ['usr/', 'usr/bin/', 'usr/bin/file: F']],
    ['a directory in the place of a link to one', 'folder', '/bin', ['usr/', 'usr/bin/', 'usr/bin/a: A']],
    [
      'a file in a new directory below a link',
      'file',
      '/lib/new/x',
      ['usr/', 'usr/lib/', 'usr/lib/new/', 'usr/lib/new/x: F'],
    ],
  ])('links of the base are followed on the way: %s', async (_, source, dest, expected) => {
    shop.write({ 'folder/a': 'A', file: 'F' });
    expect(outline(await shop.imports([hostImport(source, dest)], BASE))).toEqual(expected);
  });

  test('links that an earlier import brought are followed too', async () => {
    shop.write({ file: 'F', 'real/': '' });
    fs.symlinkSync('../real', shop.path('there'));
    fs.mkdirSync(shop.path('links'));
    fs.symlinkSync('/real', shop.path('links/way'));
    const tree = await shop.imports([hostImport('links/', '/'), hostImport('file', '/way/x')]);
    expect(outline(tree)).toEqual(['real/', 'real/x: F', 'way -> /real']);
  });

  test('a link at the destination of a file is replaced by it', async () => {
    shop.write({ file: 'F' });
    const base = [textFile('a', 'A'), link('to-a', 'a'), link('to-nothing', 'nowhere')];
    expect(outline(await shop.imports([hostImport('file', '/to-a'), hostImport('file', '/to-nothing')], base))).toEqual(
      ['to-a: F', 'to-nothing: F'],
    );
  });
});

describe('an import that does not fit', () => {
  test.each([
    ['a file where a directory is', 'file', '/usr/bin', /'\/usr\/bin' is a directory/, "dest: '/usr/bin/'"],
    ['a file where a link to a directory is', 'file', '/bin', /'\/bin' is a directory/, "dest: '/bin/'"],
    [
      'a file into a directory that has one of its name',
      'lib',
      '/usr/',
      /'\/usr\/lib' is a directory/,
      'another destination',
    ],
    ['a directory where a file is', 'folder', '/etc/hosts', /'\/etc\/hosts' is a file/, undefined],
    ['something below a file', 'file', '/etc/hosts/x', /below '\/etc\/hosts', which is a file/, undefined],
    [
      'a directory with a directory where a file is',
      'tree/',
      '/usr',
      /'\/usr\/bin\/sh' is a file in the image and a directory/,
      'exclude',
    ],
    [
      'a directory with a file where a directory is',
      'flat/',
      '/',
      /'\/etc' is a directory in the image and a file/,
      'exclude',
    ],
    [
      'a directory with a directory where a link is',
      'linked/',
      '/',
      /'\/lib' is a symlink in the image and a directory/,
      "'/usr/lib'",
    ],
  ])('is an error that says what to do: %s', async (_, source, dest, message, hint) => {
    shop.write({ file: 'F', lib: 'F', 'folder/a': 'A', 'tree/bin/sh/x': 'X', 'flat/etc': 'E', 'linked/lib/x': 'X' });
    const error = await failureOf(shop.imports([hostImport(source, dest)], BASE));
    expect(error).toMatchObject({ code: 'STACK3005', message: expect.stringMatching(message) as string });
    if (hint !== undefined) expect(error.hint).toContain(hint);
  });

  test('is an error also among imports', async () => {
    shop.write({ file: 'F', 'folder/a': 'A' });
    const error = await failureOf(shop.imports([hostImport('file', '/x'), hostImport('folder', '/x')]));
    expect(error.code).toBe('STACK3005');
    expect(await failureOf(shop.imports([hostImport('folder', '/x'), hostImport('file', '/x')]))).toMatchObject({
      code: 'STACK3005',
    });
  });

  test.each<[string, [string, string], [string, string]]>([
    ['a file, and one below it', ['file', '/p'], ['file', '/p/q']],
    ['a file, and one deep below it', ['file', '/p'], ['file', '/p/q/r']],
    ['a file, and a directory below it', ['file', '/p'], ['folder', '/p/q']],
    ['a file, and a directory in its place', ['file', '/p'], ['folder', '/p']],
    ['a file of a directory, and one below it', ['folder', '/p'], ['file', '/p/a/b']],
    ['a file of a directory, and a directory in its place', ['folder', '/p'], ['nested', '/p']],
  ])('is an error in both orders: %s', async (_, ...pair) => {
    shop.write({ file: 'F', 'folder/a': 'A', 'nested/a/b': 'B' });
    const imports = pair.map(([source, dest]) => hostImport(source, dest));
    for (const order of [imports, [...imports].reverse()]) {
      expect((await failureOf(shop.imports(order))).code).toBe('STACK3005');
    }
  });

  test('follows links that an earlier import has placed', async () => {
    shop.write({ file: 'F' });
    fs.mkdirSync(shop.path('links'));
    fs.symlinkSync('target', shop.path('links', 'l'));
    const tree = await shop.imports([hostImport('links/', '/'), hostImport('file', '/l/x')]);
    expect(outline(tree)).toEqual(['l -> target', 'target/', 'target/x: F']);
    expect((await failureOf(shop.imports([hostImport('file', '/l/x'), hostImport('links/', '/')]))).code).toBe(
      'STACK3005',
    );
  });

  test('does not follow links in circles', async () => {
    shop.write({ file: 'F' });
    expect(await failureOf(shop.imports([hostImport('file', '/usr/loop/x')], BASE))).toMatchObject({
      code: 'STACK3004',
    });
  });
});

describe('metadata', () => {
  test('of the user’s files does not depend on who checked them out where', async () => {
    shop.write({ 'd/plain': '1', 'd/tool': '2', 'd/sub/': '' });
    fs.chmodSync(shop.path('d'), 0o700);
    fs.chmodSync(shop.path('d/plain'), 0o600);
    fs.chmodSync(shop.path('d/tool'), 0o4710);
    fs.symlinkSync('plain', shop.path('d/link'));
    if (process.getuid?.() === 0) fs.chownSync(shop.path('d/plain'), 1000, 1000);
    const tree = await shop.imports([hostImport('d', '/d')]);
    expect(
      tree.map(({ path, ...entry }) =>
        'mode' in entry ? [path, entry.mode.toString(8), entry.uid, entry.gid, entry.mtime] : [],
      ),
    ).toEqual([
      ['d', '755', 0, 0, EPOCH],
      ['d/link', '777', 0, 0, EPOCH],
      ['d/plain', '644', 0, 0, EPOCH],
      ['d/sub', '755', 0, 0, EPOCH],
      ['d/tool', '755', 0, 0, EPOCH],
    ]);
  });

  test('from another image is kept', async () => {
    const xattrs = [{ name: 'user.a', value: Buffer.from([0, 255]) }];
    const other = [
      directory('d', { mode: 0o2750, gid: 7 }),
      textFile('d/f', 'F', { mode: 0o4755, uid: 1, mtime: -3, xattrs }),
    ];
    const tree = await shop.imports([imageImport('other', '/d', '/e')], [], { other });
    expect(entryAt(tree, 'e')).toMatchObject({ mode: 0o2750, gid: 7, mtime: 5 });
    expect(entryAt(tree, 'e/f')).toMatchObject({ mode: 0o4755, uid: 1, mtime: -3, xattrs });
  });

  test('of files can be set; directories and links keep their mode', async () => {
    shop.write({ 'd/f': 'F' });
    fs.symlinkSync('f', shop.path('d/l'));
    const tree = await shop.imports([hostImport('d', '/d', { mode: 0o4600, uid: 12, gid: 34 })]);
    expect(entryAt(tree, 'd')).toMatchObject({ mode: 0o755, uid: 12, gid: 34 });
    expect(entryAt(tree, 'd/f')).toMatchObject({ mode: 0o4600, uid: 12, gid: 34 });
    expect(entryAt(tree, 'd/l')).toMatchObject({ mode: 0o777, uid: 12, gid: 34 });
    expect(entryAt(await shop.imports([hostImport('d/f', '/f', { mode: 0, uid: 0 })]), 'f')).toMatchObject({
      mode: 0,
      uid: 0,
    });
  });

  test('of directories that the base has stays as it is there', async () => {
    shop.write({ 'files/etc/new': 'N', 'files/tmp/new': 'N' });
    const tree = await shop.imports(
      [hostImport('files/', '/', { uid: 5 }), hostImport('files/etc/new', '/usr/bin/')],
      BASE,
    );
    expect(entryAt(tree, 'etc')).toEqual(entryAt(BASE, 'etc'));
    expect(entryAt(tree, 'tmp')).toEqual(entryAt(BASE, 'tmp'));
    expect(entryAt(tree, 'usr/bin')).toEqual(entryAt(BASE, 'usr/bin'));
    expect(entryAt(tree, 'etc/new')).toMatchObject({ uid: 5 });
  });

  test('of directories that nobody describes is plain', async () => {
    shop.write({ f: 'F' });
    const plain = { mode: 0o755, uid: 0, gid: 0, mtime: EPOCH };
    expect(entryAt(await shop.imports([hostImport('f', '/a/b/f', { uid: 9 })]), 'a/b')).toMatchObject(plain);
    const other = [textFile('implied/deep/f', 'F')];
    const tree = await shop.imports([imageImport('other', '/implied', '/x')], [], { other });
    expect(outline(tree)).toEqual(['x/', 'x/deep/', 'x/deep/f: F']);
    expect(entryAt(tree, 'x/deep')).toMatchObject(plain);
  });

  test('of a directory is that of the import that has it as its own', async () => {
    shop.write({ f: 'F', 'd/': '' });
    const tree = await shop.imports([hostImport('f', '/a/b/f'), hostImport('d', '/a/b', { uid: 9 })]);
    expect(entryAt(tree, 'a/b')).toMatchObject({ uid: 9 });
    expect(entryAt(tree, 'a')).toMatchObject({ uid: 0 });
  });
});

describe('what is left out', () => {
  const FILES = {
    'd/a.txt': '1',
    'd/b.log': '2',
    'd/sub/c.log': '3',
    'd/sub/keep.log': '4',
    'd/node_modules/x/y': '5',
  };

  test.each([
    [
      ['*.log'],
      [
        'd/',
        'd/a.txt: 1',
        'd/node_modules/',
        'd/node_modules/x/',
        'd/node_modules/x/y: 5',
        'd/sub/',
        'd/sub/c.log: 3',
        'd/sub/keep.log: 4',
      ],
    ],
    [
      ['**/*.log', 'node_modules'],
      ['d/', 'd/a.txt: 1', 'd/sub/'],
    ],
    [
      ['/node_modules', '/sub/'],
      ['d/', 'd/a.txt: 1', 'd/b.log: 2'],
    ],
    [
      ['*', '!sub/keep.log'],
      ['d/', 'd/sub/', 'd/sub/keep.log: 4'],
    ],
    [
      ['sub', '!sub/keep.log', 'node_modules', '*.log'],
      ['d/', 'd/a.txt: 1', 'd/sub/', 'd/sub/keep.log: 4'],
    ],
    [['**'], ['d/']],
    [[], Object.keys(FILES).length],
  ])('patterns as in a .dockerignore file: %j', async (exclude, expected) => {
    shop.write(FILES);
    const tree = await shop.imports([hostImport('d', '/d', { exclude })]);
    if (typeof expected === 'number') expect(tree.filter(({ type }) => type === 'file')).toHaveLength(expected);
    else expect(outline(tree)).toEqual(expected);
    const full = await shop.imports([hostImport('d', '/d')]);
    const other = await shop.imports([imageImport('other', '/d', '/d', { exclude })], [], { other: full });
    expect(outline(other)).toEqual(outline(tree));
  });

  test('patterns that mean nothing are an error', async () => {
    shop.write(FILES);
    expect(await failureOf(shop.imports([hostImport('d', '/d', { exclude: ['['] })]))).toMatchObject({
      code: 'STACK2006',
    });
  });

  test('what the build itself writes to, however one comes there', async () => {
    shop.write({ a: 'A', 'oci/index.json': '{}', 'synth.out/plan.json': '{}', 'sub/oci/mine': 'M' });
    const beside = '12-3456-0123abcd-0123456789ab'; // of another process
    shop.write({ [`synth.out.${beside}.tmp/plan.json`]: '{}', [`synth.out.${beside}.old/plan.json`]: '{}' });
    shop.write({
      'cdk-stack.lock.json': '{ "lockfileVersion": 1 }',
      [`cdk-stack.lock.json.${beside}.tmp`]: '',
    });
    fs.symlinkSync(shop.directory, shop.path('../way'));
    for (const source of ['.', '../way/']) {
      expect(outline(await shop.imports([hostImport(source, '/x')]))).toEqual([
        'x/',
        'x/a: A',
        'x/sub/',
        'x/sub/oci/',
        'x/sub/oci/mine: M',
      ]);
    }
    const context = await shop.context();
    expect(context.store.directory).toContain(shop.home);
    expect(outline(await shop.imports([hostImport('..', '/x')])).join()).not.toContain('blobs');
  });

  test('devices, pipes and sockets cannot be imported, unless they are excluded', async () => {
    shop.write({ 'd/f': 'F', 'd/sub/': '' });
    execFileSync('mkfifo', [shop.path('d/sub/pipe')]);
    const server = net.createServer().listen(shop.path('d/socket'));
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      const error = await failureOf(shop.imports([hostImport('d', '/d')]));
      expect(error).toMatchObject({
        code: 'STACK4004',
        message: expect.stringMatching(/pipe|socket/) as string,
        hint: 'exclude it',
      });
      expect(await failureOf(shop.imports([hostImport('d', '/d', { exclude: ['socket'] })]))).toMatchObject({
        code: 'STACK4004',
      });
      expect(await failureOf(shop.imports([hostImport('/dev/null', '/d')]))).toMatchObject({ code: 'STACK4004' });
      for (const exclude of [
        ['socket', 'sub'],
        ['**/pipe', 'socket', '!f'],
      ]) {
        expect(entryAt(await shop.imports([hostImport('d', '/d', { exclude })]), 'd/f')).toMatchObject({
          type: 'file',
        });
      }
    } finally {
      server.close();
    }
  });
});

describe('links of the source', () => {
  test('the source itself is followed, what lies inside is not', async () => {
    shop.write({ 'real/a': 'A' });
    fs.symlinkSync('real', shop.path('way'));
    fs.symlinkSync('a', shop.path('real/inner'));
    fs.symlinkSync('nowhere', shop.path('real/dangling'));
    fs.symlinkSync('real/a', shop.path('file'));
    expect(outline(await shop.imports([hostImport('way', '/x/')]))).toEqual([
      'x/',
      'x/way/',
      'x/way/a: A',
      'x/way/dangling -> nowhere',
      'x/way/inner -> a',
    ]);
    expect(outline(await shop.imports([hostImport('file', '/x/')]))).toEqual(['x/', 'x/file: A']);
    const other = [textFile('boot/vmlinuz-6.1', 'K'), link('vmlinuz', 'boot/vmlinuz-6.1'), link('way', '/boot')];
    expect(outline(await shop.imports([imageImport('other', '/vmlinuz', '/x/')], [], { other }))).toEqual([
      'x/',
      'x/vmlinuz: K',
    ]);
    expect(outline(await shop.imports([imageImport('other', '/way', '/x/')], [], { other }))).toEqual([
      'x/',
      'x/way/',
      'x/way/vmlinuz-6.1: K',
    ]);
  });

  test('a source that leads nowhere is imported as the link it is', async () => {
    fs.symlinkSync('/nowhere', shop.path('link'));
    expect(outline(await shop.imports([hostImport('link', '/x')]))).toEqual(['x -> /nowhere']);
    expect(outline(await shop.imports([imageImport('other', '/l', '/x')], [], { other: [link('l', 'gone')] }))).toEqual(
      ['x -> gone'],
    );
  });

  test('hard links in an image stay links where their file comes along', async () => {
    const other = [directory('d'), textFile('d/a', 'A'), hardlink('d/b', 'd/a'), hardlink('d/c', 'd/a')];
    expect(outline(await shop.imports([imageImport('other', '/d', '/x')], [], { other }))).toEqual([
      'x/',
      'x/a: A',
      'x/b => x/a',
      'x/c => x/a',
    ]);
    expect(outline(await shop.imports([imageImport('other', '/d', '/x', { exclude: ['a'] })], [], { other }))).toEqual([
      'x/',
      'x/b: A',
      'x/c => x/b',
    ]);
  });

  test('and become the file where it does not', async () => {
    const other = [textFile('a', 'A'), directory('d'), hardlink('d/b', 'a'), hardlink('d/c', 'a')];
    expect(outline(await shop.imports([imageImport('other', '/d', '/x')], [], { other }))).toEqual([
      'x/',
      'x/b: A',
      'x/c => x/b',
    ]);
    expect(outline(await shop.imports([imageImport('other', '/d/c', '/x')], [], { other }))).toEqual(['x: A']);
  });

  test('a hard link keeps its content when a later import replaces the name that had it', async () => {
    shop.write({ new: 'N' });
    const other = [directory('d'), textFile('d/a', 'A'), hardlink('d/b', 'd/a'), hardlink('d/c', 'd/a')];
    const imports = [imageImport('other', '/d', '/d'), hostImport('new', '/d/a')];
    expect(outline(await shop.imports(imports, [], { other }))).toEqual(['d/', 'd/a: N', 'd/b: A', 'd/c => d/b']);
  });

  test('two imports of one file are two files', async () => {
    const other = [textFile('a', 'A')];
    const imports = [
      imageImport('other', '/a', '/x', { mode: 0o600 }),
      imageImport('other', '/a', '/y', { mode: 0o755 }),
    ];
    expect(outline(await shop.imports(imports, [], { other }))).toEqual(['x: A', 'y: A']);
  });

  test('hard links get the owner that the import says', async () => {
    const other = [directory('d'), textFile('d/a', 'A'), hardlink('d/b', 'd/a')];
    const tree = await shop.imports([imageImport('other', '/d', '/x', { uid: 8, mode: 0o600 })], [], { other });
    expect(entryAt(tree, 'x/b')).toMatchObject({ type: 'hardlink', uid: 8, mode: 0o600 });
  });
});

describe('a source', () => {
  test('that does not exist is an error', async () => {
    const error = await failureOf(shop.imports([hostImport('missing', '/x')]));
    expect(error).toMatchObject({
      code: 'STACK3003',
      message: expect.stringMatching(/missing' does not exist/) as string,
    });
  });

  test('that an image does not have is an error that says what is there', async () => {
    const error = await failureOf(shop.imports([imageImport('other', '/usr/bin/bash', '/x')], [], { other: BASE }));
    expect(error).toMatchObject({
      code: 'STACK3004',
      message: "'/usr/bin/bash' does not exist in 'other'",
      hint: "'/usr/bin' has /usr/bin/sh",
    });
    const nowhere = await failureOf(shop.imports([imageImport('other', '/opt/x', '/x')], [], { other: BASE }));
    expect(nowhere.hint).toBe("'/opt' is empty or missing");
  });

  test('may have names that are no UTF-8', async () => {
    const odd = Buffer.concat([Buffer.from(`${shop.directory}/d/caf`), Buffer.from([0xe9])]);
    fs.mkdirSync(shop.path('d'));
    fs.writeFileSync(odd, 'C');
    fs.symlinkSync(Buffer.from([0xff]), Buffer.concat([Buffer.from(`${shop.directory}/d/l`), Buffer.from([0xfe])]));
    const tree = await shop.imports([hostImport('d', '/d')]);
    expect(tree.map(({ path }) => path)).toEqual(['d', 'd/caf\udce9', 'd/l\udcfe']);
    expect(entryAt(tree, 'd/l\udcfe')).toMatchObject({ target: '\udcff' });
    expect(await shop.imports([hostImport('d', '/d', { exclude: ['caf?'] })])).toHaveLength(2);
  });

  test('is in byte order, whatever its names', async () => {
    const names = ['B', 'a', 'a-b', 'a.b', 'ä', '\u{1f600}', '\uffee'];
    for (const name of names) shop.write({ [`d/${name}`]: name });
    shop.write({ 'd/c/x': '', 'd/c-': '' });
    const paths = (await shop.imports([hostImport('d', '/d')])).map(({ path }) => path);
    expect(paths).toEqual([...paths].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y))));
  });
});

describe('a sha256', () => {
  const SHA = '559aead08264d5795d3909718cdd05abd49572e84fe55590eef31a88a08fdffd'; // of "A"

  test('of a file is checked, wherever it comes from', async () => {
    shop.write({ a: 'A' });
    const other = [textFile('a', 'A', { sha256: SHA })];
    for (const sha256 of [SHA, SHA.toUpperCase()]) {
      expect(
        await shop.imports([hostImport('a', '/a', { sha256 }), imageImport('other', '/a', '/b', { sha256 })], [], {
          other,
        }),
      ).toHaveLength(2);
    }
    const wrong = '0'.repeat(64);
    for (const each of [
      hostImport('a', '/a', { sha256: wrong }),
      imageImport('other', '/a', '/a', { sha256: wrong }),
    ]) {
      const error = await failureOf(shop.imports([each], [], { other }));
      expect(error).toMatchObject({
        code: 'STACK3001',
        message: expect.stringContaining(`a' has the sha256 ${SHA}, not ${wrong}`) as string,
      });
    }
  });

  test('that is added to an import of another image is checked though the layer is known', async () => {
    const other = [textFile('a', 'A', { sha256: SHA })];
    await shop.imports([imageImport('other', '/a', '/a')], [], { other });
    const wrong = imageImport('other', '/a', '/a', { sha256: '0'.repeat(64) });
    expect(await failureOf(shop.imports([wrong], [], { other }))).toMatchObject({ code: 'STACK3001' });
  });

  test('of a directory is that of its path index with all times 0', async () => {
    shop.write({ 'd/a': 'A' });
    const index = treeDigest([directory('', { mtime: 0 }), textFile('a', 'A', { mtime: 0 })])?.slice(7) ?? '';
    expect(await shop.imports([hostImport('d', '/d', { sha256: index })])).toHaveLength(2);
    shop.write({ 'd/a': 'B' });
    expect(await failureOf(shop.imports([hostImport('d', '/d', { sha256: index })]))).toMatchObject({
      code: 'STACK3001',
    });
  });
});

test('thousands of imports from one large image take no time to speak of', async () => {
  const other = Array.from({ length: 20_000 }, (_, place) => textFile(`d/${String(place)}`, 'x'));
  const imports = Array.from({ length: 2000 }, (_, place) =>
    imageImport('other', `/d/${String(place)}`, `/e/${String(place)}`),
  );
  const before = performance.now();
  const tree = await shop.imports(imports, [], { other: other.sort((a, b) => (a.path < b.path ? -1 : 1)) });
  expect(tree).toHaveLength(2001);
  expect(performance.now() - before).toBeLessThan(3000);
});
