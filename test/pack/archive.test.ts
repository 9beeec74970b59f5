import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { bytesToName, StackError } from '../../lib/core';
import { mergeTrees, readArchive, type Entry } from '../../lib/pack';
import { Bench, codeOf, contentOf, cut, listing, stream } from './fixture';
import { dir, END, entry, file, hardlink, header, pax, symlink, tar } from './tar-builder';

const bench = new Bench();
afterAll(() => {
  bench.remove();
});

const list = async (...parts: Buffer[]): Promise<string[]> => listing((await bench.read(tar(...parts))).tree);
const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

describe('an archive that is read', () => {
  test('is kept uncompressed, byte by byte, garbage behind its end included', async () => {
    const bytes = Buffer.concat([tar(dir('a'), file('a/b', 'content')), Buffer.from('garbage')]);
    const copy = bench.fresh();
    const archive = await bench.read(cut(bytes, 100), { copy });
    expect(fs.readFileSync(copy)).toEqual(bytes);
    const digest = `sha256:${sha256(bytes)}`;
    expect(archive).toMatchObject({ diffId: digest, copy: { digest, size: bytes.length } });
    expect(fs.statSync(copy).mode & 0o777).toBe(0o600);
  });

  test('gives every file its place in the copy and its sha256', async () => {
    const { tree } = await bench.read(cut(tar(file('b', 'x'.repeat(2000)), file('a', 'one'), file('empty')), 700));
    const files = tree.flatMap((each) => (each.type === 'file' ? [each] : []));
    expect(files.map((each) => each.sha256)).toEqual([sha256('one'), sha256('x'.repeat(2000)), sha256('')]);
    expect(files.map((each) => contentOf(each).toString())).toEqual(['one', 'x'.repeat(2000), '']);
  });

  test('keeps the metadata of everything', async () => {
    const meta = { mode: 0o6751, uid: 3, gid: 4, mtime: 1000 };
    const { tree } = await bench.read(
      tar(
        dir('d', { ...meta }),
        entry({ name: 'c', type: '3', major: 1, minor: 3, ...meta }),
        entry({ name: 'b', type: '4', major: 8, minor: 1, ...meta }),
        entry({ name: 'p', type: '6', ...meta }),
        entry({ name: 's', type: '2', link: '/x', ...meta }),
        file('f', 'x', meta),
      ),
    );
    expect(tree).toMatchObject([
      { type: 'block', path: 'b', major: 8, minor: 1, ...meta },
      { type: 'char', path: 'c', major: 1, minor: 3, ...meta },
      { type: 'directory', path: 'd', ...meta },
      { type: 'file', path: 'f', size: 1, ...meta },
      { type: 'fifo', path: 'p', ...meta },
      { type: 'symlink', path: 's', target: '/x', ...meta, mode: 0o777 },
    ]);
    expect(tree.every((each) => !('xattrs' in each))).toBe(true);
  });

  test('is ordered by the bytes of the paths, those that are not UTF-8 too', async () => {
    const raw = Buffer.from([0xff]);
    const names = ['b', '\u{1f600}', '\uffee', 'a/x', 'a-b', 'a', 'ä'];
    const { tree } = await bench.read(tar(file(raw), ...names.map((name) => (name === 'a' ? dir(name) : file(name)))));
    expect(tree.map(({ path }) => path)).toEqual([
      'a',
      'a-b',
      'a/x',
      'b',
      'ä',
      '\uffee',
      '\u{1f600}',
      bytesToName(raw),
    ]);
  });

  test('may spell paths in any way that stays inside', async () => {
    expect(await list(dir('./'), dir('./a/'), file('/a/b', '1'), file('a//./c', '2'), file('.//d', '3'))).toEqual([
      '/',
      'a/',
      'a/b = 1',
      'a/c = 2',
      'd = 3',
    ]);
  });

  test('may leave out parents', async () => {
    expect(await list(file('a/b/c', 'x'))).toEqual(['a/b/c = x']);
  });

  test('loses the xattrs of the machine it was made on', async () => {
    const kept = { 'user.comment': 'c', 'security.capability': Buffer.from([1, 0, 0, 2, 0xff]) };
    const lost = [
      'security.selinux', 'security.ima', 'security.evm', 'system.nfs4_acl', 'trusted.x',
      'trusted.overlay.origin', 'user.overlay.impure',
    ]; // prettier-ignore
    const records = [...Object.entries(kept), ...lost.map((name) => [name, 'x'] as const)];
    const all = Object.fromEntries(records.map(([name, value]) => [`SCHILY.xattr.${name}`, value]));
    const { tree } = await bench.read(tar(pax(all), file('f')));
    expect(tree[0]).toMatchObject({
      xattrs: [
        { name: 'security.capability', value: kept['security.capability'] },
        { name: 'user.comment', value: Buffer.from('c') },
      ],
    });
    const bare = await bench.read(tar(pax({ 'SCHILY.xattr.security.selinux': 'x' }), file('f')));
    expect(bare.tree[0]).not.toHaveProperty('xattrs');
  });
});

describe('hard links', () => {
  test('have the content under the first of their names, whatever their order in the archive', async () => {
    expect(await list(file('m', 'content'), hardlink('z', 'm'), hardlink('a', './z'))).toEqual([
      'a = content',
      'm == a',
      'z == a',
    ]);
  });

  test('repeat the metadata of their file, not what their own header says', async () => {
    const { tree } = await bench.read(tar(file('a', 'x', { mode: 0o4755, uid: 9 }), hardlink('b', 'a')));
    expect(tree[1]).toMatchObject({ type: 'hardlink', mode: 0o4755, uid: 9 });
  });

  test('keep the old content when the name they were made from is written again', async () => {
    expect(await list(file('a', 'old'), hardlink('b', 'a'), hardlink('c', 'a'), file('a', 'new'))).toEqual([
      'a = new',
      'b = old',
      'c == b',
    ]);
  });

  test('can be replaced by a file, and a file by them', async () => {
    expect(await list(file('a', '1'), hardlink('b', 'a'), file('b', '2'))).toEqual(['a = 1', 'b = 2']);
    expect(await list(file('a', '1'), file('b', '2'), hardlink('b', 'a'))).toEqual(['a = 1', 'b == a']);
  });

  test('to themselves change nothing', async () => {
    expect(await list(file('a', '1'), hardlink('a', 'a'))).toEqual(['a = 1']);
  });

  test('to a symbolic link, a device or a pipe are another of these', async () => {
    const parts = [
      symlink('s', '/x'),
      entry({ name: 'c', type: '3', major: 1, minor: 3 }),
      entry({ name: 'p', type: '6' }),
    ];
    expect(await list(...parts, hardlink('s2', 's'), hardlink('c2', 'c'), hardlink('p2', 'p'))).toEqual([
      'c (char)', 'c2 (char)', 'p (fifo)', 'p2 (fifo)', 's -> /x', 's2 -> /x',
    ]); // prettier-ignore
  });
});

describe('the whiteouts of a layer', () => {
  const removed = (name: string): Buffer => file(name, '', { mode: 0 });

  test('remove files and directories of the layers below', async () => {
    expect(await list(dir('a'), removed('a/.wh.b'), removed('.wh.c'))).toEqual([
      'a/',
      'a/b (whiteout)',
      'c (whiteout)',
    ]);
  });

  test("are also overlayfs' devices 0:0", async () => {
    expect(await list(entry({ name: 'a/b', type: '3' }))).toEqual(['a/b (whiteout)']);
  });

  test('may have content, which means nothing', async () => {
    expect(await list(file('.wh.a', 'content'), file('b', 'x'))).toEqual(['a (whiteout)', 'b = x']);
  });

  test.each([
    ['after', false],
    ['before', true],
  ])('do not remove what the same layer brings %s them', async (_, first) => {
    const ordered = (one: Buffer, two: Buffer): Buffer[] => (first ? [one, two] : [two, one]);
    expect(await list(...ordered(removed('.wh.a'), file('a', 'x')))).toEqual(['a = x']);
    expect(await list(...ordered(removed('.wh.d'), dir('d')))).toEqual(['d/ opaque']);
    expect(await list(...ordered(removed('.wh.d'), file('d/x', '1')))).toEqual(['d/ opaque', 'd/x = 1']);
    expect(await list(...ordered(removed('d/.wh..wh..opq'), file('d/x', '1')), dir('d'))).toEqual([
      'd/ opaque',
      'd/x = 1',
    ]);
  });

  test('make a directory opaque, in either form', async () => {
    const overlay = (name: string, value: string): Buffer => pax({ [`SCHILY.xattr.${name}.overlay.opaque`]: value });
    expect(await list(dir('a'), removed('a/.wh..wh..opq'))).toEqual(['a/ opaque']);
    expect(await list(removed('.wh..wh..opq'))).toEqual(['/ opaque']);
    expect(await list(overlay('trusted', 'y'), dir('a'))).toEqual(['a/ opaque']);
    expect(await list(overlay('user', 'y'), dir('a'))).toEqual(['a/ opaque']);
    expect(await list(overlay('trusted', 'x'), dir('a'))).toEqual(['a/']);
  });

  test('below another whiteout say nothing more', async () => {
    expect(await list(removed('.wh.a'), removed('a/.wh.b'), removed('a/b/.wh.c'))).toEqual(['a (whiteout)']);
  });

  const refused: [what: string, parts: Buffer[], code: string][] = [
    ['of nothing', [removed('a/.wh.')], 'STACK4002'],
    ['of a whiteout', [removed('.wh..wh.a')], 'STACK4002'],
    ["of aufs' own", [removed('.wh..wh.plnk')], 'STACK4002'],
    ['as directories', [dir('.wh.a'), file('.wh.a/b')], 'STACK4004'],
    ['below what is a file', [file('f'), removed('f/.wh.x')], 'STACK4006'],
    ['below what becomes a file', [removed('f/.wh.x'), file('f')], 'STACK4006'],
    ['that make a file opaque', [file('f'), removed('f/.wh..wh..opq')], 'STACK4006'],
    ['that make opaque what becomes a file', [removed('f/.wh..wh..opq'), file('f')], 'STACK4006'],
  ];
  test.each(refused)('are refused %s', async (_, parts, code) => {
    expect(await codeOf(bench.read(tar(...parts)))).toBe(code);
  });

  test('cannot be kept of a root filesystem', async () => {
    for (const each of [
      removed('a/.wh.b'),
      removed('.wh..wh..opq'),
      file('.wh.d/x'),
      entry({ name: 'c', type: '3' }),
    ]) {
      expect(await codeOf(bench.read(tar(each), { layer: false }))).toBe('STACK4004');
    }
  });
});

describe('two entries for one path', () => {
  test('the last of a kind stands, with its metadata', async () => {
    const { tree } = await bench.read(
      tar(dir('d', { mode: 0o700 }), file('a', 'old'), file('a', 'new', { uid: 5 }), dir('d/')),
    );
    expect(listing(tree)).toEqual(['a = new', 'd/']);
    expect(tree).toMatchObject([{ uid: 5 }, { mode: 0o755 }]);
    expect(await list(symlink('s', 'a'), symlink('s', 'b'))).toEqual(['s -> b']);
  });

  const kinds: Record<string, Buffer[]> = {
    'a file': [file('x', 'content')],
    'a directory': [dir('x')],
    'a directory nobody described': [file('x/below', '')],
    'a symbolic link': [symlink('x', 'elsewhere')],
    'a device': [entry({ name: 'x', type: '3', major: 1, minor: 3 })],
    'a pipe': [entry({ name: 'x', type: '6' })],
  };
  const pairs = Object.keys(kinds).flatMap((one) => Object.keys(kinds).map((other) => [one, other] as const));
  const isDirectory = (kind: string): boolean => kind.startsWith('a directory');
  test.each(pairs)('%s and then %s', async (one, other) => {
    const code = await codeOf(bench.read(tar(...(kinds[one] ?? []), ...(kinds[other] ?? []))));
    const fits = one === other || (isDirectory(one) && isDirectory(other));
    const follows = one === 'a symbolic link' && other === 'a directory nobody described';
    expect(code).toBe(fits || follows ? 'none' : 'STACK4006');
  });
});

describe('entries below symbolic links of the archive', () => {
  test('go where the links lead inside the root', async () => {
    const parts = [
      dir('usr'),
      dir('usr/lib'),
      symlink('lib', 'usr/lib'),
      symlink('usr/lib64', './lib/'),
      symlink('l', 'usr/../usr/lib64'),
    ];
    expect(
      (await list(...parts, file('lib/a', '1'), file('usr/lib64/b', '2'), file('l/c', '3'))).filter((line) =>
        line.includes('='),
      ),
    ).toEqual(['usr/lib/a = 1', 'usr/lib/b = 2', 'usr/lib/c = 3']);
  });

  test('go through links in the middle of a link', async () => {
    expect(await list(symlink('b', 'real'), symlink('a', 'b/sub'), file('a/x', '1'))).toEqual([
      'a -> b/sub',
      'b -> real',
      'real/sub/x = 1',
    ]);
    // Read as text, a/../x would be at the top; followed, it is beside the directory that a leads to.
    expect(await list(symlink('a', 'deep/er'), symlink('u', 'a/..'), file('u/x', '1'))).toContain('deep/x = 1');
  });

  test('that do not exist yet', async () => {
    expect(await list(symlink('a', 'later'), file('a/x', '1'), dir('later'))).toEqual([
      'a -> later',
      'later/',
      'later/x = 1',
    ]);
  });

  const refused: [what: string, parts: Buffer[], code: string][] = [
    ['absolute', [symlink('a', '/etc'), file('a/passwd')], 'STACK4002'],
    ['climbing out', [symlink('a', '..'), file('a/x')], 'STACK4002'],
    ['climbing out and back in', [symlink('a', '../a'), file('a/x')], 'STACK4002'],
    ['climbing out further down', [symlink('a', 'b'), symlink('b', 'c/../../x'), file('a/x')], 'STACK4002'],
    ['absolute in the middle of a link', [symlink('b', '/etc'), symlink('a', 'b/c'), file('a/x')], 'STACK4002'],
    ['leading to themselves', [symlink('a', 'a'), file('a/x')], 'STACK4002'],
    ['leading in a circle', [symlink('a', 'b/c'), symlink('b', 'a/d'), file('a/x')], 'STACK4002'],
    ['leading to a file', [file('f'), symlink('a', 'f'), file('a/x')], 'STACK4006'],
  ];
  test.each(refused)('%s', async (_, parts, code) => {
    expect(await codeOf(bench.read(tar(...parts)))).toBe(code);
  });
});

describe('what leads out of the root (STACK4002)', () => {
  test.each<[string, Buffer[]]>([
    ['a path that climbs', [file('../x')]],
    ['a path that climbs later', [file('a/../../x')]],
    ['a path that climbs and stays inside', [file('a/../x')]],
    ['an absolute path that climbs', [file('/../x')]],
    ['a hard link to a path that climbs', [file('x'), hardlink('h', '../x')]],
    ['a hard link to what is not there', [hardlink('h', 'etc/passwd')]],
    ['a hard link to what comes later', [hardlink('h', 'x'), file('x')]],
    ['a hard link to itself', [hardlink('h', 'h')]],
    ['a hard link to a directory', [dir('d'), hardlink('h', 'd')]],
    ['a hard link through a symbolic link out', [file('passwd'), symlink('a', '/'), hardlink('h', 'a/passwd')]],
    ['a hard link to what a whiteout removes below', [file('.wh.a'), hardlink('h', 'a')]],
    ['a symbolic link as the root', [symlink('.', '/etc')]],
    ['a file as the root', [file('./.')]],
    ['a hard link as the root', [file('a'), hardlink('/', 'a')]],
  ])('%s', async (_, parts) => {
    expect(await codeOf(bench.read(tar(...parts)))).toBe('STACK4002');
    expect(await codeOf(bench.read(tar(...parts), { layer: false }))).toMatch(/^STACK400[24]$/);
  });
});

describe('limits (STACK4003)', () => {
  const limits = { entries: 3, bytes: 10_000, depth: 4, names: 1000 };
  const codeWithin = (...parts: Buffer[]): Promise<string> => codeOf(bench.read(tar(...parts), { limits }));

  test('on entries, of every kind', async () => {
    expect(await codeWithin(file('a'), dir('b'), symlink('c', 'x'))).toBe('none');
    expect(await codeWithin(file('a'), dir('b'), symlink('c', 'x'), file('d'))).toBe('STACK4003');
    expect(await codeWithin(file('.wh.a'), file('b/.wh..wh..opq'), file('c'), file('.wh.d'))).toBe('STACK4003');
    expect(await codeWithin(file('a/b/x'), file('c/d/x'))).toBe('STACK4003'); // with the directories that they are in
  });

  test('on names and attributes together', async () => {
    const long = symlink('l', 'x'.repeat(98));
    expect(await codeWithin(...Array.from({ length: 3 }, () => long))).toBe('none');
    const attribute = pax({ 'SCHILY.xattr.user.a': 'v'.repeat(900) });
    expect(await codeWithin(long, attribute, file('f'))).toBe('STACK4003');
  });

  test('on depth, also of where links lead', async () => {
    expect(await codeWithin(file('a/b/c/d'))).toBe('none');
    expect(await codeWithin(file('a/b/c/d/e'))).toBe('STACK4003');
    expect(await codeWithin(symlink('l', 'a/b/c'), file('l/d'))).toBe('none');
    expect(await codeWithin(symlink('l', 'a/b/c'), file('l/d/e'))).toBe('STACK4003');
  });

  test('on bytes, before they are kept', async () => {
    const copy = bench.fresh();
    const endless = (function* (): Generator<Buffer> {
      yield header({ name: 'big', size: 8 * 1024 ** 3 - 1 });
      for (;;) yield Buffer.alloc(1000);
    })();
    await expect(readArchive(stream(endless), { copy, name: 'it', layer: true, limits })).rejects.toMatchObject({
      code: 'STACK4003',
      message: 'it: the archive unpacks to more than 10000 bytes',
    });
    expect(fs.statSync(copy).size).toBeLessThanOrEqual(10_000);
  });

  test('on the length of where links lead', async () => {
    const long = pax({ linkpath: `${'d'.repeat(200)}/`.repeat(15) + 'x' });
    const archive = tar(long, symlink('a', ''), long, symlink(`${'d'.repeat(90)}`, ''), file('a/f'));
    expect(await codeOf(bench.read(archive))).toBe('none');
    const deeper = pax({
      linkpath: `${'a/'.repeat(1)}${'e'.repeat(200)}/`.repeat(1) + `${'e'.repeat(200)}/`.repeat(10),
    });
    expect(await codeOf(bench.read(tar(long, symlink('a', ''), deeper, symlink('b', ''), file('b/f'))))).toBe(
      'STACK4003',
    );
  });

  test('on the work that links make', async () => {
    const zigzag = pax({ linkpath: 'd/../'.repeat(800) + 'x' });
    const entries = Array.from({ length: 1400 }, (_, number) => file(`a/${String(number)}`));
    expect(await codeOf(bench.read(tar(zigzag, symlink('a', ''), ...entries)))).toBe('STACK4003');
  });
});

describe('a failure', () => {
  test('names the archive, and where it is damaged', async () => {
    const damaged = tar(file('a', 'x'), file('b', '', { checksum: 1 }));
    await expect(bench.read(damaged, { name: "'root.tar'" })).rejects.toMatchObject({
      code: 'STACK4001',
      message: "'root.tar': the archive has a header with a wrong checksum (near byte 1536)",
    });
    await expect(bench.read(tar(file('../a')), { name: 'layer 1' })).rejects.toMatchObject({
      message: "layer 1: '../a' climbs out with '..'",
    });
  });

  test('of the source is passed on as it is', async () => {
    const failure = new StackError('STACK3001', 'not the expected sha256');
    const source = (async function* (): AsyncGenerator<Buffer> {
      yield await Promise.resolve(file('a'));
      throw failure;
    })();
    await expect(readArchive(source, { copy: bench.fresh(), name: 'it', layer: true })).rejects.toBe(failure);
  });

  test('of the copy is the one of the system', async () => {
    const copy = bench.fresh();
    fs.writeFileSync(copy, '');
    await expect(bench.read(tar(), { copy })).rejects.toMatchObject({ code: 'EEXIST' });
  });

  test('leaves nothing open', async () => {
    const open = (): number => fs.readdirSync('/proc/self/fd').length;
    const before = open();
    for (const bad of [Buffer.from('x'), file('a'), tar(file('../a')), tar(file('a', '', { checksum: 1 }))]) {
      expect(await codeOf(bench.read(bad))).not.toBe('none');
    }
    await bench.read(tar(file('a')));
    expect(open()).toBe(before);
  });

  test('comes for an archive cut off anywhere, never half a tree', async () => {
    const whole = tar(dir('a'), pax({ path: 'a/long' }), file('x', 'content'), hardlink('b', 'a/long'), file('.wh.c'));
    for (let length = 0; length <= whole.length - END.length; length += 16) {
      if ((await codeOf(bench.read(whole.subarray(0, length)))) !== 'STACK4001')
        throw new Error(`cut off at ${String(length)}`);
    }
  });

  test('creates nothing but the copy', async () => {
    const before = fs.readdirSync(bench.directory);
    const copy = bench.fresh();
    await bench.read(tar(file('escape', 'x'), symlink('l', bench.directory), dir('d')), { copy });
    expect(fs.readdirSync(bench.directory).filter((name) => !before.includes(name))).toEqual([
      copy.slice(copy.lastIndexOf('/') + 1),
    ]);
  });
});

describe('a layer over another', () => {
  test('has its files where a link of the layer below leads, which it does not see by itself', async () => {
    const lower = await bench.read(tar(dir('usr'), dir('usr/lib'), symlink('lib', 'usr/lib')));
    const upper = await bench.read(tar(file('lib/x', '1')));
    expect(listing(upper.tree)).toEqual(['lib/x = 1']);
    const view: Iterable<Entry> = mergeTrees([lower.tree, upper.tree]).values();
    expect(listing(view)).toEqual(['lib -> usr/lib', 'usr/', 'usr/lib/', 'usr/lib/x = 1']);
  });
});
