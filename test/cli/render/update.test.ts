import { updateText } from '../../../lib/cli/render/update';
import { plainStyle } from '../stream';

const [A, B] = ['a', 'b'].map((letter) => `sha256:${letter.repeat(64)}`) as [string, string];

test('shows what moved and what did not, and of packages only those that did', () => {
  const entries = [
    { kind: 'image', reference: 'docker.io/library/debian:12', was: A, now: B },
    { kind: 'image', reference: 'ghcr.io/acme/ssl:3', now: A },
    { kind: 'url', reference: 'https://h/f', was: 'c'.repeat(64), now: 'c'.repeat(64) },
    { kind: 'debian', reference: 'amd64 none: x', was: 'a=1 b=1 c=1:2=3', now: 'a=2 c=1:2=3 d=4' },
  ] as const;
  expect(updateText(entries, false, plainStyle)).toBe(
    [
      'docker.io/library/debian:12  aaaaaaaaaaaa -> bbbbbbbbbbbb',
      'ghcr.io/acme/ssl:3           new -> aaaaaaaaaaaa',
      'https://h/f                  unchanged',
      'amd64 none: x',
      '  a                          1 -> 2',
      '  b                          1 -> gone',
      '  d                          new -> 4',
      '',
      '3 of 4 locked references changed',
      '',
    ].join('\n'),
  );
  expect(updateText(entries, true, plainStyle)).toMatch(/\ndry run: 3 of 4 locked references would change\n$/);
  expect(updateText([], false, plainStyle)).toMatch(/^nothing to update/);
});
