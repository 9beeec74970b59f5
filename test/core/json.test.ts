import * as fc from 'fast-check';
import { canonicalJson } from '../../lib/core';

describe('canonicalJson', () => {
  test.each([
    [{ b: 1, a: [2, { d: null, c: 'x' }] }, '{"a":[2,{"c":"x","d":null}],"b":1}'],
    [{ b: undefined, a: [undefined] }, '{"a":[null]}'],
    [{ 10: 'a', 9: 'b', z: 1 }, '{"10":"a","9":"b","z":1}'],
    [{ '\u{1f600}': 1, '\uffff': 2 }, '{"\u{1f600}":1,"\uffff":2}'],
    [JSON.parse('{"__proto__":{"x":1},"a":2}'), '{"__proto__":{"x":1},"a":2}'],
    [{}, '{}'],
    [[], '[]'],
    ['\ud800', '"\\ud800"'],
  ])('%j is written as %s', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  test('indents as JSON.stringify does', () => {
    const value = { a: [], b: {}, c: [1, { d: 'x' }], e: { f: [] } };
    expect(canonicalJson(value, 2)).toBe(JSON.stringify(value, null, 2));
  });

  test('means the same value, whatever the order of the members was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(canonicalJson(reversed(value))).toBe(text);
      }),
    );
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}
