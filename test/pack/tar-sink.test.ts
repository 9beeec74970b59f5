import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { decompress as unzstd } from 'fzstd';
import {
  compressionVersion,
  createCompressor,
  decompress,
  FRAME_SIZE,
  packTree,
  readArchive,
  sortTree,
  TarSink,
  type Compressor,
  type Entry,
  type PackedBlob,
  type Tree,
} from '../../lib/pack';
import { MEDIA_TYPE, type TarCompression } from '../../lib/oci';
import { Bench, bytesFile, cut, listing, stream } from './fixture';

const bench = new Bench();
afterAll(() => {
  bench.remove();
});

const sha256 = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

async function packWith(tree: Tree, compressor: Compressor, parallel = 2): Promise<PackedBlob & { bytes: Buffer }> {
  const file = bench.fresh();
  const { blobs } = await packTree(tree, [new TarSink(file, compressor, parallel)]);
  const [blob] = blobs;
  if (blob === undefined) throw new Error('no blob');
  return { ...blob, bytes: fs.readFileSync(file) };
}

const pack = (tree: Tree, compression: TarCompression, parallel?: number): Promise<PackedBlob & { bytes: Buffer }> =>
  packWith(tree, createCompressor(compression), parallel);

/** What a blob unpacks to, by other people's code. */
function unpack({ bytes }: { bytes: Buffer }, compression: TarCompression): Buffer {
  if (compression === 'none') return bytes;
  return compression === 'gzip' ? gunzipSync(bytes) : Buffer.from(unzstd(bytes));
}

const COMPRESSIONS: TarCompression[] = ['none', 'gzip', 'zstd'];
const META = { mode: 0o755, uid: 0, gid: 0, mtime: 315_532_800 };

/** One of everything. */
const SAMPLE: Tree = sortTree([
  { type: 'directory', path: '', ...META },
  { type: 'directory', path: 'etc', ...META },
  bytesFile('etc/hosts', '127.0.0.1 localhost\n'),
  { type: 'hardlink', path: 'etc/hosts.allow', target: 'etc/hosts', ...META },
  { type: 'directory', path: 'opt', ...META, opaque: true },
  {
    ...bytesFile('opt/ping', 'ELF'),
    mode: 0o4755,
    xattrs: [{ name: 'security.capability', value: Buffer.from([1, 0, 0, 2, 255]) }],
  },
  { type: 'symlink', path: 'opt/link', target: '../etc/hosts', ...META },
  { type: 'char', path: 'opt/null', major: 1, minor: 3, ...META },
  { type: 'fifo', path: 'opt/pipe', ...META },
  { ...bytesFile(`opt/${'long/'.repeat(30)}file`, 'x'), uid: 3_000_000, mtime: -1 },
  { type: 'whiteout', path: 'tmp' },
]);

/** Content that compresses a little, the same everywhere: words of four letters. */
const FILLER = Buffer.alloc(2 * FRAME_SIZE);
for (let at = 0, state = 1; at < FILLER.length; at += 4) {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
  FILLER.writeUInt32LE(0x61616161 + (state & 0x0f0f0f0f), at);
}
const filler = (length: number): Buffer => FILLER.subarray(0, length);

/** More than two frames. */
const LARGE: Tree = [
  bytesFile('a', filler(FRAME_SIZE)),
  bytesFile('b', filler(FRAME_SIZE + 12_345)),
  bytesFile('c', 'end'),
];

describe('golden digests: other bytes need another packer version', () => {
  const diffId = 'sha256:02ddc3e1e47d6f4ce7c2c328656a6b5efa647f28a6a73d18161418e2961f9734';

  test('of the tar', async () => {
    const blob = await pack(SAMPLE, 'none');
    expect(blob).toMatchObject({ digest: diffId, diffId, mediaType: MEDIA_TYPE.tar, annotations: {} });
  });

  test('of the tar in zstd', async () => {
    const digest = 'sha256:97ae60bf70911aa24b08486c3718db0fd48f34c57522c40bae8c9bf31b89d817';
    expect(await pack(SAMPLE, 'zstd')).toMatchObject({ digest, diffId, mediaType: MEDIA_TYPE.tarZstd });
  });

  test('of the tar in gzip: its bytes change with the zlib of Node, what is in it does not', async () => {
    const blob = await pack(SAMPLE, 'gzip');
    expect(blob).toMatchObject({ diffId, mediaType: MEDIA_TYPE.tarGzip });
    expect(sha256(gunzipSync(blob.bytes))).toBe(diffId);
  });

  test('of several frames in zstd', async () => {
    expect(await pack(LARGE, 'zstd')).toMatchObject({
      digest: 'sha256:a65f4b615a71b25f716168f4a1af1a864b39c10bd033918a9f1b17c0a5df4827',
      diffId: 'sha256:e5dbf1be00b590667bb4bec87d9e70d8b38d38a2a682a5bc856cfa814bef2ae3',
    });
  });
});

describe.each(COMPRESSIONS)('a layer tar in %s', (compression) => {
  test('has the digest, the size and the diffId that it says', async () => {
    const blob = await pack(LARGE, compression);
    expect(blob.size).toBe(blob.bytes.length);
    expect(blob.digest).toBe(sha256(blob.bytes));
    expect(blob.diffId).toBe(sha256(unpack(blob, compression)));
  });

  test('is the same however many frames are in work', async () => {
    const [one, two, eight] = await Promise.all([1, 2, 8].map((parallel) => pack(LARGE, compression, parallel)));
    expect(two?.digest).toBe(one?.digest);
    expect(eight?.digest).toBe(one?.digest);
  });

  test('is the same however the content comes in', async () => {
    const [file] = LARGE;
    if (file?.type !== 'file' || file.content.kind !== 'bytes') throw new Error('no content');
    const { bytes } = file.content;
    const whole = await pack([file], compression);
    for (const size of [511, 65_536, FRAME_SIZE - 512, FRAME_SIZE - 1]) {
      const sink = new TarSink(bench.fresh(), createCompressor(compression), 2);
      await sink.entry(file);
      for (const chunk of cut(bytes, size)) await sink.data(chunk);
      expect((await sink.finish()).digest).toBe(whole.digest);
    }
  });

  test('can be read back', async () => {
    const { bytes } = await pack(SAMPLE, compression);
    const chunks = decompress(stream([bytes]), compression, 'it');
    const { tree } = await readArchive(chunks, { copy: bench.fresh(), name: 'it', layer: true });
    expect(listing(tree)).toEqual(listing(SAMPLE));
  });

  test('of an empty tree is two blocks of zeros', async () => {
    expect(unpack(await pack([], compression), compression)).toEqual(Buffer.alloc(1024));
  });

  test('is cut in frames at multiples of the frame size, without an empty one at the end', async () => {
    const contentFor = (tarSize: number): Tree => [bytesFile('f', filler(tarSize - 3 * 512))];
    for (const [tarSize, frames] of [
      [FRAME_SIZE, 1],
      [FRAME_SIZE + 512, 2],
      [2 * FRAME_SIZE, 2],
    ] as const) {
      const compressor = createCompressor(compression);
      const lengths: number[] = [];
      const counting: Compressor = {
        compression,
        compress: (frame) => {
          lengths.push(frame.length);
          return compressor.compress(frame);
        },
        tail: () => compressor.tail(),
      };
      const blob = await packWith(contentFor(tarSize), counting);
      expect(lengths).toHaveLength(frames);
      expect(lengths.slice(0, -1)).toEqual(Array(frames - 1).fill(FRAME_SIZE));
      expect(unpack(blob, compression)).toHaveLength(tarSize);
    }
  });
});

describe('content', () => {
  test.each([0, 1, 511, 512, 513, 1024, 10_240])('of %d bytes is filled up to whole blocks', async (size) => {
    const content = filler(size);
    const { bytes } = await pack([bytesFile('a', content), bytesFile('b', '')], 'none');
    const blocks = Math.ceil(size / 512);
    expect(bytes).toHaveLength(512 * (1 + blocks + 1 + 2));
    expect(bytes.subarray(512, 512 + size).equals(content)).toBe(true);
    expect(bytes.subarray(512 + size, 512 + 512 * blocks).every((byte) => byte === 0)).toBe(true);
    expect(bytes.toString('latin1', 512 * (1 + blocks), 512 * (1 + blocks) + 1)).toBe('b');
  });

  test('in gzip refers back over the border of frames, for the size', async () => {
    const repeated = Buffer.concat([filler(FRAME_SIZE - 20_000), filler(20_000)]);
    const tree = [bytesFile('f', Buffer.concat([repeated, repeated.subarray(-20_000)]))];
    const blob = await pack(tree, 'gzip');
    expect(
      unpack(blob, 'gzip')
        .subarray(512, 512 + FRAME_SIZE)
        .equals(repeated),
    ).toBe(true);
  });
});

describe('a sink', () => {
  test('does not write over a file', async () => {
    const file = bench.fresh();
    fs.writeFileSync(file, 'mine');
    const sink = new TarSink(file, createCompressor('none'), 1);
    await expect(sink.finish()).rejects.toMatchObject({ code: 'EEXIST' });
    await sink.abort();
    expect(fs.readFileSync(file, 'utf8')).toBe('mine');
  });

  test('refuses what a layer cannot hold', () => {
    const sink = new TarSink(bench.fresh(), createCompressor('none'), 1);
    const entry: Entry = bytesFile('.wh.x', '');
    expect(() => sink.entry(entry)).toThrow(expect.objectContaining({ code: 'STACK4004' }) as Error);
  });

  test('passes on that a frame cannot be compressed, and closes its file', async () => {
    const before = fs.readdirSync('/proc/self/fd').length;
    let count = 0;
    const failing: Compressor = {
      ...createCompressor('none'),
      compress: (frame) => ((count += 1) === 2 ? Promise.reject(new Error('no memory')) : Promise.resolve(frame)),
    };
    const sink = new TarSink(bench.fresh(), failing, 3);
    await expect(packTree([bytesFile('big', Buffer.alloc(3 * FRAME_SIZE))], [sink])).rejects.toThrow('no memory');
    expect(fs.readdirSync('/proc/self/fd').length).toBe(before);
  });

  test('keeps no more frames in work than it may', async () => {
    let working = 0;
    let most = 0;
    const watched: Compressor = {
      ...createCompressor('none'),
      compress: async (frame) => {
        most = Math.max(most, (working += 1));
        await new Promise((resolve) => setTimeout(resolve, 5));
        working -= 1;
        return frame;
      },
    };
    await packWith([bytesFile('big', Buffer.alloc(6 * FRAME_SIZE))], watched, 3);
    expect(most).toBeLessThanOrEqual(3);
    expect(most).toBeGreaterThan(1);
  });
});

test('the version of a compressor names all that its bytes depend on', () => {
  expect(compressionVersion('none')).toBe('none');
  expect(compressionVersion('zstd')).toBe('zstd-1.5.7-l3');
  expect(compressionVersion('zstd', 19)).toBe('zstd-1.5.7-l19');
  expect(compressionVersion('gzip')).toBe(`gzip-zlib-${process.versions.zlib}-l6`);
});

test('a level changes the blob, not what is in it', async () => {
  const [low, high] = await Promise.all([1, 9].map((level) => packWith(LARGE, createCompressor('zstd', level))));
  expect(high?.diffId).toBe(low?.diffId);
  expect(high?.digest).not.toBe(low?.digest);
});
