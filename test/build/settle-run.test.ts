import { FileView } from '../../lib/build/file-view';
import { settleRun } from '../../lib/build/settle-run';
import { sortTree, type Entry } from '../../lib/pack';
import { directory, EPOCH, hardlink, link, textFile } from './workshop';

const STARTED = 2_000_000_000;
const OLD = 1_500_000_000;
const DURING = STARTED + 5;
const EXCLUDE = ['left-out', 'tmp/**'];

const BASE: readonly Entry[] = [
  directory('d', { mtime: OLD, mode: 0o750 }),
  textFile('d/f', 'f', { mtime: OLD }),
  directory('empty', { mtime: OLD }),
  textFile('top', 'top', { mtime: OLD }),
];

/** What remains of an upper directory, path by path. */
function settled(...upper: Entry[]): Record<string, Entry> {
  const tree = settleRun(sortTree(upper), FileView.of([sortTree(BASE)], EPOCH), {
    started: STARTED,
    epoch: EPOCH,
    exclude: EXCLUDE,
  });
  return Object.fromEntries(tree.map((entry) => [entry.path, entry]));
}

test('what was written gets the epoch, what kept an older time keeps it', () => {
  const result = settled(textFile('new', 'n', { mtime: DURING }), textFile('kept', 'k', { mtime: OLD }));
  expect(result).toMatchObject({ new: { mtime: EPOCH }, kept: { mtime: OLD } });
  expect(settled(textFile('edge', 'e', { mtime: STARTED }))).toMatchObject({ edge: { mtime: EPOCH } });
});

test('whiteouts stay only where they hide something of the base', () => {
  expect(Object.keys(settled({ type: 'whiteout', path: 'top' }, { type: 'whiteout', path: 'never' }))).toEqual(['top']);
});

test('what is gone from a directory that was made again is removed by name, and nothing else is hidden', () => {
  const result = settled(directory('d', { opaque: true, mode: 0o750 }), textFile('d/x', 'x', { mtime: DURING }));
  expect(result).toMatchObject({ d: { type: 'directory' }, 'd/f': { type: 'whiteout' }, 'd/x': { type: 'file' } });
  expect(result['d']).not.toHaveProperty('opaque', true);
});

test.each(['empty', 'made'])('nothing is removed from %s, which had nothing', (path) => {
  const result = settled(directory(path, { opaque: true, mtime: DURING }), textFile(`${path}/x`, 'x'));
  expect(Object.keys(result)).toEqual([path, `${path}/x`]);
  expect(result[path]).not.toHaveProperty('opaque', true);
});

test('a directory that was removed and made again as it was is no change', () => {
  const again = directory('d', { opaque: true, mtime: OLD, mode: 0o750 });
  expect(settled(again, textFile('d/f', 'f', { mtime: OLD }))).toEqual({});
  expect(Object.keys(settled(again, textFile('d/f', 'other', { mtime: OLD })))).toEqual(['d', 'd/f']);
});

test('only the topmost of what is gone is removed by name', () => {
  const base = [directory('a'), directory('a/b'), textFile('a/b/c', 'c'), textFile('a/b-', 'x'), textFile('a/k', 'k')];
  const options = { started: STARTED, epoch: EPOCH, exclude: [] };
  const settle = (...upper: Entry[]): string[] =>
    settleRun(sortTree(upper), FileView.of([sortTree(base)], EPOCH), options).map(
      ({ type, path }) => `${type} ${path}`,
    );
  expect(settle(directory('a', { opaque: true }), textFile('a/k', 'k'))).toEqual([
    'directory a',
    'whiteout a/b',
    'whiteout a/b-',
  ]);
  expect(settle(directory('a', { opaque: true }), directory('a/b'), textFile('a/k', 'k'))).toEqual([
    'directory a',
    'directory a/b',
    'whiteout a/b-',
    'whiteout a/b/c',
  ]);
  expect(settle(directory('a', { opaque: true }), textFile('a/b', 'b'), textFile('a/k', 'k'))).toEqual([
    'directory a',
    'file a/b',
    'whiteout a/b-',
  ]);
});

describe('names of one file', () => {
  const FILE = { mtime: EPOCH };
  const LINKED = [
    directory('l'),
    textFile('l/a', 'a', FILE),
    hardlink('l/b', 'l/a', FILE),
    hardlink('l/c', 'l/a', FILE),
  ];
  const again = directory('l', { opaque: true });
  const options = { started: STARTED, epoch: EPOCH, exclude: [] };
  const settle = (...upper: Entry[]): string[] =>
    settleRun(sortTree(upper), FileView.of([sortTree(LINKED)], EPOCH), options).map(
      (entry) => `${entry.type} ${entry.path}${entry.type === 'hardlink' ? ` ${entry.target}` : ''}`,
    );

  test.each<[string, Entry[], string[]]>([
    ['all made again', [again, ...LINKED.slice(1)], []],
    [
      'some made again, the others removed',
      [again, textFile('l/b', 'a', FILE), hardlink('l/c', 'l/b', FILE)],
      ['directory l', 'whiteout l/a'],
    ],
    [
      'with other content',
      [again, textFile('l/a', 'A', FILE), hardlink('l/b', 'l/a', FILE), hardlink('l/c', 'l/a', FILE)],
      ['directory l', 'file l/a', 'hardlink l/b l/a', 'hardlink l/c l/a'],
    ],
    ['one made a file of its own', [directory('l'), textFile('l/b', 'a', FILE)], ['directory l', 'file l/b']],
    [
      'all made files of their own',
      [again, ...['l/a', 'l/b', 'l/c'].map((path) => textFile(path, 'a', FILE))],
      ['directory l', 'file l/b', 'file l/c'],
    ],
    [
      'with a new name',
      [directory('l'), textFile('l/c', 'a', FILE), hardlink('new', 'l/c', FILE)],
      ['directory l', 'file l/c', 'hardlink new l/c'],
    ],
  ])('%s', (_, upper, expected) => {
    expect(settle(...upper)).toEqual(expected);
  });
});

test('a directory that only got an entry keeps the time and mode it had', () => {
  const result = settled(directory('d', { mtime: DURING, mode: 0o750 }), textFile('d/new', 'x', { mtime: DURING }));
  expect(result['d']).toMatchObject({ mtime: OLD, mode: 0o750 });
});

test('a directory that was changed itself keeps its time, one that was made again has the epoch', () => {
  const changed = { mtime: DURING, mode: 0o700 };
  expect(settled(directory('d', changed))).toMatchObject({ d: { mode: 0o700, mtime: OLD } });
  expect(settled(directory('d', { ...changed, opaque: true }))).toMatchObject({ d: { mode: 0o700, mtime: EPOCH } });
});

test.each([
  ['file', textFile('d/f', 'f', { mtime: 1 })],
  ['directory', directory('d', { mtime: 1, mode: 0o750 })],
  ['link', link('top', 'elsewhere', { mtime: 1 })],
])('an older time that a script sets is a change of a %s', (_, entry) => {
  expect(settled(directory('d', { mtime: OLD, mode: 0o750 }), entry)[entry.path]).toMatchObject({ mtime: 1 });
});

test('the mode of a symbolic link, which Linux does not keep, is no change', () => {
  const options = { started: STARTED, epoch: EPOCH, exclude: [] };
  const base = FileView.of([sortTree([link('l', 't', { mode: 0o755 })])], EPOCH);
  expect(settleRun([link('l', 't', { mode: 0o777 })], base, options)).toEqual([]);
});

test('a directory of an import that only got an entry keeps the time it was imported with', () => {
  const imported = new Map([['i', directory('i', { mtime: OLD })]]);
  const upper = [directory('i', { mtime: DURING }), directory('i/made', { mtime: DURING })];
  const options = { started: STARTED, epoch: EPOCH, exclude: [], imported };
  const tree = settleRun(sortTree(upper), FileView.of([], EPOCH), options);
  expect(tree.map(({ path, ...entry }) => [path, (entry as { mtime: number }).mtime])).toEqual([
    ['i', OLD],
    ['i/made', EPOCH],
  ]);
});

test.each<[string, Entry[]]>([
  ['directories copied up on the way', [directory('d', { mtime: DURING, mode: 0o750 })]],
  ['files as they were', [directory('d', { mtime: DURING, mode: 0o750 }), textFile('d/f', 'f', { mtime: OLD })]],
  ['the root directory', [directory('', { mtime: DURING })]],
])('%s are no change', (_, upper) => {
  expect(settled(...upper)).toEqual({});
});

test('a file that is as it was stays where a new hard link needs it', () => {
  const result = settled(textFile('top', 'top', { mtime: OLD }), hardlink('zz', 'top'));
  expect(Object.keys(result)).toEqual(['top', 'zz']);
  expect(result['zz']).toMatchObject({ type: 'hardlink', target: 'top' });
});

test('a file with other content, and a link in the place of a file, are changes', () => {
  expect(Object.keys(settled(textFile('top', 'changed', { mtime: OLD })))).toEqual(['top']);
  expect(settled(link('top', 'elsewhere'))).toMatchObject({ top: { type: 'symlink' } });
});

test('what is excluded stays, also in a directory that was made again', () => {
  const base = FileView.of([sortTree([directory('tmp'), textFile('tmp/f', 'f'), textFile('d/f', 'f')])], EPOCH);
  const options = { started: STARTED, epoch: EPOCH, exclude: EXCLUDE };
  const upper = [directory('tmp', { opaque: true }), textFile('tmp/new', 'n'), directory('d', { opaque: true })];
  expect(settleRun(sortTree(upper), base, options).map(({ type, path }) => [type, path])).toEqual([
    ['directory', 'd'],
    ['whiteout', 'd/f'],
  ]);
});

test('a layer has the root directory of the base where that is no plain one', () => {
  const options = { started: STARTED, epoch: EPOCH, exclude: [] };
  const settle = (mode: number, ...upper: Entry[]): string[] =>
    settleRun(upper, FileView.of([[directory('', { mode })]], EPOCH), options).map(({ path }) => path);
  expect(settle(0o711, directory('', { mode: 0o711 }), textFile('f', 'f'))).toEqual(['', 'f']);
  expect(settle(0o755, directory(''), textFile('f', 'f'))).toEqual(['f']);
  expect(settle(0o711, directory('', { mode: 0o711 }))).toEqual([]);
});

test('another mode of the root directory is a change', () => {
  expect(settled(directory('', { mtime: DURING, mode: 0o700 }))).toMatchObject({ '': { mode: 0o700, mtime: EPOCH } });
});

test('what is excluded is no change, also where it was removed; a directory that is needed stays', () => {
  const upper = [
    directory('tmp'),
    directory('tmp/d'),
    textFile('tmp/d/f', 'f'),
    { type: 'whiteout', path: 'left-out' } as const,
  ];
  const base = FileView.of([sortTree([textFile('left-out', 'x')])], EPOCH);
  const options = { started: STARTED, epoch: EPOCH, exclude: EXCLUDE };
  expect(settleRun(sortTree(upper), base, options).map(({ path }) => path)).toEqual(['tmp']);
  expect(settleRun(sortTree([textFile('left-out', 'y')]), base, options)).toEqual([]);
});

test('names of a file that is excluded under its first one stay one file', () => {
  const result = settled(
    textFile('left-out', 'x', { mtime: DURING }),
    hardlink('name-1', 'left-out'),
    hardlink('name-2', 'left-out'),
  );
  expect(Object.keys(result)).toEqual(['name-1', 'name-2']);
  expect(result).toMatchObject({
    'name-1': { type: 'file', size: 1 },
    'name-2': { type: 'hardlink', target: 'name-1' },
  });
});
