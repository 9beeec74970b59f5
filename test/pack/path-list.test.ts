import { indexLine, PathList, sortTree, type Entry } from '../../lib/pack';
import { bytesFile } from './fixture';

const META = { mode: 0o644, uid: 1, gid: 2, mtime: 3 };

function directory(path: string, opaque?: true): Entry {
  return { type: 'directory', path, ...META, opaque };
}

function bytesOf(entries: readonly Entry[]): Buffer {
  const lines = sortTree(entries).map((entry) => indexLine(entry, entry.type === 'file' ? 'abc' : undefined));
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

function listOf(...entries: Entry[]): PathList {
  return PathList.parse(bytesOf(entries));
}

function pathsOf(list: PathList): string[] {
  return Array.from({ length: list.size }, (_, at) => list.path(at));
}

const odd = 'a "quoted" \\ name\n';
const entries: readonly Entry[] = [
  directory(''),
  directory('d'),
  directory('d/opaque', true),
  bytesFile('d/f', 'x', META),
  bytesFile('d-e', 'x', META),
  { type: 'symlink', path: 'd/l', ...META, target: 'opaque:true}' },
  { type: 'hardlink', path: 'd/h', ...META, target: 'd/f' },
  { type: 'fifo', path: 'p', ...META },
  { type: 'char', path: 'c', ...META, major: 1, minor: 3 },
  { type: 'block', path: 'b', ...META, major: 1, minor: 3 },
  { type: 'whiteout', path: 'w' },
];

test.each([
  ['plain names', []],
  ['names that JSON escapes', [bytesFile(`${odd}/${odd}`, '', META), bytesFile('d/"', '', META)]],
  ['names beyond ASCII', [bytesFile('d/ä', '', META), bytesFile('\u{1f600}/\uffff', '', META)]],
  ['names that are no text', [bytesFile('d/\udcff', '', META)]],
])('has the entries of its index: %s', (_name, more: readonly Entry[]) => {
  const all = sortTree([...entries, ...more]);
  const list = listOf(...all);
  expect(list.isAscii).toBe(more.length === 0);
  expect(pathsOf(list)).toEqual(all.map(({ path }) => path));
  expect(all.map((each, at) => [list.type(at), list.find(each.path)])).toEqual(all.map(({ type }, at) => [type, at]));
  expect(list.entry(list.find('d/h') ?? 0)).toMatchObject({ type: 'hardlink', target: 'd/f' });
  expect(list.marks.map((at) => list.path(at))).toEqual(['d/opaque', 'w']);
  expect(list.marks.map((at) => list.isOpaque(at))).toEqual([true, false]);
  expect(list.symlinks.map((at) => list.path(at))).toEqual(['d/l']);
  expect(list.find('d/g')).toBeUndefined();
  expect(list.find('zzz')).toBeUndefined();
  const places = list.groups.flatMap(({ directory: parent, from }, number) =>
    pathsOf(list)
      .slice(from, list.groups[number + 1]?.from)
      .map((path) => [path, parent]),
  );
  expect(places).toEqual(all.map(({ path }) => [path, path.slice(0, Math.max(path.lastIndexOf('/'), 0))]));
});

test('goes on where one piece of the index ends', () => {
  const long = 'x'.repeat(1_000_000);
  const files = Array.from({ length: 40 }, (_, at) => bytesFile(`d/${String(at).padStart(2, '0')}${long}`, '', META));
  const list = listOf(...files.slice(0, 39), bytesFile(`d/ä${long}`, '', META));
  expect(list.isAscii).toBe(false);
  for (const [at, { path }] of files.slice(0, 39).entries()) expect(list.find(path)).toBe(at);
  expect([0, 15, 16, 38, 39].map((at) => list.isSame(at, list, at))).toEqual([true, true, true, true, true]);
  expect(list.isSame(15, list, 16)).toBe(false);
  expect(list.path(39)).toBe(`d/ä${long}`);
});

test('of very many paths without a slash takes no time to speak of', () => {
  const lines = Array.from(
    { length: 300_000 },
    (_, at) => `{"path":"${String(at).padStart(7, '0')}","type":"whiteout"}\n`,
  );
  const list = PathList.parse(Buffer.from(lines.join('')));
  expect([list.size, list.groups.length, list.find('0299999')]).toEqual([300_000, 1, 299_999]);
});

test('of nothing is empty', () => {
  const list = listOf();
  expect([list.size, list.find(''), list.path(0)]).toEqual([0, undefined, '']);
});

test.each([
  ['no line', 'x'],
  [
    'a line without an end',
    bytesOf([directory('d')])
      .toString()
      .trimEnd(),
  ],
  ['another line', '{"name":"d","type":"directory"}\n'],
  ['an unknown type', '{"path":"d","type":"unknown"}\n'],
  ['an escape that is none', '{"path":"d\\x/e","type":"directory"}\n'],
  ['a last path without an end', '{"path":"d\n'],
  ['a path without an end', '{"path":"d\n{"path":"e","type":"directory"}\n'],
])('cannot be made of %s', (_name, text) => {
  expect(() => PathList.parse(Buffer.from(text))).toThrow('a path index in the local store is damaged');
});
