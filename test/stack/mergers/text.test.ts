import * as fc from 'fast-check';
import { text } from '../../../lib/stack/mergers/text';
import { merged, mergedFile } from './images';

const PATH = 'etc/services';
const lines = (...words: string[]): string => words.map((word) => `${word}\n`).join('');
const BASE = lines('1', '2', '3', '4', '5', '6');

test('changes in different places merge', async () => {
  const sides = [lines('1', 'a', '3', '4', '5', '6'), lines('1', '2', '3', '4', '6'), BASE + 'c'];
  expect(await mergedFile(text, PATH, BASE, ...sides)).toBe(lines('1', 'a', '3', '4', '6') + 'c');
});

test('the same change is made once', async () => {
  const sides = [lines('0', '1', '2', '3', '4', '5', '6'), lines('0', '1', '2', '3', '4', '5', '7')];
  expect(await mergedFile(text, PATH, BASE, ...sides)).toBe(lines('0', '1', '2', '3', '4', '5', '7'));
});

test('different changes in one place are a conflict that names the line and who it is between', async () => {
  const sides = [
    lines('0', '1', '2', '3', '4', '5', '6'),
    lines('1', '2', '3', '4', 'b', '6'),
    lines('1', '2', '3', '4', 'c', '6'),
  ];
  expect(await mergedFile(text, PATH, BASE, ...sides)).toEqual([
    `MERGE_CONFLICT ${PATH}: components change the same place, line 5 of their base's file [b c]`,
  ]);
});

test('so are changes side by side, and two additions at the end', async () => {
  for (const [a, b] of [
    [lines('1', 'a', '3', '4', '5', '6'), lines('1', '2', 'b', '4', '5', '6')],
    [BASE + 'a\n', BASE + 'b\n'],
  ] as const) {
    expect(await mergedFile(text, PATH, BASE, a, b)).toMatchObject([expect.stringContaining('MERGE_CONFLICT')]);
  }
});

test.each([
  ['bytes that are not UTF-8', Buffer.from([0xff, 10])],
  ['NUL bytes', 'a\0b'],
  ['too many bytes', `${'x'.repeat(1024 * 1024)}\n`],
  ['too many lines', '\n'.repeat(30_000)],
])('files with %s are left alone', async (_what, side) => {
  expect(await merged(text, { [PATH]: BASE }, { [PATH]: side }, { [PATH]: 'b' })).toEqual({});
});

test('lines that are too much alike are not compared', async () => {
  const alike = (first: string): string => `${first}\n${'\n'.repeat(15_000)}${first}\n`;
  expect(await mergedFile(text, PATH, alike('o'), alike('a'), alike('b'))).toEqual([
    `NOT_MERGEABLE ${PATH}: its lines are too many, and too much alike, to be compared [a b]`,
  ]);
});

test('so is what the base lacks, what one component removes, and what is not a file everywhere', async () => {
  expect(await merged(text, {}, { [PATH]: 'a' }, { [PATH]: 'b' })).toEqual({});
  expect(await merged(text, { [PATH]: BASE }, {}, { [PATH]: 'b' })).toEqual({});
  expect(await merged(text, { [PATH]: BASE }, { [PATH]: '-> x' }, { [PATH]: 'b' })).toEqual({});
});

test('lines keep their ends, also the last one without', async () => {
  expect(await mergedFile(text, PATH, 'é\r\n2\n3\n4', 'é\r\n2\n3\n5', 'á\r\n2\n3\n4')).toBe('á\r\n2\n3\n5');
});

test('the order of the components changes nothing', async () => {
  const anyText = fc.array(fc.constantFrom('1', '2', '3', '4'), { maxLength: 8 }).map((words) => lines(...words));
  await fc.assert(
    fc.asyncProperty(anyText, anyText, anyText, async (base, a, b) => {
      const forth = await mergedFile(text, PATH, base, a, b);
      const back = await mergedFile(text, PATH, base, b, a);
      if (typeof forth === 'string') expect(back).toBe(forth);
      else expect(back?.length).toBe(forth?.length);
    }),
  );
});
