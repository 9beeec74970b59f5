import * as fs from 'node:fs';
import * as path from 'node:path';
import { gzipSync } from 'node:zlib';
import { StackError } from '../../lib/core';
import {
  decompress,
  decompressAny,
  zstdCompressor,
  type ExpansionLimits,
  type StreamCompression,
} from '../../lib/pack';
import { Bench, codeOf, collect, cut, stream } from './fixture';
import { frame, raw, rle, skippable } from './zstd-frame-builder';

const bench = new Bench();
const pathVariable = process.env['PATH'];
afterEach(() => {
  process.env['PATH'] = pathVariable;
});
afterAll(() => {
  bench.remove();
});

const CONTENT = Buffer.from('some content, '.repeat(10_000));

async function read(
  bytes: Buffer,
  compression: StreamCompression,
  chunkSize = 1000,
  limits?: ExpansionLimits,
): Promise<Buffer> {
  return collect(decompress(stream(cut(bytes, chunkSize)), compression, 'it', limits));
}

/** Puts a command called xz before all others. */
function fakeXz(script: string): void {
  const directory = bench.fresh();
  fs.mkdirSync(directory);
  fs.writeFileSync(path.join(directory, 'xz'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  process.env['PATH'] = `${directory}:${pathVariable ?? ''}`;
}

describe('a compression', () => {
  test('is told by the first bytes, in chunks of any size', async () => {
    const archives = [
      CONTENT,
      gzipSync(CONTENT),
      await zstdCompressor(3)(CONTENT),
      Buffer.concat([skippable(Buffer.alloc(4)), await zstdCompressor(3)(CONTENT)]),
    ];
    for (const bytes of archives) {
      for (const size of [1, 5, 6, 7, 10_000]) {
        const decoded = await collect(
          decompressAny(stream(cut(bytes, bytes.length > 10_000 ? 1000 * size : size)), 'it'),
        );
        expect(decoded.equals(CONTENT)).toBe(true);
      }
    }
  });

  test('is none for what is too short to have one', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from([0x1f]), Buffer.from('x')]) {
      expect((await collect(decompressAny(stream([bytes]), 'it'))).equals(bytes)).toBe(true);
    }
  });

  test.each([
    ['bzip2', '425a6839314159265359'],
    ['bzip2', '425a683917724538509000000000'],
    ['lzma', '5d00008000ffffffffffffffff'],
    ['lzip', '4c5a49500114'],
    ['lz4', '04224d1864'],
    ['lzop', '894c5a4f000d0a1a0a'],
    ['compress', '1f9d90'],
  ])('of %s is not supported, and said so', async (name, bytes) => {
    const source = stream([Buffer.from(bytes, 'hex'), CONTENT]);
    await expect(collect(decompressAny(source, 'it'))).rejects.toMatchObject({
      code: 'STACK4005',
      message: `it is compressed with ${name}, which is not supported`,
      hint: expect.stringContaining('zstd') as string,
    });
  });

  test('of xz is left to the xz command', async () => {
    fakeXz('cat');
    const bytes = Buffer.concat([Buffer.from('fd377a585a00', 'hex'), CONTENT]);
    expect((await collect(decompressAny(stream(cut(bytes, 1000)), 'it'))).equals(bytes)).toBe(true);
  });
});

describe('gzip', () => {
  test('may have several members', async () => {
    const bytes = Buffer.concat([gzipSync('one '), gzipSync(''), gzipSync('two')]);
    for (const size of [1, 10, 1000]) expect((await read(bytes, 'gzip', size)).toString()).toBe('one two');
  });

  test.each<[string, Buffer]>([
    ['text behind it', Buffer.concat([gzipSync('x'), Buffer.from('text')])],
    ['zeros behind it', Buffer.concat([gzipSync('x'), Buffer.alloc(512)])],
    [
      'a member behind zeros, which zlib would leave out',
      Buffer.concat([gzipSync('x'), Buffer.alloc(8), gzipSync('y')]),
    ],
    ['half a magic number behind it', Buffer.concat([gzipSync('x'), Buffer.from([0x1f])])],
    ['a second member that is cut off', Buffer.concat([gzipSync('x'), gzipSync('y').subarray(0, 12)])],
    ['nothing in it', Buffer.alloc(0)],
    ['another format', Buffer.from('this is not gzip')],
  ])('is refused with %s', async (_, bytes) => {
    for (const size of [1, 7, 1000]) expect(await codeOf(read(bytes, 'gzip', size))).toBe('STACK4001');
  });

  test('is refused cut off anywhere, or with a wrong checksum', async () => {
    const bytes = gzipSync('some content');
    for (let length = 0; length < bytes.length; length++) {
      expect(await codeOf(read(bytes.subarray(0, length), 'gzip'))).toBe('STACK4001');
    }
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 8) ^ 1, bytes.length - 8);
    expect(await codeOf(read(bytes, 'gzip'))).toBe('STACK4001');
  });
});

describe('xz', () => {
  test('that fails is told in its own words', async () => {
    fakeXz('echo "xz: (stdin): Compressed data is corrupt" >&2; exit 1');
    await expect(read(CONTENT, 'xz')).rejects.toMatchObject({
      code: 'STACK4001',
      message: 'it is corrupt or truncated: xz: (stdin): Compressed data is corrupt',
    });
  });

  test('that fails without a word, or is killed, is no success', async () => {
    fakeXz('cat >/dev/null; exit 7');
    await expect(read(CONTENT, 'xz')).rejects.toMatchObject({
      message: 'it is corrupt or truncated: xz exited with 7',
    });
    fakeXz('kill -9 $$');
    expect(await codeOf(read(CONTENT, 'xz'))).toBe('STACK4001');
  });

  test('that is not installed is said to be needed', async () => {
    process.env['PATH'] = bench.directory;
    await expect(read(CONTENT, 'xz')).rejects.toMatchObject({ code: 'STACK3013', hint: 'install xz-utils' });
  });

  test('whose input cannot be read is not to blame', async () => {
    fakeXz('cat >/dev/null; echo "xz: unexpected end of input" >&2; exit 1');
    expect(await codeOf(collect(decompress(failing(new Error('gone')), 'xz', 'it')))).toBe('STACK3003');
  });
});

describe('what expands', () => {
  const limits = { ratio: 100, freeBytes: 200_000 };

  test('more than the ratio allows is refused, once it is large', async () => {
    const bomb = gzipSync(Buffer.alloc(2_000_000));
    await expect(read(bomb, 'gzip', 1000, limits)).rejects.toMatchObject({
      code: 'STACK4003',
      message: 'it expands to more than 100 times its size',
    });
    const runs = frame([...Array.from({ length: 100 }, () => rle(0, 131_072, false)), raw('')]);
    expect(await codeOf(read(runs, 'zstd', 1000, limits))).toBe('STACK4003');
    expect(await read(gzipSync(Buffer.alloc(190_000)), 'gzip', 1000, limits)).toHaveLength(190_000);
  });

  test('is refused when it comes, not when all of it was read', async () => {
    let asked = 0;
    const endless = async function* (): AsyncGenerator<Buffer> {
      yield await Promise.resolve(frame([]));
      for (; asked < 1000; asked++) yield Buffer.concat(Array.from({ length: 10 }, () => rle(0, 131_072, false)));
    };
    expect(await codeOf(collect(decompress(endless(), 'zstd', 'it', limits)))).toBe('STACK4003');
    expect(asked).toBeLessThan(10);
  });

  test('does not fill the memory when nobody reads on', async () => {
    const runs = frame(Array.from({ length: 20_000 }, () => rle(0, 131_072, false))); // 2.4 GiB in 80 KB
    const decoder = decompress(stream([runs]), 'zstd', 'it');
    await decoder.next();
    const { arrayBuffers } = process.memoryUsage();
    for (let i = 0; i < 10; i++) await decoder.next();
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).toBeLessThan(64 * 1024 * 1024);
    await decoder.return(undefined);
  });
});

/** Gives some bytes, then fails. */
async function* failing(error: Error, bytes = Buffer.from('1f8b08', 'hex')): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes);
  throw error;
}

describe('a source that fails', () => {
  test.each<StreamCompression>(['none', 'gzip', 'zstd'])(
    'is said to, not its content to be wrong (%s)',
    async (compression) => {
      const gone = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
      await expect(collect(decompress(failing(gone), compression, 'it'))).rejects.toMatchObject({
        code: 'STACK3003',
        message: 'cannot read it: EIO: i/o error, read',
        cause: gone,
      });
      const own = new StackError('STACK3001', 'not the expected sha256');
      await expect(collect(decompress(failing(own), compression, 'it'))).rejects.toBe(own);
    },
  );

  test('while the compression is told, too', async () => {
    await expect(collect(decompressAny(fs.createReadStream(bench.directory), 'it'))).rejects.toMatchObject({
      code: 'STACK3003',
      message: expect.stringContaining('EISDIR') as string,
    });
  });
});

describe('a source', () => {
  const openFiles = (): number => fs.readdirSync('/proc/self/fd').length;

  test('is closed, whether all of it was wanted or not', async () => {
    const files = [CONTENT, gzipSync(CONTENT), await zstdCompressor(3)(CONTENT), Buffer.from('1f8b0800 nonsense')].map(
      (bytes) => {
        const file = bench.fresh();
        fs.writeFileSync(file, Buffer.concat(Array.from({ length: 50 }, () => bytes)));
        return file;
      },
    );
    const before = openFiles();
    for (const file of files) {
      const partly = decompressAny(fs.createReadStream(file, { highWaterMark: 1000 }), 'it');
      await partly.next().catch(() => undefined);
      await partly.return(undefined);
      await codeOf(collect(decompressAny(fs.createReadStream(file), 'it')));
    }
    process.env['PATH'] = bench.directory;
    await codeOf(collect(decompress(fs.createReadStream(files[0] ?? ''), 'xz', 'it')));
    await new Promise((resolve) => setTimeout(resolve, 50)); // streams close in their own time
    expect(openFiles()).toBe(before);
  });
});
