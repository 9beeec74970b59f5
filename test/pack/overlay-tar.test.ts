import { overlayTar, sortTree, type Entry } from '../../lib/pack';
import { Bench, bytesFile, codeOf, contentOf, listing } from './fixture';
import { file, tar } from './tar-builder';

const bench = new Bench();
afterAll(() => {
  bench.remove();
});

const META = { mode: 0o755, uid: 0, gid: 0, mtime: 0 };
const TREE = sortTree([
  { type: 'directory', path: 'a', ...META, opaque: true, xattrs: [{ name: 'user.x', value: Buffer.from('1') }] },
  bytesFile('a/small', 'content'),
  bytesFile('a/large', Buffer.alloc(700_000, 'x')),
  { type: 'symlink', path: 'b', ...META, target: 'a' },
  { type: 'whiteout', path: 'gone' },
] satisfies Entry[]);

test.each(['trusted.overlay.opaque', 'user.overlay.opaque'])(
  'a tree in overlay form (%s) is read back as it was',
  async (xattr) => {
    const bytes = Buffer.concat([...overlayTar(TREE, xattr)]);
    expect(bytes.length % 512).toBe(0);
    const { tree } = await bench.read(bytes, { layer: 'overlay' });
    expect(listing(tree)).toEqual(listing(TREE));
    expect(tree[0]).toMatchObject({ opaque: true, xattrs: [{ name: 'user.x' }] });
  },
);

test.each([1, 262_143, 262_144, 262_145, 1_000_000])(
  'a file of %d bytes is as it was, wherever chunks end',
  async (size) => {
    const content = Buffer.alloc(size, 'abcdefg');
    const { tree } = await bench.read(
      Buffer.concat([...overlayTar([bytesFile('f', content), bytesFile('g', 'g')], 'x')]),
    );
    expect(tree.map((entry) => entry.type === 'file' && contentOf(entry).toString())).toEqual([
      content.toString(),
      'g',
    ]);
  },
);

test('names that mean removed files in a layer cannot be kept of an overlay either', async () => {
  expect(await codeOf(bench.read(tar(file('.wh.a')), { layer: 'overlay' }))).toBe('STACK4004');
});
