import * as fc from 'fast-check';
import { compareVersions } from '../../../../lib/stack/mergers/debian/version';

// From the lowest to the highest; those of one line are equal. test/e2e compares more with dpkg itself.
const ORDERED = [
  ['0~~', '0~~-0'],
  ['0~'],
  ['0', '0:0', '00', '0-0', '0:0-0'],
  ['1~rc1-1'],
  ['1', '01', '1-0', '0:1'],
  ['1-0.1'],
  ['1-1~bpo12+1'],
  ['1-1', '01-01'],
  ['1-1+b1'],
  ['1-1.1'],
  ['1A'],
  ['1a'],
  ['1+dfsg-1'],
  ['1.0', '1.00'],
  ['1.9'],
  ['1.10'],
  ['99999999999999999998'],
  ['99999999999999999999'],
  ['1:0'],
  ['1:1'],
  ['10:0'],
];

test('versions have the order that Debian gives them', () => {
  for (const [x, left] of ORDERED.entries()) {
    for (const [y, right] of ORDERED.entries()) {
      for (const a of left)
        for (const b of right) expect([a, b, Math.sign(compareVersions(a, b))]).toEqual([a, b, Math.sign(x - y)]);
    }
  }
});

test('the order of versions is a total one', () => {
  const anyVersion = fc.stringMatching(/^[0-9]?[0-9a~.+:-]{0,6}$/);
  fc.assert(
    fc.property(anyVersion, anyVersion, anyVersion, (a, b, c) => {
      expect(Math.sign(compareVersions(a, b))).toBe(0 - Math.sign(compareVersions(b, a)));
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
        expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
    }),
  );
});
