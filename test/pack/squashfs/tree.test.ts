import { bytesToName } from '../../../lib/core';
import { directory, EPOCH, file, Workbench } from './fixture';
import { ABSENT } from './reader';

const META = { mode: 0o600, uid: 1, gid: 2, mtime: 1000 };
const bench = new Workbench();

afterAll(() => {
  bench.remove();
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
    const { image } = await bench.pack([file(name, 'x'), { type: 'symlink', path: 'z', ...META, target }]);
    expect(image.entries.get(name)?.content).toEqual(Buffer.from('x'));
    expect(image.entries.get('z')?.target).toBe(target);
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

  test('a deep tree does not exhaust the stack', async () => {
    const deep = Array.from({ length: 3000 }, () => 'd').join('/');
    const { image } = await bench.pack([file(`${deep}/f`, 'x')]);
    expect(image.entries.get(`${deep}/f`)?.content).toEqual(Buffer.from('x'));
  });

  test('hundreds of users and groups are told apart', async () => {
    const files = Array.from({ length: 400 }, (_, uid) => file(`f${String(uid)}`, '', { uid, gid: 100_000 + uid }));
    const { image } = await bench.pack(files);
    expect(image.superblock['ids']).toBe(800);
    expect(image.entries.get('f399')).toMatchObject({ uid: 399, gid: 100_399 });
  });
});
