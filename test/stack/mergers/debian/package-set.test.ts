import { unlessMalformed } from '../../../../lib/stack/mergers/malformed';
import { parsePackages } from '../../../../lib/stack/mergers/debian/package';
import { PackageSet } from '../../../../lib/stack/mergers/debian/package-set';
import { status } from './status-file';

/** What packages ask for in vain, as `name Field: relation`; or why they are not understood. */
function broken(...packages: readonly string[]): string[] | string {
  return unlessMalformed(
    () => {
      const set = PackageSet.of(parsePackages(Buffer.from(status(...packages))));
      return set.broken().map(({ package: { name }, field, relation }) => `${name} ${field}: ${relation.text}`);
    },
    (why): string[] | string => why,
  );
}

describe('a dependency', () => {
  test.each([
    ['on a package that is there', 'a Depends=b', 'b'],
    ['on two', 'a Depends=b,c Pre-Depends=c', 'b', 'c'],
    ['on one of two', 'a Depends=x|b', 'b'],
    ['on a version', 'a Depends=b(>=1.0)', 'b 1.0-1'],
    ['on one version', 'a Depends=b(=1.0-1)', 'b 1.0-1'],
    ['on a lower one', 'a Depends=b(<<2)', 'b 1.0-1'],
    ['on the old spelling of at most', 'a Depends=b(<1)', 'b 1'],
    ['on what is provided', 'a Depends=x', 'b Provides=y,x'],
    ['on a version that is provided', 'a Depends=x(>=2)', 'b 1 Provides=x(=2.1)'],
    ['on what is provided with a version', 'a Depends=x', 'b Provides=x(=2.1)'],
    ['of one for all architectures', 'a:all Depends=b', 'b'],
    ['on one for all architectures', 'a Depends=b', 'b:all'],
    ['on a foreign one', 'a Depends=b', 'b:i386 Multi-Arch=foreign'],
    ['on one of any architecture', 'a Depends=b:any', 'b:i386 Multi-Arch=allowed'],
    ['on one of an architecture', 'a Depends=b:i386', 'b:i386'],
    ['on a native one', 'a:i386 Depends=b:native', 'b', 'dpkg'],
    ['on what a foreign one provides', 'a Depends=x', 'b:i386 Multi-Arch=foreign Provides=x'],
    ['of what is only configured', 'a/config-files Depends=b'],
    ['with a comma at the end', 'a Depends=b,', 'b'],
  ])('%s is satisfied', (_what, ...packages) => {
    expect(broken(...packages)).toEqual([]);
  });

  test.each([
    ['a Depends: b', 'a Depends=b'],
    ['a Pre-Depends: b', 'a Pre-Depends=b', 'b/config-files'],
    ['a Depends: c', 'a Depends=b,c', 'b'],
    ['a Depends: x|y', 'a Depends=x|y', 'b'],
    ['a Depends: b(>=1.0)', 'a Depends=b(>=1.0)', 'b 1.0~rc1'],
    ['a Depends: b(>>1)', 'a Depends=b(>>1)', 'b 1'],
    ['a Depends: x(>=1)', 'a Depends=x(>=1)', 'b 2 Provides=x'],
    ['a Depends: x(>=2)', 'a Depends=x(>=2)', 'b 2 Provides=x(=1)'],
    ['a Depends: b', 'a Depends=b', 'b:i386'],
    ['a Depends: b', 'a:i386 Depends=b', 'b:all', 'dpkg'],
    ['a Depends: b:any', 'a Depends=b:any', 'b:i386 Multi-Arch=foreign'],
    ['a Depends: b:i386', 'a Depends=b:i386', 'b'],
    ['a Depends: x', 'a Depends=x', 'b:i386 Provides=x'],
  ])('is broken: %s', (expected, ...packages) => {
    expect(broken(...packages)).toEqual([expected]);
  });
});

describe('a conflict', () => {
  test.each([
    ['with what is not there', 'a Conflicts=b'],
    ['with another version', 'a Breaks=b(<<1.0)', 'b 1.0'],
    ['with what is removed but for its configuration', 'a Conflicts=b', 'b/config-files'],
    ['with what it provides itself', 'a Conflicts=x Provides=x'],
    ['with its own name', 'a Conflicts=a(<<2)'],
    ['with a version of what is provided without one', 'a Conflicts=x(<<9)', 'b Provides=x'],
    ['with one of an architecture', 'a Conflicts=b:i386', 'b'],
  ])('%s is none', (_what, ...packages) => {
    expect(broken(...packages)).toEqual([]);
  });

  test.each([
    ['a Conflicts: b', 'a Conflicts=b', 'b'],
    ['a Breaks: b(<<1.0)', 'a Breaks=b(<<1.0)', 'b 0.9'],
    ['a Conflicts: x', 'a Conflicts=x Provides=x', 'b Provides=x'],
    ['a Breaks: x(<<9)', 'a Breaks=x(<<9)', 'b Provides=x(=8)'],
    ['a Conflicts: b', 'a Conflicts=b', 'b:i386'],
  ])('is seen: %s', (expected, ...packages) => {
    expect(broken(...packages)).toEqual([expected]);
  });
});

test.each(['b (', 'b (>= )', 'b (1 2)', '(>= 1)', 'b | | c', 'b [amd64]', ', b', 'b:', '$x', 'b (~~ 1)'])(
  'the relation %j is refused',
  (text) => {
    expect(broken(`a Depends=${text.replaceAll(' ', '\\')}`)).toBe('has a package a whose Depends cannot be read');
  },
);

test('packages that all ask for what all provide are refused, instead of compared for hours', () => {
  const many = Array.from({ length: 2000 }, (_, at) => `p${String(at)} Depends=x(>=1) Provides=x(=1)`);
  expect(broken(...many)).toBe('has packages that ask for too many others');
  expect(broken(`a Depends=${'x,'.repeat(100_000)}`)).toBe('has a package a whose Depends asks for too much');
  expect(broken(`a Depends=${'x|'.repeat(100_000)}x`)).toBe('has a package a whose Depends asks for too much');
});
