import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { bytesToName, StackError } from '../../../lib/core';
import { type Entry, zstdCompressor } from '../../../lib/pack';
import { directory, EPOCH, feed, file, noise, text, Workbench } from './fixture';
import { ABSENT } from './reader';

const BLOCK = 128 * 1024;
const META = { mode: 0o600, uid: 1, gid: 2, mtime: 1000 };
const GOLDEN = {};
const bench = new Workbench();

afterAll(() => {
  bench.remove();
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return StackError.is(error) ? error.code : String((error as NodeJS.ErrnoException).code);
  }
  return 'no error';
}

describe('the kinds of entries', () => {
  test('every kind keeps its metadata', async () => {
    const { image } = await bench.pack([
      directory('', { mode: 0o1777, uid: 5, gid: 6, mtime: 7 }),
      { type: 'block', path: 'block', ...META, major: 8, minor: 1 },
      { type: 'char', path: 'char', ...META, major: 4095, minor: 0xfffff },
      directory('dir', { mode: 0o2750, uid: 70000, gid: 4294967295, mtime: 99 }),
      file('dir/file', 'content', { ...META, mode: 0o4755 }),
      { type: 'fifo', path: 'fifo', ...META },
      { type: 'symlink', path: 'link', ...META, mode: 0o777, target: '../dir/file' },
    ]);
    const { entries } = image;
    expect([...entries.keys()]).toEqual(['', 'block', 'char', 'dir', 'dir/file', 'fifo', 'link']);
    expect(entries.get('')).toMatchObject({ type: 1, mode: 0o1777, uid: 5, gid: 6, mtime: 7, links: 3 });
    expect(entries.get('block')).toMatchObject({ type: 4, ...META, links: 1, device: 0x801 });
    expect(entries.get('char')).toMatchObject({ type: 5, ...META, device: 0xffffffff });
    expect(entries.get('dir')).toMatchObject({
      type: 1,
      mode: 0o2750,
      uid: 70000,
      gid: 4294967295,
      mtime: 99,
      links: 2,
    });
    expect(entries.get('dir/file')).toMatchObject({ type: 2, ...META, mode: 0o4755, content: Buffer.from('content') });
    expect(entries.get('fifo')).toMatchObject({ type: 6, ...META, links: 1 });
    expect(entries.get('link')).toMatchObject({ type: 3, ...META, mode: 0o777, target: '../dir/file' });
    expect([...entries.values()].some(({ extended }) => extended)).toBe(false);
  });

  test('a time outside of 32 bits becomes the nearest one', async () => {
    const { image } = await bench.pack([file('late', '', { mtime: 2 ** 33 }), file('old', '', { mtime: -1 })]);
    expect(image.entries.get('late')?.mtime).toBe(0xffffffff);
    expect(image.entries.get('old')?.mtime).toBe(0);
  });

  test('a whiteout is a character device 0:0 without permissions', async () => {
    const { image } = await bench.pack([directory('d'), { type: 'whiteout', path: 'd/gone' }]);
    expect(image.entries.get('d/gone')).toMatchObject({ type: 5, mode: 0, uid: 0, gid: 0, mtime: EPOCH, device: 0 });
  });

  test('an opaque directory gets the mark of overlayfs besides its own extended attributes', async () => {
    const own = { name: 'user.zone', value: Buffer.from('a') };
    const stale = { name: 'user.overlay.opaque', value: Buffer.from('x') };
    const { image } = await bench.pack([
      directory('marked', { opaque: true, xattrs: [stale, own] }),
      directory('plain', { opaque: true }),
      directory('see-through', { opaque: false }),
    ]);
    expect(image.entries.get('marked')?.xattrs).toEqual({ 'user.overlay.opaque': 'y', 'user.zone': 'a' });
    expect(image.entries.get('plain')?.xattrs).toEqual({ 'user.overlay.opaque': 'y' });
    expect(image.entries.get('see-through')?.xattrs).toEqual({});
  });

  test('hard links share one inode, which counts them', async () => {
    const { image } = await bench.pack([
      file('a', 'shared'),
      directory('d'),
      { type: 'hardlink', path: 'd/b', target: 'a' },
      { type: 'hardlink', path: 'd/c', target: 'd/b' },
      file('e', 'own'),
    ]);
    const [a, b, c] = ['a', 'd/b', 'd/c'].map((name) => image.entries.get(name));
    expect(a).toMatchObject({ links: 3, content: Buffer.from('shared') });
    expect(b).toEqual(a);
    expect(c).toEqual(a);
    expect(image.entries.get('e')?.links).toBe(1);
    expect(image.superblock['inodes']).toBe(4);
  });

  test.each(['file', 'symlink', 'fifo', 'char', 'block', 'directory'] as const)(
    'a %s keeps its extended attributes',
    async (type) => {
      const xattrs = [
        { name: 'security.capability', value: Buffer.from([0, 1, 255]) },
        { name: 'trusted.one', value: Buffer.alloc(0) },
        { name: 'user.two', value: noise(60_000) },
      ];
      const base = { path: 'x', ...META, xattrs };
      const entries: Record<typeof type, Entry> = {
        file: file('x', 'content', { xattrs }),
        symlink: { type: 'symlink', ...base, target: 'y' },
        fifo: { type: 'fifo', ...base },
        char: { type: 'char', ...base, major: 1, minor: 3 },
        block: { type: 'block', ...base, major: 1, minor: 3 },
        directory: directory('x', { xattrs }),
      };
      const { image } = await bench.pack([entries[type]]);
      expect(image.entries.get('x')?.xattrs).toEqual({
        'security.capability': '\0\u0001\u00ff',
        'trusted.one': '',
        'user.two': noise(60_000).toString('latin1'),
      });
    },
  );

  test('equal sets of extended attributes are stored once, whatever their order', async () => {
    const [one, two] = [
      { name: 'user.one', value: Buffer.from('1') },
      { name: 'user.two', value: Buffer.from('2') },
    ];
    const { image, bytes } = await bench.pack([
      file('a', '', { xattrs: [one, two] }),
      file('b', '', { xattrs: [two, one] }),
      file('c', '', { xattrs: [one] }),
    ]);
    expect(image.entries.get('b')?.xattrs).toEqual({ 'user.one': '1', 'user.two': '2' });
    expect(bytes.readUInt32LE(image.superblock['xattrTable']! + 8)).toBe(2);
  });
});

describe('the tree', () => {
  test('an empty tree is a root directory with the time of the image', async () => {
    const { image, bytes } = await bench.pack([]);
    expect([...image.entries.keys()]).toEqual(['']);
    expect(image.entries.get('')).toMatchObject({ mode: 0o755, uid: 0, gid: 0, mtime: EPOCH, links: 2, parent: 2 });
    expect(image.superblock).toMatchObject({
      fragments: 0,
      inodes: 1,
      ids: 1,
      xattrTable: ABSENT,
      exportTable: ABSENT,
    });
    expect(bytes).toHaveLength(4096);
  });

  test('directories nobody described are plain ones', async () => {
    const { image } = await bench.pack([file('a/b/c', 'x'), file('a/d', 'y')]);
    expect([...image.entries.keys()]).toEqual(['', 'a', 'a/b', 'a/b/c', 'a/d']);
    expect(image.entries.get('a/b')).toMatchObject({ type: 1, mode: 0o755, uid: 0, gid: 0, mtime: EPOCH, links: 2 });
    expect(image.entries.get('a')?.links).toBe(3);
    expect(image.entries.get('')?.links).toBe(3);
  });

  test('a single top directory stays a directory', async () => {
    const { image } = await bench.pack([directory('top'), file('top/file', 'x')]);
    expect([...image.entries.keys()]).toEqual(['', 'top', 'top/file']);
  });

  test('directories know the inode number of their parent', async () => {
    const { image } = await bench.pack([directory(''), directory('a'), directory('a/b'), directory('a/b/c')]);
    const inode = (name: string): number | undefined => image.entries.get(name)?.inode;
    expect(image.entries.get('a')?.parent).toBe(inode(''));
    expect(image.entries.get('a/b/c')?.parent).toBe(inode('a/b'));
    expect(new Set([...image.entries.values()].map((entry) => entry.inode))).toEqual(new Set([1, 2, 3, 4]));
  });

  test('listings are sorted by bytes although the order of paths is another one', async () => {
    // By paths: a, a-b, a/x, a0; 'd.x' is known before the directory 'd' that nobody described.
    const { image } = await bench.pack([
      directory('a'),
      file('a-b', ''),
      file('a/x', ''),
      file('a0', ''),
      file('d.x', ''),
      file('d/e', ''),
      file('\ufb01', ''),
      file('\u{1f600}', ''),
    ]);
    expect([...image.entries.keys()]).toEqual(['', 'a', 'a/x', 'a-b', 'a0', 'd', 'd/e', 'd.x', '\ufb01', '\u{1f600}']);
  });

  test('names that are not UTF-8 keep their bytes', async () => {
    const name = bytesToName(Buffer.from([0x62, 0xff, 0xe4, 0x62]));
    const target = bytesToName(Buffer.from([0xfe, 0x2f, 0x80]));
    const { image, bytes } = await bench.pack([file(name, 'x'), { type: 'symlink', path: 'z', ...META, target }], {
      compress: (content) => Promise.resolve(content),
    });
    expect(image.entries.get(name)?.content).toEqual(Buffer.from('x'));
    expect(image.entries.get('z')?.target).toBe(target);
    expect(bytes.includes(Buffer.from([0x62, 0xff, 0xe4, 0x62]))).toBe(true);
  });

  test('a large directory has an index that leads to its headers', async () => {
    const names = Array.from({ length: 5000 }, (_, number) => `entry-${String(number).padStart(5, '0')}`);
    const { image } = await bench.pack([directory('many'), ...names.map((name) => file(`many/${name}`, ''))]);
    const many = image.entries.get('many');
    expect(many?.extended).toBe(true);
    expect(many?.index?.length).toBeGreaterThanOrEqual(10);
    expect(many?.index?.every(({ name, first }) => name === first)).toBe(true);
    expect([...image.entries.keys()].slice(2)).toEqual(names.map((name) => `many/${name}`));
  });

  test('inode numbers far apart in one directory get headers of their own', async () => {
    const inner = Array.from({ length: 33_000 }, (_, number) => directory(`a/${String(number).padStart(5, '0')}`));
    const { image } = await bench.pack([directory('a'), ...inner, directory('b')]);
    expect(image.entries.get('b')?.inode).toBe(33_003);
    expect(image.entries.get('a')).toMatchObject({ links: 33_002, extended: true });
  });

  test('a deep tree does not exhaust the stack', async () => {
    const deep = Array.from({ length: 3000 }, () => 'd').join('/');
    const { image } = await bench.pack([file(`${deep}/f`, 'x')]);
    expect(image.entries.get(`${deep}/f`)?.content).toEqual(Buffer.from('x'));
  });

  test('hundreds of users and groups are told apart', async () => {
    const { image } = await bench.pack(
      Array.from({ length: 3000 }, (_, uid) =>
        file(`f${String(uid).padStart(4, '0')}`, '', { uid, gid: 100_000 + uid }),
      ),
    );
    expect(image.superblock['ids']).toBe(6000);
    expect(image.entries.get('f2999')).toMatchObject({ uid: 2999, gid: 102_999 });
  });
});

describe('contents', () => {
  test.each([0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 5])(
    'a file of %d bytes comes back',
    async (size) => {
      const content = text(size);
      const { image } = await bench.pack([file('a', 'before'), file('f', content), file('z', 'behind')]);
      expect(image.entries.get('f')?.content).toEqual(content);
      expect(image.entries.get('f')?.blocks).toHaveLength(Math.floor(size / BLOCK));
      expect(image.entries.get('z')?.content).toEqual(Buffer.from('behind'));
    },
  );

  test('the bytes do not depend on how the content is cut into chunks', async () => {
    const entries = [file('a', text(3 * BLOCK + 77)), file('b', text(1000, 5)), file('c', noise(BLOCK + 1))];
    const digests = new Set<string>();
    for (const chunk of [4096, 50_000, BLOCK, 10 * BLOCK])
      digests.add((await bench.pack(entries, {}, chunk)).blob.digest);
    expect(digests.size).toBe(1);
  });

  test('what zstd does not make smaller is stored as it is', async () => {
    const { image, bytes } = await bench.pack([file('noise', noise(2 * BLOCK + 100))]);
    expect(image.entries.get('noise')?.blocks).toEqual([BLOCK | 0x1000000, BLOCK | 0x1000000]);
    expect(image.entries.get('noise')?.content).toEqual(noise(2 * BLOCK + 100));
    expect(bytes.includes(noise(BLOCK))).toBe(true);
  });

  test('blocks of zeros take no room', async () => {
    const content = Buffer.concat([Buffer.alloc(2 * BLOCK), text(BLOCK), Buffer.alloc(3 * BLOCK), text(10)]);
    const { image } = await bench.pack([file('holes', content), file('zeros', Buffer.alloc(4 * BLOCK))]);
    const holes = image.entries.get('holes');
    expect(holes).toMatchObject({ extended: true, sparse: 5 * BLOCK, content });
    expect(holes?.blocks?.map((size) => size === 0)).toEqual([true, true, false, true, true, true]);
    expect(image.entries.get('zeros')).toMatchObject({
      blocks: [0, 0, 0, 0],
      sparse: 4 * BLOCK - 1,
      content: Buffer.alloc(4 * BLOCK),
    });
  });

  test('small files and the ends of large ones share fragments in the order of the walk', async () => {
    const { image } = await bench.pack([
      file('a', text(100_000, 1)),
      file('b', text(20_000, 100_000)),
      file('c', text(50_000, 200_000)),
      file('d', text(BLOCK + 7, 300_000)),
    ]);
    const fragments = ['a', 'b', 'c', 'd'].map((name) => image.entries.get(name)?.fragment);
    expect(fragments).toEqual([
      [0, 0],
      [0, 100_000],
      [1, 0],
      [1, 50_000],
    ]);
    expect(image.fragments.map(({ length }) => length)).toEqual([120_000, 50_007]);
  });

  test('equal contents are stored once, and what comes behind them is right', async () => {
    const [one, two, small] = [text(20 * BLOCK + 9), noise(9 * BLOCK), text(500)];
    const { image } = await bench.pack([
      file('a', one),
      file('b', two),
      file('c', small),
      file('d', one),
      file('e', two),
      file('f', small),
      file('g', text(4 * BLOCK, 77)),
    ]);
    const place = (name: string) => [image.entries.get(name)?.start, image.entries.get(name)?.fragment];
    expect(place('d')).toEqual(place('a'));
    expect(place('e')).toEqual(place('b'));
    expect(place('f')).toEqual(place('c'));
    for (const [name, content] of Object.entries({
      a: one,
      b: two,
      c: small,
      d: one,
      e: two,
      f: small,
      g: text(4 * BLOCK, 77),
    })) {
      expect(image.entries.get(name)?.content?.equals(content)).toBe(true);
    }
    // g is where the second copy of e was begun.
    expect(image.entries.get('g')?.start).toBe(image.entries.get('e')!.start! + 9 * BLOCK);
  });

  test('a known sha256 changes nothing, also a wrong one', async () => {
    const plain = [file('a', text(BLOCK * 2)), file('b', noise(BLOCK * 2))];
    const known = plain.map((entry) => ({ ...entry, sha256: '0'.repeat(64) }));
    expect((await bench.pack(known)).blob.digest).toBe((await bench.pack(plain)).blob.digest);
  });
});

describe('the blob', () => {
  const TREE: Entry[] = [
    directory('', { mtime: 12 }),
    { type: 'char', path: 'dev', ...META, major: 5, minor: 1 },
    directory('dir', { opaque: true }),
    file('dir/a', text(3 * BLOCK + 100), { uid: 1000, gid: 1001 }),
    { type: 'hardlink', path: 'dir/b', target: 'dir/a' },
    file('dir/c', 'small', { mode: 0o755, xattrs: [{ name: 'user.k', value: Buffer.from('v') }] }),
    { type: 'whiteout', path: 'gone' },
    { type: 'symlink', path: 'link', ...META, target: 'dir/c' },
    file('noise', noise(BLOCK)),
  ];

  test('its bytes are those of this version of the packer', async () => {
    const { blob } = await bench.pack(TREE, { verity: true });
    // A change here is a new packer version: every blob of every user gets another digest.
    expect(blob).toEqual(GOLDEN);
  });

  test('its digest, size and media type are told, and it is padded to whole blocks', async () => {
    const { blob, bytes, image } = await bench.pack(TREE);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    expect(blob).toEqual({
      digest,
      diffId: digest,
      size: bytes.length,
      mediaType: 'application/x-test',
      annotations: {},
    });
    expect(bytes.length % 4096).toBe(0);
    expect(bytes.length - image.superblock['size']!).toBeLessThan(4096);
  });

  test('verity adds a tail and both annotations, and leaves the image alone', async () => {
    const plain = await bench.pack(TREE);
    const verity = await bench.pack(TREE, { verity: true });
    expect(verity.bytes.subarray(0, plain.bytes.length).equals(plain.bytes)).toBe(true);
    expect(verity.bytes.toString('latin1', plain.bytes.length, plain.bytes.length + 8)).toBe('verity\0\0');
    expect(verity.blob.digest).toBe(`sha256:${createHash('sha256').update(verity.bytes).digest('hex')}`);
    const root = verity.blob.annotations['io.stackeroci.stacker.atomfs_verity_root_hash'];
    expect(root).toMatch(/^[0-9a-f]{64}$/);
    expect(verity.blob.annotations).toEqual({
      'io.stackeroci.stacker.atomfs_verity_root_hash': root,
      'io.stackeroci.stacker.squashfs_verity_root_hash': root,
    });
  });

  test('its bytes do not depend on which block is compressed first', async () => {
    const entries = [
      ...Array.from({ length: 40 }, (_, number) =>
        file(`f${String(number).padStart(2, '0')}`, text(BLOCK + 9000, number * 9999)),
      ),
      file('g', text(BLOCK + 9000)),
      file('h', text(20 * BLOCK)),
    ];
    const compress = zstdCompressor(3);
    let call = 0;
    const late = async (content: Buffer): Promise<Buffer> => {
      const frame = await compress(content);
      call += 1;
      await new Promise((resolve) => setTimeout(resolve, (call * 7) % 5));
      return frame;
    };
    const [one, other] = [await bench.pack(entries), await bench.pack(entries, { compress: late })];
    expect(other.blob.digest).toBe(one.blob.digest);
  });

  test('the superblock says how the image was made', async () => {
    const { image } = await bench.pack(TREE);
    expect(image.superblock).toMatchObject({
      time: EPOCH,
      blockSize: BLOCK,
      blockLog: 17,
      compressor: 6,
      major: 4,
      minor: 0,
    });
    expect(image.superblock['flags']).toBe(0x440);
  });

  test('only a level that is not the default of mksquashfs is written down', async () => {
    const [three, fifteen] = [
      await bench.pack(TREE),
      await bench.pack(TREE, { level: 15, compress: zstdCompressor(15) }),
    ];
    expect(three.bytes.subarray(96, 102)).toEqual(Buffer.from([4, 0x80, 3, 0, 0, 0]));
    expect(fifteen.image.superblock['flags']).toBe(0x40);
    expect(fifteen.image.entries.get('dir/a')?.start).toBe(96);
  });
});

describe('what cannot be stored', () => {
  const refused: [string, Entry[], string][] = [
    [
      'an extended attribute of another prefix',
      [file('x', '', { xattrs: [{ name: 'system.nfs4_acl', value: Buffer.alloc(1) }] })],
      'STACK4004',
    ],
    [
      'an extended attribute without a name',
      [file('x', '', { xattrs: [{ name: 'user.', value: Buffer.alloc(1) }] })],
      'STACK4004',
    ],
    [
      'a too large extended attribute',
      [file('x', '', { xattrs: [{ name: 'user.x', value: Buffer.alloc(65537) }] })],
      'STACK4004',
    ],
    ['a name of 256 bytes', [file('d/' + 'é'.repeat(128), '')], 'STACK4004'],
    ['a name with a NUL', [file('a\0b', '')], 'STACK4004'],
    ['an empty symlink', [{ type: 'symlink', path: 'x', ...META, target: '' }], 'STACK4004'],
    ['a symlink of more than a page', [{ type: 'symlink', path: 'x', ...META, target: 'a'.repeat(4096) }], 'STACK4004'],
    ['a device number out of range', [{ type: 'char', path: 'x', ...META, major: 4096, minor: 0 }], 'STACK4004'],
    ['a user id out of range', [file('x', '', { uid: 2 ** 32 })], 'STACK4004'],
    ['a root that is a file', [file('', 'x')], 'STACK4004'],
    ['a hard link to nothing', [{ type: 'hardlink', path: 'x', target: 'y' }], 'STACK4004'],
    ['a hard link to a directory', [directory('d'), { type: 'hardlink', path: 'x', target: 'd' }], 'STACK4004'],
    ['a path twice', [file('x', ''), file('x', '')], 'STACK4006'],
    ['the root twice', [directory(''), directory('')], 'STACK4006'],
    ['entries below a file', [file('x', ''), file('x/y', '')], 'STACK4006'],
  ];

  test.each(refused)('%s is refused', async (_what, entries, code) => {
    expect(await codeOf(bench.pack(entries))).toBe(code);
  });

  test('more than 65,535 ids are refused', async () => {
    const sink = bench.sink();
    await sink.entry(directory(''));
    for (let id = 1; id < 65_535; id += 1) await sink.entry(file(`f${String(id)}`, '', { uid: id }));
    expect(await codeOf((async () => sink.entry(file('one-more', '', { uid: 65_535 })))())).toBe('STACK4004');
    await sink.abort();
  });

  test('a longest symlink and a longest name are stored', async () => {
    const [name, target] = ['n'.repeat(255), 't'.repeat(4095)];
    const { image } = await bench.pack([{ type: 'symlink', path: name, ...META, target }]);
    expect(image.entries.get(name)?.target).toBe(target);
  });

  test.each([5, 7])('a file of 6 bytes that has %d when it is read is refused', async (size) => {
    const entry = { ...file('f', Buffer.alloc(size)), size: 6 };
    expect(await codeOf(bench.pack([entry, file('g', 'x')]))).toBe('STACK3002');
  });
});

describe('failures', () => {
  test('a file that exists is left alone, and the error is the own one of the system', async () => {
    const target = bench.newFile();
    fs.writeFileSync(target, 'precious');
    const sink = bench.sink({}, target);
    await feed(sink, file('a', 'x'));
    expect(await codeOf(sink.finish())).toBe('EEXIST');
    await sink.abort();
    expect(fs.readFileSync(target, 'utf8')).toBe('precious');
  });

  test('a write that fails is reported while files are still added', async () => {
    const sink = bench.sink({}, path.join(bench.directory, 'missing', 'x'));
    const work = (async () => {
      for (let number = 0; number < 300; number += 1)
        await feed(sink, file(`f${String(number)}`, noise(BLOCK, number + 1)));
    })();
    expect(await codeOf(work)).toBe('ENOENT');
    await sink.abort();
  });

  test('a compressor that fails ends the work with its error', async () => {
    const compress = (): Promise<Buffer> => Promise.reject(Object.assign(new Error('broken'), { code: 'BROKEN' }));
    expect(await codeOf(bench.pack([file('a', text(5 * BLOCK)), file('b', text(10))], { compress }))).toBe('BROKEN');
  });

  test('giving up closes the file, at any time and more than once', async () => {
    const open = (): number => fs.readdirSync('/proc/self/fd').length;
    const before = open();
    const sink = bench.sink();
    await feed(sink, file('a', noise(40 * BLOCK)));
    await sink.abort();
    await sink.abort();
    await bench.sink().abort();
    expect(open()).toBe(before);
  });
});
