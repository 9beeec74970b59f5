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

test.each([
  ['d', true],
  ['empty', undefined],
  ['made', undefined],
])('the opaque mark of %s stays only where it hides something: %s', (path, opaque) => {
  const result = settled(
    directory(path, { opaque: true, mtime: DURING }),
    textFile(`${path}/x`, 'x', { mtime: DURING }),
  );
  expect(result[path]).toMatchObject({ type: 'directory' });
  expect((result[path] as { opaque?: boolean }).opaque).toBe(opaque);
});

test('a directory that only got an entry keeps the time and mode it had', () => {
  const result = settled(directory('d', { mtime: DURING, mode: 0o750 }), textFile('d/new', 'x', { mtime: DURING }));
  expect(result['d']).toMatchObject({ mtime: OLD, mode: 0o750 });
});

test('a directory that was changed itself stays, with the epoch', () => {
  expect(settled(directory('d', { mtime: DURING, mode: 0o700 }))).toEqual({
    d: expect.objectContaining({ mode: 0o700, mtime: EPOCH }) as Entry,
  });
});

test.each<[string, Entry[]]>([
  ['directories copied up on the way', [directory('d', { mtime: DURING, mode: 0o750 })]],
  ['files as they were', [directory('d', { mtime: DURING, mode: 0o750 }), textFile('d/f', 'f', { mtime: OLD })]],
  ['the root directory', [directory('', { mtime: DURING, mode: 0o700 })]],
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
