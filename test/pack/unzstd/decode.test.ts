import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { StackError } from '../../../lib/core';
import { zstdCompressor } from '../../../lib/pack';
import { decodeZstd, isZstd } from '../../../lib/pack/unzstd';
import { collect, cut, stream } from '../fixture';
import { compressed, endlessMatches, frame, MAGIC, raw, reserved, rle, segment, skippable } from './frame-builder';

const decode = async (bytes: Buffer, chunkSize = 65_536): Promise<Buffer> =>
  collect(decodeZstd(stream(cut(bytes, chunkSize)), 'it'));
const text = async (...parts: Buffer[]): Promise<string> => (await decode(Buffer.concat(parts))).toString();

/** What is wrong, in the decoder's words. */
async function fault(bytes: Buffer): Promise<string> {
  try {
    await decode(bytes);
    return 'none';
  } catch (error) {
    if (StackError.is(error)) return error.code;
    return error instanceof Error ? error.message : 'no error';
  }
}

/** Content of many kinds: runs, repetitions near and far, text-like, noise. */
const content = fc
  .array(
    fc.oneof(
      fc.record({ kind: fc.constant('run'), byte: fc.nat(255), length: fc.nat(60_000) }),
      fc.record({ kind: fc.constant('words'), byte: fc.integer({ min: 2, max: 60 }), length: fc.nat(30_000) }),
      fc.record({ kind: fc.constant('noise'), byte: fc.nat(255), length: fc.nat(3000) }),
      fc.record({ kind: fc.constant('again'), byte: fc.nat(255), length: fc.nat(20_000) }),
    ),
    { maxLength: 6 },
  )
  .map((parts) => {
    let bytes = Buffer.alloc(0);
    for (const { kind, byte, length } of parts) {
      let state = byte + 1;
      const next = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) >> 8;
      const part = Buffer.alloc(length, byte);
      if (kind === 'words') for (let i = 0; i < length; i++) part[i] = 97 + (next() % byte);
      if (kind === 'noise') for (let i = 0; i < length; i++) part[i] = next();
      bytes = Buffer.concat([bytes, kind === 'again' ? bytes.subarray(-length) : part]);
    }
    return bytes;
  });

describe('what a compressor of libzstd made', () => {
  test('is read back, at any level, in chunks of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        content,
        fc.constantFrom(1, 3, 6, 13),
        fc.integer({ min: 1, max: 100_000 }),
        async (bytes, level, chunkSize) => {
          const decoded = await decode(await zstdCompressor(level)(bytes), chunkSize);
          expect(decoded.equals(bytes)).toBe(true);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('is read back when it is longer than its window', async () => {
    const part = randomBytes(700_000);
    const bytes = Buffer.concat(Array.from({ length: 20 }, (_, i) => Buffer.concat([part, Buffer.from(String(i))])));
    expect((await decode(await zstdCompressor(1)(bytes))).equals(bytes)).toBe(true);
  });

  test('is read back frame after frame', async () => {
    const compress = zstdCompressor(3);
    const parts = ['one ', 'two '.repeat(100_000), '', 'three'].map((each) => Buffer.from(each));
    const frames = await Promise.all(parts.map((part) => compress(part)));
    const decoded = await decode(Buffer.concat(frames), 1000);
    expect(decoded.equals(Buffer.concat(parts))).toBe(true);
  });

  test('is refused when it is cut off anywhere', async () => {
    const bytes = await zstdCompressor(19)(Buffer.from('some text and some more text, '.repeat(20)));
    expect(await fault(bytes)).toBe('none');
    for (let length = 1; length < bytes.length; length++) {
      expect(await fault(bytes.subarray(0, length))).toMatch(/^zstd: unexpected end/);
    }
  });

  test('is refused or read, but ends, when it is damaged', async () => {
    const bytes = await zstdCompressor(19)(Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * i) % 97)));
    for (let at = 0; at < bytes.length; at++) {
      for (const change of [0x01, 0x80, 0xff]) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ change;
        expect(await fault(damaged)).toMatch(/^(none|STACK4003|zstd: )/);
      }
    }
  });
});

describe('a frame', () => {
  test('has its window in its header, or its size in fields of several widths', async () => {
    expect(await text(frame([raw('raw')]))).toBe('raw');
    expect(await text(segment([raw('segment')], 7n, 1))).toBe('segment');
    expect(await text(segment([rle(120, 300)], 300n, 2))).toBe('x'.repeat(300));
    expect(await text(segment([raw('segment')], 7n, 4))).toBe('segment');
    expect(await text(segment([raw('segment')], 7n, 8))).toBe('segment');
    expect(await text(segment([raw('')], 0n, 1))).toBe('');
  });

  test('has blocks of any kind one after the other', async () => {
    expect(await text(frame([raw('a', false), rle(98, 3, false), raw('', false), raw('c')]))).toBe('abbbc');
  });

  test('may be followed and preceded by others, and by ones to be skipped', async () => {
    const skip = skippable(Buffer.alloc(70_000, 0x28), 5);
    expect(
      await text(skip, frame([raw('a')]), skip, skip, segment([raw('b')], 1n, 1), skippable(Buffer.alloc(0))),
    ).toBe('ab');
  });

  test('gives its content block by block', async () => {
    const sizes: number[] = [];
    const blocks = Array.from({ length: 1000 }, () => rle(0, 131_072, false));
    for await (const chunk of decodeZstd(stream([frame([...blocks, raw('')])]), 'it')) sizes.push(chunk.length);
    expect(sizes).toEqual(Array(1000).fill(131_072));
  });

  test('is verified by its checksum, where it has one', async () => {
    // 'hello hello hello', by the zstd command.
    const checked = Buffer.from('28b52ffd24116500003068656c6c6f200100314a11a2ed1e0c', 'hex');
    expect(await text(checked)).toBe('hello hello hello');
    const wrongText = Buffer.from(checked);
    wrongText[10] = 0x6d;
    expect(await fault(wrongText)).toBe('zstd: a frame has a wrong checksum');
    const wrongSum = Buffer.from(checked);
    wrongSum[24] = 0;
    expect(await fault(wrongSum)).toBe('zstd: a frame has a wrong checksum');
  });
});

describe('a window', () => {
  test.each([
    ['of 128 MiB is accepted', frame([raw('x')], 0x88), 'none'],
    ['above 128 MiB is not', frame([raw('x')], 0x89), 'STACK4003'],
    ['of 3.75 TiB is not', frame([raw('x')], 0xff), 'STACK4003'],
    ['that is the size of a large segment is not', segment([raw('x')], 128n * 1024n ** 2n + 1n, 4), 'STACK4003'],
    ['that is the size of an endless segment is not', segment([raw('x')], 2n ** 64n - 1n, 8), 'STACK4003'],
    [
      'is judged in every frame',
      Buffer.concat([frame([raw('x')]), skippable(Buffer.alloc(9)), frame([raw('x')], 0x89)]),
      'STACK4003',
    ],
  ])('%s', async (_, bytes, expected) => {
    expect(await fault(bytes)).toBe(expected);
  });

  test('takes no memory before there is content', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const frames = Buffer.concat(Array.from({ length: 200 }, () => frame([raw('x')], 0x88)));
    const decoder = decodeZstd(stream([frames]), 'it');
    for (let i = 0; i < 199; i++) await decoder.next();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
    await decoder.return(undefined);
  });
});

describe('what is refused', () => {
  test.each<[string, Buffer, string]>([
    ['something behind a frame', Buffer.concat([frame([raw('x')]), Buffer.from('more')]), 'no frame'],
    ['something that is no frame', Buffer.from('text'), 'no frame'],
    ['zeros behind a frame', Buffer.concat([frame([raw('x')]), Buffer.alloc(100)]), 'no frame'],
    [
      'a part of a magic number behind a frame',
      Buffer.concat([frame([raw('x')]), MAGIC.subarray(0, 2)]),
      'unexpected end',
    ],
    ['a frame to be skipped that is cut off', skippable(Buffer.alloc(100)).subarray(0, 50), 'unexpected end'],
    ['a frame without a last block', frame([raw('x', false)]), 'unexpected end'],
    ['a frame that needs a dictionary', Buffer.concat([MAGIC, Buffer.from([1, 0x58, 7]), raw('x')]), 'dictionary'],
    ['a reserved bit of a frame', Buffer.concat([MAGIC, Buffer.from([8, 0x58]), raw('x')]), 'reserved bit'],
    ['a reserved type of block', frame([reserved()]), 'reserved type'],
    ['a block above 128 KiB', frame([raw(Buffer.alloc(131_073))]), 'block is too long'],
    ['a run above 128 KiB', frame([rle(0, 131_073)]), 'block is too long'],
    ['a run of 2 MiB', frame([rle(0, 2 ** 21 - 1)]), 'block is too long'],
    ['a block larger than its window', frame([rle(0, 1025)], 0), 'block is too long'],
    ['a block larger than its segment', segment([raw('xyz')], 2n, 1), 'block is too long'],
    ['a segment that is shorter than it says', segment([raw('x')], 2n, 1), 'not as long as it says'],
    ['a segment that is longer than it says', segment([raw('xy', false), raw('z')], 2n, 1), 'not as long as it says'],
    ['an empty compressed block', frame([compressed(Buffer.alloc(0))]), 'zstd: '],
    ['literals beyond their block', frame([compressed(Buffer.from([0xf8]))]), 'literals are cut off'],
    ['literals of more than a block', frame([compressed(Buffer.from([0x0d, 0xff, 0xff, 0]))]), 'too many literals'],
    ['literals with a table of no block before', frame([compressed(Buffer.from([0x03, 0, 0, 0]))]), 'no Huffman table'],
    ['sequences with a table of no block before', frame([compressed(Buffer.from([0, 1, 0xfc, 1]))]), 'no table'],
    ['sequences with a reserved bit', frame([compressed(Buffer.from([0, 1, 1, 1]))]), 'reserved bit'],
    ['a code that does not exist', frame([compressed(Buffer.from([0, 1, 0x54, 36, 0, 0, 1]))]), 'code is not valid'],
    ['bits without an end', frame([compressed(Buffer.from([0, 1, 0x54, 0, 0, 0, 0]))]), 'no end mark'],
    ['a match before the start', frame([compressed(Buffer.from([0, 1, 0x54, 0, 0, 0, 1]))]), 'too far back'],
    ['more literals than there are', frame([compressed(Buffer.from([0, 1, 0x54, 5, 0, 0, 1]))]), 'more literals'],
    [
      'an offset beyond any window',
      frame([compressed(Buffer.from([0, 1, 0x54, 0, 28, 0, 0, 0, 0, 0, 1]))]),
      'beyond the window',
    ],
    [
      'bits that are not used',
      frame([compressed(Buffer.from([8, 0x61, 1, 0x54, 1, 0, 0, 0xff, 1]))]),
      'something follows',
    ],
    ['bytes behind a block without sequences', frame([compressed(Buffer.from([8, 0x61, 0, 0]))]), 'something follows'],
  ])('%s', async (_, bytes, expected) => {
    expect(await fault(bytes)).toContain(expected);
  });

  test('matches that would go on for minutes, at once', async () => {
    const started = performance.now();
    expect(await fault(frame([raw('x', false), compressed(endlessMatches(65_000))]))).toBe('zstd: a block is too long');
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

test('zstd is told by its first four bytes', () => {
  expect(isZstd(MAGIC)).toBe(true);
  expect(isZstd(Buffer.from('502a4d18', 'hex'))).toBe(true);
  expect(isZstd(Buffer.from('5f2a4d18', 'hex'))).toBe(true);
  expect(isZstd(Buffer.from('602a4d18', 'hex'))).toBe(false);
  expect(isZstd(MAGIC.subarray(0, 3))).toBe(false);
  expect(isZstd(Buffer.from('1f8b0800', 'hex'))).toBe(false);
});
