import type { Entry } from '../../../lib/pack';
import { directory, EPOCH, file, noise, Workbench } from './fixture';

const META = { mode: 0o600, uid: 1, gid: 2, mtime: 1000 };
const bench = new Workbench();

afterAll(() => {
  bench.remove();
});

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
      { type: 'hardlink', path: 'd/b', ...META, target: 'a' },
      { type: 'hardlink', path: 'd/c', ...META, target: 'd/b' },
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
