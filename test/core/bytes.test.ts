import * as fc from 'fast-check';
import { bytesToName, compareNames, nameToBytes } from '../../lib/core';

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array)),
  fc.string({ unit: 'binary', maxLength: 10 }).map((text) => Buffer.from(text, 'utf8')),
);

describe('names and bytes', () => {
  test.each([
    ['plain', Buffer.from('plain'), 'plain'],
    ['valid UTF-8', Buffer.from('größe 😀'), 'größe 😀'],
    ['a real U+FFFD', Buffer.from('\ufffd'), '\ufffd'],
    ['Latin-1', Buffer.from([0x67, 0xf6]), 'g\udcf6'],
    ['a sequence that is cut short', Buffer.from([0xe2, 0x82]), '\udce2\udc82'],
    ['an overlong slash', Buffer.from([0xc0, 0xaf]), '\udcc0\udcaf'],
    ['a surrogate in UTF-8', Buffer.from([0xed, 0xb2, 0x80]), '\udced\udcb2\udc80'],
    ['both kinds', Buffer.concat([Buffer.from('ä'), Buffer.from([0xff]), Buffer.from('\ufffd')]), 'ä\udcff\ufffd'],
  ])('%s survives', (_, raw, name) => {
    expect(bytesToName(raw)).toBe(name);
    expect(nameToBytes(name)).toEqual(raw);
  });

  test('any bytes survive, and different ones have different names', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(nameToBytes(bytesToName(a))).toEqual(a);
        expect(bytesToName(a) === bytesToName(b)).toBe(a.equals(b));
      }),
    );
  });

  test('names are ordered as their bytes are', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(Math.sign(compareNames(bytesToName(a), bytesToName(b)))).toBe(Buffer.compare(a, b));
      }),
    );
    expect(compareNames('\u{1f600}', '\uffff')).toBe(1); // other than by UTF-16 code units
  });
});
