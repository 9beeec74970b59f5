import { clean, cleanLine, formatBytes, formatDuration, shorten, table, widthOf } from '../../../lib/cli/render/text';

describe('clean', () => {
  test('takes away whatever acts on a terminal', () => {
    expect(clean('a\x1b[31mred\x1b[0m\x1b]0;title\x07b\x07\x08\x7f\x9b1m')).toBe('aredb');
    expect(clean('abc\u202etxt.exe\u2066')).toBe('abctxt.exe');
    expect(clean('a\tb\r\nc')).toBe('a  b\nc');
  });

  test('leaves writing of all kinds alone', () => {
    expect(clean('größe 漢字 🚀 é')).toBe('größe 漢字 🚀 é');
  });

  test('makes one line of many', () => {
    expect(cleanLine('one\n  two\r\nthree')).toBe('one two three');
  });
});

test.each([
  ['abc', 3],
  ['\x1b[31mabc\x1b[39m', 3],
  ['漢字', 4],
  ['🚀', 2],
  ['e\u0301', 1],
])('widthOf counts the columns of %j', (text, width) => {
  expect(widthOf(text)).toBe(width);
});

test.each([
  ['kernel', 6, 'kernel'],
  ['kernel', 5, 'kern…'],
  ['漢字漢字', 5, '漢字…'],
  ['漢字漢字', 4, '漢…'],
  ['kernel', 1, ''],
])('shorten fits %j into %d columns', (text, width, expected) => {
  expect(shorten(text, width, '…')).toBe(expected);
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [999_949, '999.9 kB'],
  [999_950, '1.0 MB'],
  [71_200_000, '71.2 MB'],
  [5e12, '5.0 TB'],
  [5e15, '5000.0 TB'],
])('formatBytes writes %d as %s', (bytes, expected) => {
  expect(formatBytes(bytes)).toBe(expected);
});

test.each([
  [0, '0.0 s'],
  [3149, '3.1 s'],
  [59_949, '59.9 s'],
  [59_950, '1 min 0 s'],
  [72_400, '1 min 12 s'],
])('formatDuration writes %d ms as %s', (milliseconds, expected) => {
  expect(formatDuration(milliseconds)).toBe(expected);
});

test('table sets columns by their widest cell, numbers to the right', () => {
  const rows = [
    ['a', '1', 'x'],
    ['漢字', '100', ''],
  ];
  expect(table(rows, [1])).toEqual(['a       1  x', '漢字  100']);
});
