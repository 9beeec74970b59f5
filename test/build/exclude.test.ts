import { excludeFilter, takesBack, withoutExcluded } from '../../lib/build/exclude';
import { failureOf } from '../failure';

describe('excludeFilter', () => {
  test.each<[string[], string, boolean]>([
    [[], 'a', false],
    [['a'], 'a', true],
    [['a'], 'a/b/c', true],
    [['a'], 'x/a', false],
    [['a'], 'A', false],
    [['/a'], 'a', true],
    [['a/'], 'a', true],
    [['**/a'], 'x/y/a', true],
    [['**/a'], 'a', true],
    [['*.txt'], 'a.txt', true],
    [['*.txt'], 'x/a.txt', false],
    [['a', '!a/b'], 'a/b', false],
    [['a', '!a/b'], 'a/c', true],
    [['!a', 'a'], 'a', true],
    [['*'], '.hidden', true],
    [['b?'], 'b\udcff', true],
    [['**'], '', false],
    [['*'], '', false],
  ])('%j and %j: %p', (patterns, path, excluded) => {
    expect(excludeFilter(patterns)(path)).toBe(excluded);
  });

  test('says which pattern is none', async () => {
    expect(await failureOf(() => excludeFilter(['fine', 'a[']))).toMatchObject({
      code: 'STACK2006',
      message: expect.stringContaining("'a['") as string,
    });
  });
});

test('takesBack tells patterns with exceptions', () => {
  expect(takesBack(['a', ' !b'])).toBe(true);
  expect(takesBack(['a', 'b!'])).toBe(false);
});

describe('withoutExcluded', () => {
  const entries = ['', 'a', 'a/b', 'a/b/c', 'd'].map((path) => ({ path }));
  const kept = (patterns: string[]): string[] => withoutExcluded(entries, patterns).map(({ path }) => path);

  test('leaves directories in where something below them stays', () => {
    expect(kept(['a', '!a/b/c'])).toEqual(['', 'a', 'a/b', 'a/b/c', 'd']);
    expect(kept(['a/b/c'])).toEqual(['', 'a', 'a/b', 'd']);
    expect(kept(['a'])).toEqual(['', 'd']);
    expect(kept(['**'])).toEqual(['']);
  });

  test('gives the same list when nothing is excluded', () => {
    expect(withoutExcluded(entries, ['x'])).toBe(entries);
  });
});
