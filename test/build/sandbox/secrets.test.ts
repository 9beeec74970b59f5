import { Redactor, secretVariables } from '../../../lib/build/sandbox/secrets';

function redacted(secret: string | Buffer, ...chunks: (string | Buffer)[]): string {
  const redactor = new Redactor([{ target: '/x', content: Buffer.from(secret) }]);
  return Buffer.concat([...chunks.map((chunk) => redactor.write(Buffer.from(chunk))), redactor.end()]).toString();
}

test.each([
  ['a whole one', 's3cret', ['a s3cret b'], 'a *** b'],
  ['one in several chunks', 's3cret', ['a s3', 'cr', 'et b s3'], 'a *** b s3'],
  ['one twice', 'ab', ['abab'], '******'],
  ['one without the end of line that its file has', 's3cret\n', ['+ echo s3cret'], '+ echo ***'],
  ['one line of it', '-----BEGIN\nabcdefghij\n-----END', ['x abcdefghij y'], 'x *** y'],
  ['one that looks like a pattern', 'a.*b', ['a.*b axxb'], '*** axxb'],
  ['what only begins like one', 's3cret', ['s3cre', ' t'], 's3cre t'],
  [
    'one beside another character',
    'äö',
    ['x', Buffer.from('äö').subarray(0, 1), Buffer.from('äö').subarray(1)],
    'x***',
  ],
])('%s is not shown', (_, secret, chunks, shown) => {
  expect(redacted(secret, ...chunks)).toBe(shown);
});

test('an empty secret hides nothing, short lines of a long one are no secrets', () => {
  expect(redacted('\n', 'a\nb')).toBe('a\nb');
  expect(redacted('short\nlines', 'short')).toBe('short');
});

test('what cannot be the beginning of a secret is shown at once', () => {
  const redactor = new Redactor([{ target: '/x', content: Buffer.from('s3cret') }]);
  expect(redactor.write(Buffer.from('line\n')).toString()).toBe('line\n');
});

test('a variable has no end of line', () => {
  const content = Buffer.from('a\nb\n');
  expect(
    secretVariables([
      { target: 'A', content },
      { target: '/f', content },
    ]),
  ).toEqual({ A: 'a\nb' });
});
