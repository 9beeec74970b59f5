import { crc32 } from 'node:zlib';
import { file, noise, text, Workbench } from './fixture';

const BLOCK = 128 * 1024;
const bench = new Workbench();

afterAll(() => {
  bench.remove();
});

describe('contents', () => {
  test.each([0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 5])(
    'a file of %d bytes comes back',
    async (size) => {
      const content = text(size);
      const { image } = await bench.pack([file('a', 'before'), file('f', content), file('z', 'behind')]);
      expect(image.entries.get('f')?.content?.equals(content)).toBe(true);
      expect(image.entries.get('f')?.blocks).toHaveLength(Math.floor(size / BLOCK));
      expect(image.entries.get('z')?.content).toEqual(Buffer.from('behind'));
    },
  );

  test('the bytes do not depend on how the content is cut into chunks', async () => {
    const entries = [file('a', text(3 * BLOCK + 77)), file('b', text(1000, 5)), file('c', noise(BLOCK + 1))];
    const digests = new Set<string>();
    for (const chunk of [4096, 50_000, BLOCK, 10 * BLOCK])
      digests.add((await bench.pack(entries, {}, chunk)).blob.digest);
    expect(digests.size).toBe(1);
  });

  test('what zstd does not make smaller is stored as it is', async () => {
    const { image, bytes } = await bench.pack([file('noise', noise(2 * BLOCK + 100))]);
    expect(image.entries.get('noise')?.blocks).toEqual([BLOCK | 0x1000000, BLOCK | 0x1000000]);
    expect(image.entries.get('noise')?.content?.equals(noise(2 * BLOCK + 100))).toBe(true);
    expect(bytes.includes(noise(BLOCK))).toBe(true);
  });

  test('blocks of zeros take no room', async () => {
    const content = Buffer.concat([Buffer.alloc(2 * BLOCK), text(BLOCK), Buffer.alloc(3 * BLOCK), text(10)]);
    const { image } = await bench.pack([file('holes', content), file('zeros', Buffer.alloc(4 * BLOCK))]);
    const holes = image.entries.get('holes');
    expect(holes).toMatchObject({ extended: true, sparse: 5 * BLOCK });
    expect(holes?.blocks?.map((size) => size === 0)).toEqual([true, true, false, true, true, true]);
    expect(holes?.content?.equals(content)).toBe(true);
    const zeros = image.entries.get('zeros');
    expect(zeros).toMatchObject({ blocks: [0, 0, 0, 0], sparse: 4 * BLOCK - 1 });
    expect(zeros?.content?.equals(Buffer.alloc(4 * BLOCK))).toBe(true);
  });

  test('small files and the ends of large ones share fragments in the order of the walk', async () => {
    const { image } = await bench.pack([
      file('a', text(100_000, 1)),
      file('b', text(20_000, 100_000)),
      file('c', text(50_000, 200_000)),
      file('d', text(BLOCK + 7, 300_000)),
    ]);
    const fragments = ['a', 'b', 'c', 'd'].map((name) => image.entries.get(name)?.fragment);
    expect(fragments).toEqual([
      [0, 0],
      [0, 100_000],
      [1, 0],
      [1, 50_000],
    ]);
    expect(image.fragments.map(({ length }) => length)).toEqual([120_000, 50_007]);
  });

  test('equal contents are stored once, and what comes behind them is right', async () => {
    const [one, two, small] = [text(20 * BLOCK + 9), noise(9 * BLOCK), text(500)];
    const { image } = await bench.pack([
      file('a', one),
      file('b', two),
      file('c', small),
      file('d', one),
      file('e', two),
      file('f', small),
      file('g', text(4 * BLOCK, 77)),
    ]);
    const place = (name: string) => [image.entries.get(name)?.start, image.entries.get(name)?.fragment];
    expect(place('d')).toEqual(place('a'));
    expect(place('e')).toEqual(place('b'));
    expect(place('f')).toEqual(place('c'));
    for (const [name, content] of Object.entries({
      a: one,
      b: two,
      c: small,
      d: one,
      e: two,
      f: small,
      g: text(4 * BLOCK, 77),
    })) {
      expect(image.entries.get(name)?.content?.equals(content)).toBe(true);
    }
    // g is where the second copy of e was begun.
    expect(image.entries.get('g')?.start).toBe(image.entries.get('e')!.start! + 9 * BLOCK);
  });

  test('a copy at the end leaves nothing behind', async () => {
    const content = noise(20 * BLOCK);
    const [one, two] = [
      await bench.pack([file('a', content)]),
      await bench.pack([file('a', content), file('b', content)]),
    ];
    expect(two.blob.size).toBe(one.blob.size);
  });

  test('different contents with the same checksum are told apart', async () => {
    const one = noise(2 * BLOCK);
    const other = Buffer.from(one);
    // Adding the generator polynomial changes no CRC.
    for (let bit = 0n; bit <= 32n; bit += 1n) {
      if (((0x104c11db7n >> (32n - bit)) & 1n) === 1n) other[1000 + Number(bit >> 3n)]! ^= 1 << Number(bit & 7n);
    }
    expect(crc32(other)).toBe(crc32(one));
    const { image } = await bench.pack([file('a', one), file('b', other), file('c', one)]);
    expect(image.entries.get('b')?.content?.equals(other)).toBe(true);
    expect(image.entries.get('c')?.start).toBe(image.entries.get('a')?.start);
  });

  test('a known sha256 changes nothing, also a wrong one', async () => {
    const plain = [file('a', text(BLOCK * 2)), file('b', noise(BLOCK * 2))];
    const known = plain.map((entry) => ({ ...entry, sha256: '0'.repeat(64) }));
    expect((await bench.pack(known)).blob.digest).toBe((await bench.pack(plain)).blob.digest);
  });
});
