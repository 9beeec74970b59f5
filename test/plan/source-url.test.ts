import { isUrl, nameOfUrl, parseUrl, shownUrl } from '../../lib/plan';

test.each([
  ['https://h/a/favicon.ico', 'favicon.ico'],
  ['https://h/a%20b?c=/d', 'a b'],
  ['https://h/caf%C3%A9', 'café'],
  ['https://h/..hidden', '..hidden'],
  ['https://h/a/', undefined],
  ['https://h/', undefined],
  ['https://h/a%2Fb', undefined],
  ['https://h/%00', undefined],
  ['https://h/%E9', undefined],
])('the file name of %s is %s', (url, name) => {
  expect(nameOfUrl(url)).toBe(name);
});

test('only http and https are meant as URLs', () => {
  expect(['http://h', 'HTTPS://h/x', 'https:/h', 'file:///x', 'http', './https://x'].map(isUrl)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

test('a URL is shown without its query', () => {
  expect(shownUrl('https://h/a?X-Signature=secret&b#c')).toBe('https://h/a');
});

test('a URL that was read is read as itself', () => {
  const first = parseUrl('HTTP://EXAMPLE.com:80/../a b?c d#e');
  expect(first).toEqual({ url: 'http://example.com/a%20b?c%20d' });
  expect(parseUrl('http://example.com/a%20b?c%20d')).toEqual(first);
});
