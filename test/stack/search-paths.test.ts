import fc from 'fast-check';
import { unitePathLists } from '../../lib/stack/search-paths';

const BASE = ['/usr/bin', '/bin', '/sbin'];
const entries = (value: string): string[] => (value === '' ? [] : value.split(':'));

/** A list that keeps the base's entries in order, and has some of a few others between them. */
const extended = (names: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.shuffledSubarray([...names]), fc.array(fc.nat(BASE.length), { minLength: 9, maxLength: 9 }))
    .map(([added, gaps]) => {
      const inGap = (gap: number): string[] => added.filter((_, at) => gaps[at] === gap);
      return [...inGap(0), ...BASE.flatMap((entry, at) => [entry, ...inGap(at + 1)])].join(':');
    });
const names = (letter: string): string[] => ['1', '2', '3'].map((digit) => `/opt/${letter}${digit}`);

test.each([
  ['/opt/a:P and /opt/b:P', 'P', ['/opt/a:P', '/opt/b:P'], '/opt/a:/opt/b:P'],
  ['the same without a known base', undefined, ['/opt/a:P', '/opt/b:P'], '/opt/a:/opt/b:P'],
  ['what stood before, whatever the others do', 'P:Q', ['/x:P:Q', 'P:/x:Q', 'P:Q:/x'], '/x:P:Q'],
  ['what stands between entries of the base', 'P:Q', ['P:/a:Q', 'P:Q:/b'], 'P:/a:Q:/b'],
  ['a list with nothing of the base', 'P', ['/a', '/b:P'], '/b:P:/a'],
  ['an order that others contradict', 'P', ['/a:/b:P', '/b:/a:P'], '/a:/b:P'],
  ['empty entries, which mean the working directory', 'P', [':P', 'P:/b'], ':P:/b'],
])('%s', (_, base, values, united) => {
  expect(unitePathLists(base, values)).toBe(united);
});

test('every entry is there once, and the base keeps its order', () => {
  const any = fc.array(fc.constantFrom(...BASE, ...names('a'), ...names('b')), { maxLength: 6 });
  fc.assert(
    fc.property(fc.array(any, { minLength: 1, maxLength: 4 }), (lists) => {
      const united = entries(
        unitePathLists(
          BASE.join(':'),
          lists.map((list) => list.join(':')),
        ),
      );
      expect([...united].sort()).toEqual([...new Set([...BASE, ...lists.flat()])].sort());
      expect(united.filter((entry) => BASE.includes(entry))).toEqual(BASE);
    }),
  );
});

test('what a component put before all entries of the base stays there', () => {
  const list = extended([...names('a'), ...names('b')]);
  fc.assert(
    fc.property(fc.array(list, { minLength: 1, maxLength: 4 }), (values) => {
      const before = values.flatMap((value) => entries(value).slice(0, entries(value).indexOf('/usr/bin')));
      const united = entries(unitePathLists(BASE.join(':'), values));
      expect(united.slice(0, united.indexOf('/usr/bin')).sort()).toEqual([...new Set(before)].sort());
    }),
  );
});

test('lists that add different entries keep their order, and can be united in any grouping', () => {
  fc.assert(
    fc.property(extended(names('a')), extended(names('b')), extended(names('c')), (a, b, c) => {
      const base = BASE.join(':');
      const united = unitePathLists(base, [a, b, c]);
      for (const list of [a, b, c]) {
        const own = new Set(entries(list));
        expect(entries(united).filter((entry) => own.has(entry))).toEqual(entries(list));
      }
      expect(unitePathLists(base, [unitePathLists(base, [a, b]), c])).toBe(united);
      expect(unitePathLists(base, [a, unitePathLists(base, [b, c])])).toBe(united);
      expect(unitePathLists(base, [a, a])).toBe(a);
    }),
  );
});
