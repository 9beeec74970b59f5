import { FileView, viewOf } from '../../lib/build/file-view';
import type { Tree } from '../../lib/pack';
import { deltaOf, directory, EPOCH, hardlink, link, textFile } from './workshop';

function view(...layers: Tree[]): FileView {
  return FileView.of(layers, EPOCH);
}

const paths = (found: readonly { path: string }[]): string[] => found.map(({ path }) => path);

describe('FileView', () => {
  test('shows the layers on top of each other', () => {
    const upper: Tree = [directory('d', { opaque: true }), textFile('d/new', '2'), { type: 'whiteout', path: 'gone' }];
    const merged = view([directory('d'), textFile('d/old', '1'), textFile('gone', '1'), link('l', 'd')], upper);
    expect(paths(merged.under(''))).toEqual(['', 'd', 'd/new', 'l']);
    expect(merged.get('d')).toEqual(directory('d'));
  });

  test('has directories that no layer describes', () => {
    const merged = view([textFile('a/b/c', 'x')], [directory('a', { mode: 0o700 })]);
    expect(merged.get('')).toMatchObject({ type: 'directory', mode: 0o755, mtime: EPOCH });
    expect(merged.get('a')).toMatchObject({ mode: 0o700 });
    expect(merged.get('a/b')).toMatchObject({ type: 'directory', mode: 0o755, mtime: EPOCH });
  });

  test('lists what is under a path in byte order, the path itself first', () => {
    const names = ['d', 'd-', 'd-/x', 'd.', 'd/a', 'd/a/b', 'd/\uffff', 'd/\u{1f600}', 'd0', 'da'];
    const merged = view(
      [...names]
        .sort()
        .map((name) => textFile(name, 'x'))
        .map((entry) => (['d', 'd-', 'd/a'].includes(entry.path) ? directory(entry.path) : entry)),
    );
    expect(paths(merged.under('d'))).toEqual(['d', 'd/a', 'd/a/b', 'd/\uffff', 'd/\u{1f600}']);
    expect(paths(merged.under('d/a'))).toEqual(['d/a', 'd/a/b']);
    expect(paths(merged.under('da'))).toEqual(['da']);
    expect(merged.under('missing')).toEqual([]);
    expect(merged.under('')).toHaveLength(names.length + 1);
  });

  test('tells what is directly in a directory', () => {
    const merged = view([textFile('a/b/c', 'x'), textFile('a/d', 'x'), textFile('e', 'x')]);
    expect(merged.childrenOf('')).toEqual(['a', 'e']);
    expect(merged.childrenOf('a')).toEqual(['a/b', 'a/d']);
    expect(merged.childrenOf('e')).toEqual([]);
  });

  test('keeps the content of a hard link whose file an upper layer replaced', () => {
    const merged = view([textFile('a', 'old'), hardlink('b', 'a')], [textFile('a', 'new')]);
    expect(merged.get('b')).toMatchObject({ type: 'file', content: { bytes: Buffer.from('old') } });
  });
});

describe('viewOf', () => {
  test('is made once for one list of deltas', async () => {
    const delta = deltaOf([textFile('a', 'A')]);
    const tree = jest.spyOn(delta, 'tree');
    const deltas = [delta];
    const [one, two] = await Promise.all([viewOf(deltas, EPOCH), viewOf(deltas, EPOCH)]);
    expect(one).toBe(two);
    expect(tree).toHaveBeenCalledTimes(1);
    expect(await viewOf([delta], EPOCH)).not.toBe(one);
  });
});
