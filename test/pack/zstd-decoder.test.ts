import { StackError } from '../../lib/core';
import { zstdCompressor } from '../../lib/pack';
import { decodeZstd, isZstd } from '../../lib/pack/zstd-decoder';
import { collect, cut, stream } from './fixture';
import { frame, MAGIC, raw, reserved, rle, segment, skippable } from './zstd-frame-builder';

const decode = async (bytes: Buffer, chunkSize = 65_536): Promise<Buffer> =>
  collect(decodeZstd(stream(cut(bytes, chunkSize)), 'it'));
const text = async (...parts: Buffer[]): Promise<string> => (await decode(Buffer.concat(parts))).toString();

/** The code of a StackError, the words of another error, or `none`. */
async function fault(bytes: Buffer): Promise<string> {
  try {
    await decode(bytes);
    return 'none';
  } catch (error) {
    if (StackError.is(error)) return error.code;
    return error instanceof Error ? error.message : 'no error';
  }
}

/** 'hello hello hello' with a checksum, by the zstd command. */
const CHECKED = Buffer.from('28b52ffd24116500003068656c6c6f200100314a11a2ed1e0c', 'hex');

describe('what a compressor of libzstd made', () => {
  const words = Buffer.from(Array.from({ length: 300_000 }, (_, i) => 97 + ((i * i) % 13)));

  test.each([1, 3, 9, 19])('is read back at level %d, in chunks of any size', async (level) => {
    const bytes = await zstdCompressor(level)(words);
    for (const size of [7, 1000, bytes.length]) expect((await decode(bytes, size)).equals(words)).toBe(true);
  });

  test('is read back frame after frame, however small', async () => {
    const compress = zstdCompressor(3);
    const parts = ['one ', '', 'x', 'two '.repeat(100_000), 'three'].map((each) => Buffer.from(each));
    const frames = await Promise.all(parts.map((part) => compress(part)));
    for (const size of [1, 17, 1000]) {
      expect((await decode(Buffer.concat(frames), size)).equals(Buffer.concat(parts))).toBe(true);
    }
  });

  test('is refused when it is cut off anywhere', async () => {
    const bytes = await zstdCompressor(19)(Buffer.from('some text and some more text, '.repeat(20)));
    expect(await fault(bytes)).toBe('none');
    for (let length = 1; length < bytes.length; length++) {
      expect(await fault(bytes.subarray(0, length))).toMatch(/unexpected end/);
    }
  });
});

describe('a frame', () => {
  test('has its window in its header, or its size in fields of several widths', async () => {
    expect(await text(frame([raw('raw')]))).toBe('raw');
    expect(await text(segment([raw('segment')], 7n, 1))).toBe('segment');
    expect(await text(segment([rle(120, 300)], 300n, 2))).toBe('x'.repeat(300));
    expect(await text(segment([raw('segment')], 7n, 4))).toBe('segment');
    expect(await text(segment([raw('')], 0n, 1))).toBe('');
  });

  test('has blocks of any kind one after the other', async () => {
    expect(await text(frame([raw('a', false), rle(98, 3, false), raw('', false), raw('c')]))).toBe('abbbc');
  });

  test('may be followed and preceded by others, and by ones to be skipped', async () => {
    const skip = skippable(Buffer.alloc(70_000, 0x28), 5);
    const parts = [skip, frame([raw('a')]), skip, skip, segment([raw('b')], 1n, 1), skippable(Buffer.alloc(0))];
    expect(await text(...parts)).toBe('ab');
  });

  test('gives its content block by block', async () => {
    const sizes: number[] = [];
    const blocks = Array.from({ length: 100 }, () => rle(0, 131_072, false));
    for await (const chunk of decodeZstd(stream([frame([...blocks, raw('x')])]), 'it')) sizes.push(chunk.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(3 * 131_072); // the decoder waits for 18 bytes at the start
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(100 * 131_072 + 1);
  });

  test('is verified by its checksum, where it has one', async () => {
    expect(await text(CHECKED, CHECKED)).toBe('hello hello hello'.repeat(2));
    for (let at = 0; at < CHECKED.length; at++) {
      const damaged = Buffer.from(CHECKED);
      damaged[at] = (damaged[at] ?? 0) ^ 0x01;
      const found = await decode(damaged).then(String, () => 'refused');
      expect(['refused', 'hello hello hello']).toContain(found); // some bits mean nothing
    }
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

  test('is not moved for hours because blocks are tiny', async () => {
    const blocks = Array.from({ length: 3000 }, () => raw('x', false)); // each moves 8 MiB
    expect(await fault(frame([...blocks, raw('')], 0x68))).toBe('STACK4003');
  });
});

describe('what is refused', () => {
  test.each<[string, Buffer, string]>([
    ['something behind a frame', Buffer.concat([frame([raw('x')]), Buffer.from('more')]), 'no zstd frame'],
    ['something that is no frame', Buffer.from('text'), 'no zstd frame'],
    ['zeros behind a frame', Buffer.concat([frame([raw('x')]), Buffer.alloc(100)]), 'no zstd frame'],
    ['half a magic number', Buffer.concat([frame([raw('x')]), MAGIC.subarray(0, 2)]), 'unexpected end'],
    ['a frame to be skipped that is cut off', skippable(Buffer.alloc(100)).subarray(0, 50), 'unexpected end'],
    ['a frame without a last block', frame([raw('x', false)]), 'unexpected end'],
    ['a frame that needs a dictionary', Buffer.concat([MAGIC, Buffer.from([1, 0x58, 7]), raw('x')]), 'dictionary'],
    ['a reserved bit', Buffer.concat([MAGIC, Buffer.from([8, 0x58]), raw('x')]), 'reserved bit'],
    ['a reserved type of block', frame([reserved()]), 'block is not valid'],
    ['a block above 128 KiB', frame([raw(Buffer.alloc(131_073))]), 'block is not valid'],
    ['a run above 128 KiB', frame([rle(0, 131_073)]), 'block is not valid'],
    ['a run of 2 MiB', frame([rle(0, 2 ** 21 - 1)]), 'block is not valid'],
    ['a block larger than its window', frame([rle(0, 1025)], 0), 'block is not valid'],
    ['a segment that is shorter than it says', segment([raw('x')], 2n, 1), 'not as long as it says'],
    ['a segment that is longer than it says', segment([raw('xy', false), raw('z')], 2n, 1), ''],
  ])('%s', async (_, bytes, expected) => {
    const found = await fault(bytes);
    expect(found).not.toBe('none');
    expect(found).toContain(expected);
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
