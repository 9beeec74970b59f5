import { decompress } from 'fzstd';
import { LIBZSTD_VERSION, zstdCompressor } from '../../lib/pack';

test('a frame is what the decoder of others reads', async () => {
  const content = Buffer.from('some content, '.repeat(1000));
  for (const level of [1, 3, 19]) {
    const frame = await zstdCompressor(level)(content);
    expect(frame.length).toBeLessThan(content.length / 10);
    expect(Buffer.from(decompress(frame)).equals(content)).toBe(true);
  }
});

test('several frames may be compressed at the same time', async () => {
  const compress = zstdCompressor(3);
  const contents = Array.from({ length: 20 }, (_, i) => Buffer.alloc(100_000 + i, `content ${String(i)} `));
  const frames = await Promise.all(contents.map(compress));
  const again = await Promise.all(contents.map((content) => zstdCompressor(3)(content)));
  expect(frames.every((frame, i) => frame.equals(again[i] ?? Buffer.alloc(0)))).toBe(true);
});

describe('without the addon', () => {
  afterEach(() => {
    jest.dontMock('@toondepauw/node-zstd');
  });

  /** The module as it is on a platform that the addon is not built for. */
  function withoutAddon(): { readonly zstdCompressor: typeof zstdCompressor } {
    let loaded: unknown;
    jest.isolateModules(() => {
      jest.doMock('@toondepauw/node-zstd', () => {
        throw new Error('Cannot find module');
      });
      loaded = jest.requireActual('../../lib/pack/zstd');
    });
    return loaded as { readonly zstdCompressor: typeof zstdCompressor };
  }

  const hasOwn = (process.versions as NodeJS.Dict<string>)['zstd'] === LIBZSTD_VERSION;

  test("Node's own is used where it is of the same version, with the same bytes; else it is said to be missing", async () => {
    const content = Buffer.from('some content, '.repeat(1000));
    const { zstdCompressor: fallback } = withoutAddon();
    const compress = async (level: number): Promise<Buffer> => fallback(level)(content);
    if (hasOwn) expect((await compress(5)).equals(await zstdCompressor(5)(content))).toBe(true);
    else
      await expect(compress(5)).rejects.toMatchObject({
        code: 'STACK4005',
        hint: expect.stringContaining('Node 22.15') as string,
      });
  });
});
