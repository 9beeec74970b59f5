import { Xxh64 } from '../../lib/pack/xxh64';

function hashOf(bytes: Buffer, chunkSize = bytes.length): string {
  const hash = new Xxh64();
  for (let at = 0; at < bytes.length; at += chunkSize) hash.update(bytes.subarray(at, at + chunkSize));
  return hash.digest().toString(16).padStart(16, '0');
}

/** From other implementations. */
const KNOWN: [text: string, hash: string][] = [
  ['', 'ef46db3751d8e999'],
  ['a', 'd24ec4f1a98c6e5b'],
  ['abc', '44bc2cf5ad770999'],
  ['message digest', '066ed728fceeb3be'],
  ['abcdefghijklmnopqrstuvwxyz', 'cfe1f278fa89835c'],
  ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 'aaa46907d3047814'],
  ['12345678901234567890123456789012345678901234567890123456789012345678901234567890', 'e04a477f19ee145d'],
  ['Nobody inspects the spammish repetition', 'fbcea83c8a378bf1'],
];

test.each(KNOWN)('the hash of "%s" is %s', (text, hash) => {
  expect(hashOf(Buffer.from(text))).toBe(hash);
});

test('the chunks that it comes in do not matter', () => {
  const bytes = Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * i) % 251));
  const whole = hashOf(bytes);
  for (const size of [1, 31, 32, 33, 4096, 16_383, 16_384, 16_385]) expect(hashOf(bytes, size)).toBe(whole);
  expect(hashOf(bytes.subarray(1))).not.toBe(whole);
});
