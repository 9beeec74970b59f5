import * as fc from 'fast-check';
import { mergeRecords, mergeSets, type RecordRules, type Records } from '../../../lib/stack/mergers/records';

const RULES: RecordRules<string> = { isSame: (a, b) => a === b };

/** Records from `key=value` words. */
function records(text: string): Map<string, string> {
  return new Map(
    text.split(' ').flatMap((word) => (word === '' ? [] : [word.split('=') as unknown as [string, string]])),
  );
}

function merge(base: string, ...sides: string[]) {
  return mergeAll(records(base), sides.map(records));
}

function mergeAll(base: Records<string>, sides: readonly Records<string>[], rules = RULES) {
  const named = sides.map((each, at) => ({ component: String.fromCharCode(97 + at), records: each }));
  const merged = mergeRecords(base, named, rules);
  return {
    text: [...merged.records].map(([key, value]) => `${key}=${value}`).join(' '),
    conflicts: merged.conflicts.map(
      ({ key, base: old, changes }) =>
        `${key}: ${old ?? '-'} to ${changes.map(({ component, record }) => `${component} ${record ?? '-'}`).join(', ')}`,
    ),
  };
}

test.each([
  ['nobody changes anything', 'a=1', ['a=1', 'a=1'], 'a=1'],
  ['one adds', 'a=1', ['a=1', 'a=1 b=2'], 'a=1 b=2'],
  ['both add', 'a=1', ['a=1 x=1', 'a=1 b=2'], 'a=1 x=1 b=2'],
  ['both add the same', '', ['x=1', 'x=1'], 'x=1'],
  ['one changes', 'a=1 b=1', ['a=2 b=1', 'a=1 b=1'], 'a=2 b=1'],
  ['both change alike', 'a=1', ['a=2', 'a=2'], 'a=2'],
  ['one removes', 'a=1 b=1', ['a=1', 'a=1 b=1'], 'a=1'],
  ['both remove', 'a=1', ['', ''], ''],
  ['each changes another one', 'a=1 b=1', ['a=2 b=1', 'a=1'], 'a=2'],
])('records merge when %s', (_what, base, sides, expected) => {
  expect(merge(base, ...sides)).toEqual({ text: expected, conflicts: [] });
});

test.each([
  ['change one in different ways', 'a=1', ['a=2', 'a=3'], 'a: 1 to a 2, b 3'],
  ['add one with different content', '', ['a=2', 'a=3'], 'a: - to a 2, b 3'],
  ['remove what another one changes', 'a=1', ['', 'a=3'], 'a: 1 to a -, b 3'],
])('records conflict when components %s', (_what, base, sides, conflict) => {
  expect(merge(base, ...sides)).toEqual({ text: '', conflicts: [conflict] });
});

test('conflicts come in byte order of their keys, with all that changed the record', () => {
  expect(merge('', 'b=1 a=1', 'a=2', 'a=1 b=3').conflicts).toEqual(['a: - to a 1, b 2, c 1', 'b: - to a 1, c 3']);
});

test('rules may settle a conflict, also by removing the record', () => {
  const settled: RecordRules<string> = {
    ...RULES,
    settle: ({ key }) => (key === 'a' ? { record: '9' } : key === 'b' ? { record: undefined } : undefined),
  };
  const sides = [records('a=1 b=1 c=1'), records('a=2 b=2 c=2')];
  expect(mergeAll(new Map(), sides, settled)).toEqual({ text: 'a=9', conflicts: ['c: - to a 1, b 2'] });
});

test('sets merge by what is added and removed', () => {
  const merged = mergeSets(new Set(['a', 'b', 'c']), [new Set(['a', 'c', 'x']), new Set(['a', 'b', 'y'])]);
  expect([...merged]).toEqual(['a', 'x', 'y']);
});

describe('for any records', () => {
  const anyRecords = fc
    .dictionary(fc.constantFrom(...'abcd'), fc.constantFrom('1', '2', '3'))
    .map((each) => new Map(Object.entries(each)));
  const sorted = (text: string): string[] => text.split(' ').sort();

  test('one changed side is the result', () => {
    fc.assert(
      fc.property(anyRecords, anyRecords, (base, side) => {
        for (const sides of [[side, base], [base, side], [side]]) {
          expect(sorted(mergeAll(base, sides).text)).toEqual(sorted([...side].map((each) => each.join('=')).join(' ')));
        }
      }),
    );
  });

  test('the order of the components decides at most the order of what they add', () => {
    fc.assert(
      fc.property(anyRecords, anyRecords, anyRecords, (base, a, b) => {
        const [forth, back] = [mergeAll(base, [a, b]), mergeAll(base, [b, a])];
        expect(sorted(back.text)).toEqual(sorted(forth.text));
        expect(back.conflicts.length).toBe(forth.conflicts.length);
      }),
    );
  });
});
