import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { splitWords } from '../../lib/constructs/private/words';

test.each<[string, string[]]>([
  ['a', ['a']],
  ['  a \t b  ', ['a', 'b']],
  [`a 'b c' "d e"`, ['a', 'b c', 'd e']],
  [`a''b"c"`, ['abc']],
  [`'' ""`, ['', '']],
  [`a\\ b \\'c\\"`, ['a b', `'c"`]],
  [`"a\\"b\\\\c\\$d\\\`e\\f"`, ['a"b\\c$d`e\\f']],
  [`'$HOME && \`x\` *'`, ['$HOME && `x` *']],
  ['a\\\nb \\\n c', ['ab', 'c']],
  ['"a\\\nb"', ['ab']],
  ['a#b a~b --x=y', ['a#b', 'a~b', '--x=y']],
  ['nginx -g "daemon off;"', ['nginx', '-g', 'daemon off;']],
  ['π "ö é"', ['π', 'ö é']],
])('%j has the words %j', (line, words) => {
  expect(splitWords(line)).toEqual({ words });
});

test.each([
  ['a && b', /"&"/],
  ['a | b', /"\|"/],
  ['a; b', /";"/],
  ['a\nb', /"\\n"/],
  ['a > b', /">"/],
  ['a $B', /"\$"/],
  ['a "$B"', /"\$"/],
  ['a `b`', /"`"/],
  ['a "`b`"', /"`"/],
  ['(a)', /"\("/],
  ['a *.txt', /"\*"/],
  ['a ?', /"\?"/],
  ['a [b]', /"\["/],
  ['a ~/b', /"~"/],
  ['a # b', /"#"/],
  ['A=1 b', /assignment/],
  [`a 'b`, /single quote is not closed/],
  ['a "b', /double quote is not closed/],
  ['a "b\\"', /double quote is not closed/],
  ['a \\', /ends in a backslash/],
  ['', /no words/],
  [' \t ', /no words/],
])('%j has no words', (line, fault) => {
  expect(splitWords(line)).toEqual({ fault: expect.stringMatching(fault) as string });
});

test('what is split is split as sh does it', () => {
  const part = fc.constantFrom(
    'a',
    'é',
    ' ',
    '\t',
    "'",
    '"',
    '\\',
    '=',
    '-',
    '#',
    '~',
    '!',
    '{',
    '}',
    '%',
    '\\\n',
    '$',
    ']',
  );
  const lines = fc.sample(
    fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
    400,
  );
  const split = lines.flatMap((line) => {
    const result = splitWords(line);
    return 'words' in result ? [{ line, words: result.words }] : [];
  });
  // One shell for all: each line becomes the arguments of a printf that ends every word with a NUL.
  const script = split.map(({ line }) => `printf '%s\\0' x ${line}\nprintf '\\001\\0'\n`).join('');
  const output = spawnSync('sh', ['-c', script]).stdout.toString();
  const expected = split.map(({ words }) => ['x', ...words, '\u0001'].map((word) => `${word}\0`).join('')).join('');
  expect(split.length).toBeGreaterThan(50);
  expect(output).toBe(expected);
});
