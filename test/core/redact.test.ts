import { redactCode, redactCredentials, redactReference, StackError } from '../../lib/core';

const SECRET = 's3cr3t';

test.each([
  `https://user:${SECRET}@h/f`,
  `https://user:${SECRET}/more@h/f`,
  `https://user:9${SECRET}/more@h:80/f`,
  `docker://user:${SECRET}@ghcr.io/acme/x:1`,
  `oci://${SECRET}@h`,
  `see 'https://user:${SECRET}@h/f', and http://${SECRET}:x@h`,
  `{"url":"https://user:${SECRET}@h/f"}`,
  `deb [trusted=yes] https://user:${SECRET}@h/debian stable main`,
  `HTTPS_PROXY=http://user:${SECRET}@proxy:3128`,
  `https://user:a@${SECRET}@h/f`,
])('credentials in a URL are hidden: %s', (text) => {
  expect(redactCredentials(text)).not.toContain(SECRET);
  expect(redactCredentials(text)).toContain('***@');
});

test.each([
  'https://h/f?x=1',
  'https://h:8080/@scope/name',
  'https://h/a@b',
  'docker://localhost:5000/acme/x:1@sha256:0123',
  'docker://ghcr.io/acme/x:tag@sha512:0123',
  'mail a@b.example about http://h',
  'http://[::1]:5000/x@y',
])('what is no credential stays: %s', (text) => {
  expect(redactCredentials(text)).toBe(text);
});

test.each([
  [`user:${SECRET}@ghcr.io/acme`, '***@ghcr.io/acme'],
  [`docker://user:${SECRET}@ghcr.io/acme`, 'docker://***@ghcr.io/acme'],
  [`docker:user:${SECRET}@ghcr.io/acme`, '***@ghcr.io/acme'],
  [`https://u:'${SECRET} "x@h/a@sha256:01`, 'https://***@h/a@sha256:01'],
  [`https://h/x?token=${SECRET}`, 'https://h/x?***'],
  ['ghcr.io/acme/x:1@sha256:01', 'ghcr.io/acme/x:1@sha256:01'],
])('a reference that could not be read is shown without what may be secret: %s', (text, shown) => {
  expect(redactReference(text)).toBe(shown);
});

test('a line of code is shown without the credentials in its texts', () => {
  const line = `const a = ImageSource.registry('user:${SECRET}@ghcr.io/x'), b = \`https://user:${SECRET}@h\`, c = { d: 1 };`;
  expect(redactCode("get('https://h/f?token=s3cr3t', 1)")).toBe("get('https://h/f?***', 1)");
  expect(redactCode(line)).toBe("const a = ImageSource.registry('***@ghcr.io/x'), b = `https://***@h`, c = { d: 1 };");
});

test('an error never has credentials in its message, hint, trace or JSON', () => {
  const url = `https://user:${SECRET}@h/f`;
  const error = new StackError('STACK3003', `cannot read ${url}`, { hint: `try ${url}` });
  const located = error.at({ constructPath: 'a' });
  for (const each of [error, located]) {
    expect([each.message, each.hint, each.stack, JSON.stringify(each)].join('\n')).not.toContain(SECRET);
  }
});

test('a long text is looked through in no time', () => {
  const text = `${'https://a:'.repeat(20_000)}${'b/'.repeat(20_000)}`;
  expect(redactCredentials(text)).toBe(text);
});
