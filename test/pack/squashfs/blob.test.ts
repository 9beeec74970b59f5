import { createHash } from 'node:crypto';
import { ANNOTATION } from '../../../lib/oci';
import { type Entry, zstdCompressor } from '../../../lib/pack';
import { directory, EPOCH, file, noise, text, Workbench } from './fixture';

const BLOCK = 128 * 1024;
const META = { mode: 0o600, uid: 1, gid: 2, mtime: 1000 };
const bench = new Workbench();

afterAll(() => {
  bench.remove();
});

describe('the blob', () => {
  const TREE: Entry[] = [
    directory('', { mtime: 12 }),
    { type: 'char', path: 'dev', ...META, major: 5, minor: 1 },
    directory('dir', { opaque: true }),
    file('dir/a', text(3 * BLOCK + 100), { uid: 1000, gid: 1001 }),
    { type: 'hardlink', path: 'dir/b', ...META, target: 'dir/a' },
    file('dir/c', 'small', { mode: 0o755, xattrs: [{ name: 'user.k', value: Buffer.from('v') }] }),
    { type: 'whiteout', path: 'gone' },
    { type: 'symlink', path: 'link', ...META, mode: 0o777, target: 'dir/c' },
    file('noise', noise(BLOCK)),
  ];

  test('its bytes are those of this version of the packer', async () => {
    const { blob } = await bench.pack(TREE, { verity: true });
    // A change here is a new packer version: every blob of every user gets another digest.
    const root = 'f85cbd56c802a26adfcaf381d74996fb31c872f7119769da1ec8fc900c4124db';
    const digest = 'sha256:0f7a4656c6881afdc5836982184732941a212d24554c7c0dd23128e7640c83ea';
    expect(blob).toMatchObject({
      digest,
      diffId: digest,
      size: 155648,
      annotations: { [ANNOTATION.verityRootHash]: root },
    });
  });

  test('its digest, size and media type are told, and it is padded to whole blocks', async () => {
    const { blob, bytes, image } = await bench.pack(TREE);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    expect(blob).toEqual({
      digest,
      diffId: digest,
      size: bytes.length,
      mediaType: 'application/x-test',
      annotations: {},
    });
    expect(bytes.length % 4096).toBe(0);
    expect(bytes.length - image.superblock['size']!).toBeLessThan(4096);
  });

  test('verity adds a tail and both annotations, and leaves the image alone', async () => {
    const plain = await bench.pack(TREE);
    const verity = await bench.pack(TREE, { verity: true });
    expect(verity.bytes.subarray(0, plain.bytes.length).equals(plain.bytes)).toBe(true);
    expect(verity.bytes.toString('latin1', plain.bytes.length, plain.bytes.length + 8)).toBe('verity\0\0');
    expect(verity.blob.digest).toBe(`sha256:${createHash('sha256').update(verity.bytes).digest('hex')}`);
    const root = verity.blob.annotations['io.stackeroci.stacker.atomfs_verity_root_hash'];
    expect(root).toMatch(/^[0-9a-f]{64}$/);
    expect(verity.blob.annotations).toEqual({
      'io.stackeroci.stacker.atomfs_verity_root_hash': root,
      'io.stackeroci.stacker.squashfs_verity_root_hash': root,
    });
  });

  test('its bytes do not depend on which block is compressed first', async () => {
    const entries = [
      ...Array.from({ length: 50 }, (_, number) => file(`f${String(number)}`, text(BLOCK + 9000, number * 9999))),
      file('g', text(BLOCK + 9000)),
    ];
    const compress = zstdCompressor(3);
    let call = 0;
    const late = async (content: Buffer): Promise<Buffer> => {
      const frame = await compress(content);
      call += 1;
      await new Promise((resolve) => setTimeout(resolve, (call * 7) % 5));
      return frame;
    };
    const [one, other] = [await bench.pack(entries), await bench.pack(entries, { compress: late })];
    expect(other.blob.digest).toBe(one.blob.digest);
  });

  test('the superblock says how the image was made', async () => {
    const { image } = await bench.pack(TREE);
    expect(image.superblock).toMatchObject({
      time: EPOCH,
      blockSize: BLOCK,
      blockLog: 17,
      compressor: 6,
      major: 4,
      minor: 0,
    });
    expect(image.superblock['flags']).toBe(0x440);
  });

  test('only a level that is not the default of mksquashfs is written down', async () => {
    const [three, fifteen] = [await bench.pack(TREE), await bench.pack(TREE, { level: 15 })];
    expect(three.bytes.subarray(96, 102)).toEqual(Buffer.from([4, 0x80, 3, 0, 0, 0]));
    expect(fifteen.image.superblock['flags']).toBe(0x40);
    expect(fifteen.image.entries.get('dir/a')?.start).toBe(96);
  });
});
