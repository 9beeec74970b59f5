import { infoDirectory } from '../../../lib/stack/mergers/info-directory';
import { merged, mergedFile } from './images';

const PATH = 'usr/share/info/dir';
const HEAD = 'This is the file .../info/dir.\n\n* Menu: The list of major topics begins on the next line.\n';

/** What comes of directories that the base does not have. */
async function made(...sides: readonly string[]): Promise<unknown> {
  const outcome = await merged(infoDirectory, {}, ...sides.map((side) => ({ [PATH]: side })));
  return Array.isArray(outcome) ? outcome : outcome[PATH];
}

function menu(sections: Readonly<Record<string, readonly string[]>>, head = HEAD): string {
  return (
    head +
    Object.entries(sections)
      .map(([title, entries]) => `\n${title}\n${entries.join('')}`)
      .join('')
  );
}

const DIFF = '* diff: (diffutils)Invoking diff.   Compare.\n';
const DIFF3 = '* diff3: (diffutils)Invoking diff3. Compare three.\n';
const ED = '* Ed: (ed).              The editor.\n';
const FILES = '* File permissions: (coreutils)File permissions.\n                         Access modes.\n';
const BC = '* bc: (bc).              A calculator.\n';

test('the menu has the entries of both components in the order of install-info, whatever the order of components', async () => {
  const [ours, theirs] = [menu({ Basics: [ED], Tools: [DIFF3, DIFF] }), menu({ Basics: [FILES], math: [BC] })];
  const both = menu({ Basics: [ED, FILES], math: [BC], Tools: [DIFF3, DIFF] });
  expect(await made(ours, theirs)).toEqual(both);
  expect(await made(theirs, ours)).toEqual(both);
  expect(await mergedFile(infoDirectory, PATH, '', ours, theirs)).toEqual(both);
});

test('what one component removed is gone, and a section without entries with it', async () => {
  const base = menu({ Basics: [ED, FILES], math: [BC] });
  expect(
    await mergedFile(infoDirectory, PATH, base, menu({ Basics: [ED, FILES] }), menu({ Basics: [FILES], math: [BC] })),
  ).toBe(menu({ Basics: [FILES] }));
});

test('an entry that says different things, or another text above the menu, is a conflict', async () => {
  const other = '* Ed: (ed).              Another one.\n';
  expect(await made(menu({ Basics: [ED] }), menu({ Basics: [other] }))).toEqual([
    `MERGE_CONFLICT ${PATH}: the entry * Ed: (ed) is not the same in a and b [a b]`,
  ]);
  const head = menu({ Basics: [FILES] }, `Mine.\n${HEAD}`);
  expect(await made(menu({ Basics: [ED] }), head)).toEqual([
    `MERGE_CONFLICT ${PATH}: the text above the menu is not the same in a and b [a b]`,
  ]);
});

test.each([
  ['no menu', 'hello\n', 'has no menu'],
  ['text among the entries', menu({ Basics: [ED, 'hello\n'] }), 'has a line that is no entry: hello'],
  ['an order of its own', menu({ Tools: [DIFF], Basics: [ED] }), 'is not sorted as by install-info'],
  ['an entry twice', menu({ Basics: [ED, ED] }), 'has an entry twice: * Ed: (ed).              The editor.'],
])('a directory with %s is not merged', async (_, broken, why) => {
  expect(await made(broken, menu({ Basics: [FILES] }))).toEqual([`NOT_MERGEABLE ${PATH}: /${PATH} ${why} [a]`]);
});

test('a menu in which nothing is installed has a section without entries', async () => {
  const none = menu({ 'General Commands': [] }) + '\n';
  const both = menu({ 'General Commands': [ED], math: [BC] });
  expect(await made(none, menu({ 'General Commands': [ED] }))).toBe(menu({ 'General Commands': [ED] }));
  expect(await mergedFile(infoDirectory, PATH, none, menu({ 'General Commands': [ED] }), both)).toBe(both);
});
