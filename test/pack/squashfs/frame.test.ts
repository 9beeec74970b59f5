import { decompress } from 'fzstd';
import { zstdCompressor } from '../../../lib/pack';
import { blockCompressor } from '../../../lib/pack/squashfs/frame';
import { noise, text } from './fixture';

const BLOCK = 128 * 1024;

test.each([
  [1, '20' + '01'],
  [255, '20' + 'ff'],
  [256, '60' + '0000'],
  [65_791, '60' + 'ffff'],
  [65_792, 'a0' + '00010100'],
  [BLOCK, 'a0' + '00000200'],
])('a frame of %d bytes says its size instead of a window', async (size, header) => {
  const content = text(size);
  const frame = await blockCompressor(zstdCompressor(3))(content);
  expect(frame.toString('hex', 0, 4 + header.length / 2)).toBe(`28b52ffd${header}`);
  expect(Buffer.from(decompress(frame)).equals(content)).toBe(true);
});

test.each([
  ['compressed', text(BLOCK)],
  ['raw', noise(BLOCK)],
  ['one byte repeated', Buffer.alloc(BLOCK, 7)],
  ['several', Buffer.concat([text(BLOCK / 2), noise(BLOCK / 4), text(BLOCK / 4)])],
])('a frame does not end with an empty block when the block before is %s', async (_kind, content) => {
  const compress = zstdCompressor(3);
  const [plain, frame] = [await compress(content), await blockCompressor(compress)(content)];
  expect(plain.subarray(-3).toString('hex')).toBe('010000');
  // 3 bytes more for the header, 3 less for the block
  expect(frame).toHaveLength(plain.length);
  expect(frame.subarray(-3).toString('hex')).not.toBe('010000');
  expect(Buffer.from(decompress(frame)).equals(content)).toBe(true);
});

test('a frame that is a single segment already is left alone', async () => {
  const frame = Buffer.from('28b52ffd2001090000' + '61', 'hex');
  expect(await blockCompressor(() => Promise.resolve(frame))(Buffer.from('a'))).toBe(frame);
});
