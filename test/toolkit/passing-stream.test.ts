import { PassingStream } from '../../lib/toolkit/passing-stream';

let opened: number;
let closed: number;

beforeEach(() => {
  opened = 0;
  closed = 0;
});

/** "0123456789" in pieces. */
function digits(...pieces: readonly string[]): PassingStream {
  return new PassingStream(async function* () {
    opened += 1;
    try {
      for (const piece of pieces) {
        await Promise.resolve();
        yield Buffer.from(piece);
      }
    } finally {
      closed += 1;
    }
  });
}

/** The bytes of a part, read as an upload reads them: it stops within a piece when it has what it wants. */
async function part(stream: PassingStream, start: number, end: number): Promise<string> {
  let text = '';
  for await (const piece of stream.from(start)) {
    text += piece.toString();
    if (start + text.length >= end) break;
  }
  return text.slice(0, end - start);
}

test('parts one behind the other are read from one stream, wherever its pieces begin', async () => {
  const stream = digits('012', '3456', '789');
  const parts = [];
  for (const [start, end] of [
    [0, 2],
    [2, 4],
    [4, 7],
    [7, 10],
  ] as const)
    parts.push(await part(stream, start, end));
  expect(parts).toEqual(['01', '23', '456', '789']);
  expect(opened).toBe(1);
});

test('a part that begins further on skips what is between', async () => {
  const stream = digits('012', '3456', '789');
  expect(await part(stream, 1, 2)).toBe('1');
  expect(await part(stream, 8, 10)).toBe('89');
  expect(opened).toBe(1);
});

test('a part that begins before what has gone by is read from a new stream, and the old one is closed', async () => {
  const stream = digits('012', '3456', '789');
  expect(await part(stream, 0, 5)).toBe('01234');
  expect(await part(stream, 1, 9)).toBe('12345678');
  expect([opened, closed]).toEqual([2, 1]);
});

test('the last part is told what the stream throws at its end', async () => {
  const stream = new PassingStream(async function* () {
    yield Buffer.from('01');
    await Promise.reject(new Error('the digest is wrong'));
  });
  expect(await part(stream, 0, 1)).toBe('0');
  await expect(part(stream, 1, 3)).rejects.toThrow('the digest is wrong');
});
