import fc from 'fast-check';
import { ancestorsOf, hardlinkTo, mergeTrees, resolveInView, sortTree, type Entry, type Tree } from '../../lib/pack';
import { bytesFile, listing } from './fixture';

const META = { mode: 0o755, uid: 0, gid: 0, mtime: 0 };
const dir = (path: string, opaque = false): Entry => ({
  type: 'directory',
  path,
  ...META,
  ...(opaque ? { opaque } : {}),
});
const file = (path: string, content = ''): Entry => bytesFile(path, content);
const gone = (path: string): Entry => ({ type: 'whiteout', path });
const symlink = (path: string, target: string): Entry => ({ type: 'symlink', path, ...META, target });
const link = (path: string, target: string): Entry => hardlinkTo(bytesFile(target, ''), path, target);

const seen = (...layers: Entry[][]): string[] =>
  listing(sortTree(mergeTrees(layers.map((layer) => sortTree(layer))).values()));

describe('several layers', () => {
  const cases: [what: string, layers: Entry[][], expected: string[]][] = [
    ['are seen together', [[dir('a'), file('a/b', '1')], [file('a/c', '2')]], ['a/', 'a/b = 1', 'a/c = 2']],
    ['are seen from above', [[file('a', '1')], [file('a', '2')]], ['a = 2']],
    ['lose what is removed', [[file('a'), file('b', '1')], [gone('a')]], ['b = 1']],
    ['lose what is below a removed directory', [[dir('a'), file('a/b'), dir('a/c'), file('a/c/d')], [gone('a')]], []],
    ['lose what is below one that nobody described', [[file('a/b'), file('a/c/d')], [gone('a')]], []],
    ['keep what only has a similar name', [[dir('a'), file('a-b', '1'), file('ab', '2')], [gone('a')]], ['a-b = 1', 'ab = 2']],
    ['lose what an opaque directory hides', [[dir('a'), file('a/b'), file('a/c')], [dir('a', true), file('a/c', '2')]], ['a/', 'a/c = 2']],
    ['lose everything to an opaque root', [[dir(''), file('a'), dir('b')], [dir('', true), file('c', '1')]], ['/', 'c = 1']],
    ['lose a directory to a file', [[dir('a'), file('a/b')], [file('a', '1')]], ['a = 1']],
    ['lose a directory to a symbolic link', [[dir('a'), file('a/b')], [symlink('a', 'x')]], ['a -> x']],
    ['lose a symbolic link to a directory', [[symlink('a', 'x')], [dir('a'), file('a/b', '1')]], ['a/', 'a/b = 1']],
    ['keep what a layer itself brings beside its whiteouts', [[dir('a'), file('a/b')], [gone('a'), file('a/c', '1')]], ['a/c = 1']],
    ['are where links of a layer below lead', [[dir('u'), file('u/b', '1'), symlink('l', 'u')], [file('l/b', '2'), file('l/c', '3')]], ['l -> u', 'u/', 'u/b = 2', 'u/c = 3']],
    ['remove what is there', [[dir('u'), file('u/b', '1'), symlink('l', '/u')], [gone('l/b')]], ['l -> /u', 'u/']],
    ['are where they say when the layer has the directory itself', [[dir('u'), symlink('l', 'u')], [dir('l'), file('l/b', '2')]], ['l/', 'l/b = 2', 'u/']],
    ['keep hard links behind links', [[dir('u'), symlink('l', 'u')], [file('l/a', ''), link('l/b', 'l/a')]], ['l -> u', 'u/', 'u/a = ', 'u/b == u/a']],
    ['stay in a loop of links', [[symlink('l', 'm'), symlink('m', 'l')], [file('l/a', '1')]], ['l -> m', 'l/a = 1', 'm -> l']],
    ['may remove what is not there', [[file('a', '1')], [gone('b'), gone('c/d')]], ['a = 1']],
    ['may bring back what was removed', [[file('a', '1')], [gone('a')], [file('a', '3')]], ['a = 3']],
    ['may remove the same twice', [[dir('a'), file('a/b')], [gone('a')], [dir('a'), file('a/c')], [gone('a')]], []],
  ]; // prettier-ignore
  test.each(cases)('%s', (_, layers, expected) => {
    expect(seen(...layers)).toEqual(expected);
  });

  test('show no marks', () => {
    const view = mergeTrees([[dir('a', true)], [gone('b')]]);
    expect([...view.keys()]).toEqual(['a']);
    expect(view.get('a')).toEqual(dir('a'));
  });

  test('are left as they are', () => {
    const layers = [[dir('a', true), file('a/b')], [gone('a/b')]];
    const before = JSON.stringify(layers);
    mergeTrees(layers);
    expect(JSON.stringify(layers)).toBe(before);
  });

  test('are seen as if unpacked one after the other', () => {
    const paths = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
      .map((parts) => parts.join('/'));
    const entry = fc.tuple(fc.constantFrom('file', 'directory', 'opaque', 'whiteout', 'symlink'), paths);
    const layers = fc.array(fc.array(entry, { maxLength: 6 }).map(consistent), { maxLength: 4 });
    fc.assert(
      fc.property(layers, (all) => {
        const view = mergeTrees(all);
        expect([...view.values()].map(({ path, type }) => `${type} ${path}`).sort()).toEqual(unpacked(all));
      }),
      { numRuns: 500 },
    );
  });
});

function isMark(entry: Entry): boolean {
  return entry.type === 'whiteout' || (entry.type === 'directory' && entry.opaque === true);
}

/** A layer as an archive can give it: each path once, nothing below what is no directory. */
function consistent(wanted: (readonly [kind: string, path: string])[]): Tree {
  const entries = new Map<string, Entry>();
  for (const [kind, path] of wanted) {
    const blocked = ancestorsOf(path).some((each) => (entries.get(each)?.type ?? 'directory') !== 'directory');
    const inhabited = [...entries.keys()].some((each) => each.startsWith(`${path}/`));
    if (blocked || (inhabited && kind !== 'directory' && kind !== 'opaque')) continue;
    if (kind === 'file') entries.set(path, file(path));
    else if (kind === 'symlink') entries.set(path, symlink(path, 'x'));
    else if (kind === 'whiteout') entries.set(path, gone(path));
    else entries.set(path, dir(path, kind === 'opaque'));
  }
  return sortTree(entries.values());
}

/** The same by brute force: layer by layer, behind the links that are there, first what it hides, then what it brings. */
function unpacked(layers: readonly Tree[]): string[] {
  const found = new Map<string, string>();
  const removeBelow = (path: string): void => {
    for (const each of [...found.keys()]) if (each.startsWith(`${path}/`)) found.delete(each);
  };
  /** All links lead to an `x` beside them. */
  const placeOf = (path: string, own: Tree): string => {
    let at = '';
    const parts = path.split('/');
    // What the layer hides is gone before anything of it is there.
    const isHidden = (place: string): boolean =>
      own.some((entry) => isMark(entry) && place.startsWith(`${entry.path}/`));
    for (const [depth, part] of parts.entries()) {
      const next = at === '' ? part : `${at}/${part}`;
      const isOwn = own.some((entry) => entry.path === next) || isHidden(next);
      const isLink = found.get(next) === 'symlink' && !isOwn;
      at = isLink && depth < parts.length - 1 ? next.replace(/[^/]*$/, 'x') : next;
    }
    return at;
  };
  for (const each of layers) {
    const layer = each.map((entry) => ({ ...entry, path: placeOf(entry.path, each) }));
    for (const entry of layer) {
      if (entry.type === 'whiteout') found.delete(entry.path);
      if (entry.type !== 'directory' || entry.opaque === true) removeBelow(entry.path);
    }
    for (const { type, path } of layer) if (type !== 'whiteout') found.set(path, type);
  }
  return [...found].map(([path, type]) => `${type} ${path}`).sort();
}

describe('hard links of a lower layer', () => {
  const lower = [file('a', 'old'), link('b', 'a'), link('c', 'a')];

  test('keep the content when their file is replaced', () => {
    expect(seen(lower, [file('a', 'new')])).toEqual(['a = new', 'b = old', 'c == b']);
  });

  test('keep the content when their file is removed', () => {
    expect(seen(lower, [gone('a')])).toEqual(['b = old', 'c == b']);
    expect(seen(lower, [gone('a'), gone('b')])).toEqual(['c = old']);
    expect(seen([dir('d'), file('d/a', '1'), link('e', 'd/a')], [gone('d')])).toEqual(['e = 1']);
  });

  test('can be removed and replaced themselves', () => {
    expect(seen(lower, [gone('b')])).toEqual(['a = old', 'c == a']);
    expect(seen(lower, [file('b', 'new')])).toEqual(['a = old', 'b = new', 'c == a']);
  });

  test('of the same names in two layers do not mix', () => {
    expect(seen(lower, [file('a', 'new'), link('c', 'a')])).toEqual(['a = new', 'b = old', 'c == a']);
  });
});

describe('a path inside a view', () => {
  const view = mergeTrees([
    sortTree([
      dir('usr'), dir('usr/lib'), file('usr/lib/x'), symlink('lib', 'usr/lib'), symlink('abs', '/usr'), symlink('up', '../../usr'),
      symlink('usr/back', '..'), symlink('one', 'two'), symlink('two', 'one'), symlink('chain', 'lib/../lib'), symlink('dangling', 'none/../x'),
      symlink('top', '/'), symlink('slash', 'usr/'),
    ]),
  ]); // prettier-ignore
  test.each([
    ['/usr/lib/x', 'usr/lib/x'],
    ['usr//lib/./x', 'usr/lib/x'],
    ['/lib/x', 'usr/lib/x'],
    ['/abs/lib/x', 'usr/lib/x'],
    ['/up/lib', 'usr/lib'],
    ['/usr/back/lib/x', 'usr/lib/x'],
    ['/chain/x', 'usr/lib/x'],
    ['/lib/..', 'usr'],
    ['/../../lib', 'usr/lib'],
    ['/nothing/here', 'nothing/here'],
    ['/lib/nothing', 'usr/lib/nothing'],
    ['/dangling', 'x'],
    ['/top', ''],
    ['/top/lib/', 'usr/lib'],
    ['/slash', 'usr'],
    ['/', ''],
    ['', ''],
  ])('%s is %s', (path, expected) => {
    expect(resolveInView(view, path)).toBe(expected);
  });

  test('may end at a link', () => {
    expect(resolveInView(view, '/lib', false)).toBe('lib');
    expect(resolveInView(view, '/lib/', false)).toBe('lib');
    expect(resolveInView(view, '/abs/lib', false)).toBe('usr/lib');
    expect(resolveInView(view, '/usr/back', false)).toBe('usr/back');
    expect(resolveInView(view, '/usr/back/lib', false)).toBe('lib');
    expect(resolveInView(view, '/one', false)).toBe('one');
  });

  test.each(['/one', '/two/x', '/usr/back/one'])('cannot lead in a circle: %s', (path) => {
    expect(() => resolveInView(view, path)).toThrow(expect.objectContaining({ code: 'STACK3004' }) as Error);
  });

  test('may go through forty links, not more', () => {
    const chain = (length: number): Map<string, Entry> =>
      new Map(Array.from({ length }, (_, i) => [`l${String(i)}`, symlink(`l${String(i)}`, `l${String(i + 1)}`)]));
    expect(resolveInView(chain(40), '/l0')).toBe('l40');
    expect(() => resolveInView(chain(41), '/l0')).toThrow(/loop/);
  });
});
