import * as fs from 'node:fs';
import { bytesToName, StackError } from '../../../lib/core';
import {
  indexLine,
  readSquashfs,
  sortTree,
  type Archive,
  type Entry,
  type ReadArchiveOptions,
} from '../../../lib/pack';
import { failureOf } from '../../failure';
import { contentOf, listing as outline } from '../fixture';
import { directory as dir, EPOCH, file as entryOf, noise, text, Workbench } from './fixture';
import * as raw from './image-builder';

const BLOCK = 128 * 1024;
const META = { mode: 0o600, uid: 1, gid: 2, mtime: 1000 };
const bench = new Workbench();

afterAll(() => {
  bench.remove();
});

async function read(image: Buffer, options: Partial<ReadArchiveOptions> = {}): Promise<Pick<Archive, 'tree' | 'copy'>> {
  const file = bench.newFile();
  fs.writeFileSync(file, image);
  return readSquashfs(file, { name: 'it', copy: `${file}.copy`, layer: 'overlay', ...options });
}

const lines = (entries: readonly Entry[]): string[] =>
  entries.map((entry) => indexLine(entry, entry.type === 'file' ? contentOf(entry).toString('latin1') : undefined));

describe('what our own writer makes', () => {
  const capability = Buffer.from('0100000202000000000000000000000000000000', 'hex');
  const ENTRIES: Entry[] = [
    dir('', { mtime: 12, mode: 0o711 }),
    { type: 'char', path: 'dev', ...META, major: 0xfff, minor: 0xfffff },
    { type: 'block', path: 'disk', ...META, major: 8, minor: 1 },
    dir('dir', { opaque: true, xattrs: [{ name: 'user.x', value: Buffer.from('1') }] }),
    entryOf('dir/a', text(3 * BLOCK + 100), { uid: 1000, gid: 4_000_000_000, mode: 0o4755 }),
    { type: 'hardlink', path: 'dir/b', ...META, target: 'dir/a' },
    entryOf('dir/c', 'small', { xattrs: [{ name: 'security.capability', value: capability }] }),
    entryOf('empty', ''),
    { type: 'fifo', path: 'fifo', ...META },
    { type: 'whiteout', path: 'gone' },
    entryOf('holes', Buffer.concat([Buffer.alloc(2 * BLOCK), text(BLOCK), Buffer.alloc(BLOCK + 5)])),
    { type: 'symlink', path: 'link', ...META, mode: 0o777, target: bytesToName(Buffer.from([0x2f, 0xff])) },
    entryOf(bytesToName(Buffer.from([0x6e, 0xfe])), noise(BLOCK)),
    entryOf('zeros', Buffer.alloc(3 * BLOCK)),
  ];

  test.each([false, true])('comes back as it was (verity: %s)', async (verity) => {
    const { bytes } = await bench.pack(ENTRIES, { verity });
    const { tree, copy } = await read(bytes);
    const meta = ENTRIES.find(({ path }) => path === 'dir/a');
    const linked = ENTRIES.map((entry) => (entry.type === 'hardlink' ? { ...meta, ...entry, ...pick(meta) } : entry));
    expect(lines(tree)).toEqual(lines(sortTree(linked as Entry[])));
    expect(tree.find(({ path }) => path === 'holes')).toMatchObject({ type: 'file', sha256: /^[0-9a-f]{64}$/ });
    expect(copy.size).toBe(655470); // without the holes
  });

  function pick(entry: Entry | undefined): object {
    if (entry?.type !== 'file') throw new Error('no file');
    const { mode, uid, gid, mtime } = entry;
    return { mode, uid, gid, mtime };
  }

  test('comes back when its tables have several metadata blocks', async () => {
    const files = Array.from({ length: 400 }, (_, each) => {
      return entryOf(`d/${'n'.repeat(100)}${String(each).padStart(4, '0')}`, `content ${String(each)}`);
    });
    const entries = [dir(''), dir('d'), ...files];
    const { bytes } = await bench.pack(entries);
    expect(lines((await read(bytes)).tree)).toEqual(lines(entries));
  });

  test('gives the same copy each time, of which contents are slices', async () => {
    const { bytes } = await bench.pack(ENTRIES);
    const [one, two] = [await read(bytes), await read(bytes)];
    expect(one.copy).toEqual(two.copy);
  });

  test('is refused where it is cut or changed, and nothing else happens', async () => {
    const { bytes } = await bench.pack(ENTRIES.filter((entry) => !/a$|b$|holes|zeros/.test(entry.path)));
    await fuzz(bytes, 100);
  });
});

/** A seeded generator (mulberry32), so that every run tries the same. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Whatever is changed, reading ends with a tree or with an error that names the image. */
async function fuzz(image: Buffer, cases: number): Promise<void> {
  const next = random(image.length);
  const outcomes = new Map<string, number>();
  for (let each = 0; each < cases; each++) {
    const changed = Buffer.from(image);
    for (let flips = 1 + Math.floor(3 * next()); flips > 0; flips -= 1) {
      // The beginning, with the superblock, and the end, with the tables, are where changes do most.
      const place = next();
      const at =
        place < 0.3 ? Math.floor(96 * next()) : Math.floor(changed.length * (place < 0.6 ? 1 - next() / 8 : next()));
      changed[Math.min(at, changed.length - 1)] = Math.floor(256 * next());
    }
    const cut = next() < 0.1 ? changed.subarray(0, Math.floor(next() * changed.length)) : changed;
    const outcome = await read(cut).then(
      () => 'read',
      (error: unknown) => {
        if (!StackError.is(error)) throw error;
        expect(error.message).toMatch(/^it: /);
        return error.code;
      },
    );
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  expect([...outcomes.keys()].filter((code) => !/^(read|STACK400[1-6])$/.test(code))).toEqual([]);
  expect(outcomes.get('STACK4001')).toBeGreaterThan(0);
}

/** An image of a root with one file that has all there is, by hand. */
const CONTENT = text(BLOCK).subarray(0, raw.BLOCK);
function parts(
  changes: Partial<raw.ImageParts> & { readonly file?: Buffer; readonly names?: Buffer } = {},
): raw.ImageParts {
  const one = changes.file ?? raw.file({ number: 2 }, { size: CONTENT.length, blocks: [CONTENT.length | 0x1000000] });
  const names =
    changes.names ??
    raw.listing({
      name: 'f',
      type: one.readUInt16LE(0) > 7 ? one.readUInt16LE(0) - 7 : one.readUInt16LE(0),
      number: 2,
      offset: 0,
    });
  return {
    data: CONTENT,
    inodes: Buffer.concat([one, raw.directory({ number: 1 }, 0, names.length)]),
    root: one.length,
    listings: names,
    ...changes,
  };
}

const FILE = raw.file({ number: 2 }, { size: 0 });
const u16 = (value: number): Buffer => raw.fields([2, value]);
const u32 = (value: number): Buffer => raw.fields([4, value]);
const u64 = (value: number | bigint): Buffer => raw.fields([8, value]);

describe('an image made by hand', () => {
  test('is read', async () => {
    const { tree } = await read(raw.buildImage(parts()));
    expect(outline(tree)).toEqual(['/', `f = ${CONTENT.toString()}`]);
  });

  test('may have everything at once', async () => {
    const kinds = [
      raw.special(5, { number: 2 }, 0), // a whiteout
      raw.special(5, { number: 3 }, 0x105),
      raw.special(6, { number: 4 }),
      raw.special(7, { number: 5 }),
      raw.symlink({ number: 6 }, 'target'),
      raw.file({ number: 7 }, { size: 5, fragment: 0, offset: 3, xattrs: 0 }),
      raw.file({ number: 8 }, { size: raw.BLOCK + 1, blocks: [0, 0] }),
    ];
    const offsets = kinds.map((_, at) => kinds.slice(0, at).reduce((sum, { length }) => sum + length, 0));
    const at = (name: string, kind: number, type: number): raw.Name => ({
      name,
      type,
      number: kind + 2,
      offset: offsets[kind]!,
    });
    const names = raw.listing(
      at('a', 0, 5),
      at('b', 0, 5), // overlayfs gives its whiteouts one inode
      at('c', 1, 5),
      at('d', 2, 6),
      at('e', 3, 7),
      at('f', 4, 3),
      at('g', 5, 2),
      at('h', 5, 2),
      at('i', 6, 2),
    );
    const elsewhere = raw.xattr(0, 'far', 'from elsewhere');
    const encoded = Buffer.concat([
      raw.xattr(2, 'capability', Buffer.from([1, 0, 0xff])),
      raw.xattr(2, 'selinux', 'label'),
      raw.xattr(0x100, 'near', u64(0)),
    ]);
    const reference = elsewhere.length - 'from elsewhere'.length - 4;
    encoded.writeBigUInt64LE(BigInt(encoded.length + reference), encoded.length - 8);
    const inodes = Buffer.concat([...kinds, raw.directory({ number: 1 }, 0, names.length)]);
    const { tree } = await read(
      raw.buildImage({
        data: CONTENT,
        inodes,
        root: inodes.length - 32,
        listings: names,
        fragments: [{ start: 96, size: 100 | 0x1000000 }],
        xattrs: [
          { count: 3, encoded },
          { count: 1, encoded: elsewhere },
        ],
      }),
    );
    const content = CONTENT.toString('latin1', 3, 8);
    expect(outline(tree)).toEqual([
      '/',
      'a (whiteout)',
      'b (whiteout)',
      'c (char)',
      'd (fifo)',
      'f -> target',
      `g = ${content}`,
      'h == g',
      `i = ${'\0'.repeat(raw.BLOCK + 1)}`,
    ]);
    expect(tree.find(({ path }) => path === 'g')).toMatchObject({
      xattrs: [
        { name: 'security.capability', value: Buffer.from([1, 0, 0xff]) },
        { name: 'user.near', value: Buffer.from('from elsewhere') },
      ],
    });
    expect(tree.find(({ path }) => path === 'c')).toMatchObject({ major: 1, minor: 5 });
  });

  test('is refused or read, whatever byte of it is changed', async () => {
    await fuzz(raw.buildImage(parts({ xattrs: [{ count: 1, encoded: raw.xattr(0, 'a', 'b') }] })), 300);
  });

  test.each<[string, Partial<raw.ImageParts> & { readonly file?: Buffer; readonly names?: Buffer }, string?]>([
    ['another magic number', { patch: { 0: u32(1) } }],
    ['another version', { patch: { 28: u16(3) } }],
    ['a block size that is no power of two', { patch: { 12: u32(5000) } }],
    ['a block size that is too large', { patch: { 12: u32(2 ** 21), 22: u16(21) } }],
    ['a size beyond the file', { patch: { 40: u64(10 ** 6) } }],
    ['a size that is no number', { patch: { 40: u64(2n ** 60n) } }],
    ['an unknown compressor', { patch: { 20: u16(9) } }],
    ['a compressor that cannot be read', { patch: { 20: u16(5) } }, 'STACK4005'],
    ['a root that is a file', { root: 0 }],
    ['a root outside of the table', { root: 8000 }],
    ['an inode table outside of the image', { patch: { 64: u64(10 ** 9) } }],
    ['an inode table behind its end', { patch: { 72: u64(100) } }],
    ['an id table outside of the image', { patch: { 48: u64(10 ** 9) } }],
    ['an xattr table outside of the image', { patch: { 56: u64(10 ** 9) } }],
    ['an empty metadata block', { inodeHeader: 0x8000 }],
    ['a metadata block that is too large', { inodeHeader: 0xffff }],
    ['a metadata block that is corrupt', { inodeHeader: 80 }],
    ['an inode of an unknown type', { file: raw.inode(15, { number: 2 }, Buffer.alloc(40)) }],
    ['an inode without a number', { file: raw.file({ number: 0 }, { size: 0 }) }],
    ['an inode of another number than its name says', { file: raw.file({ number: 3 }, { size: 0 }) }],
    ['an inode with a number above their count', { patch: { 4: u32(1) } }],
    [
      'an inode of another type than its name says',
      { names: raw.listing({ name: 'f', type: 3, number: 2, offset: 0 }) },
    ],
    ['an entry of an unknown type', { names: raw.listing({ name: 'f', type: 8, number: 2, offset: 0 }) }],
    ['the name .', { names: raw.listing({ name: '.', type: 2, number: 2, offset: 0 }) }],
    ['the name ..', { names: raw.listing({ name: '..', type: 2, number: 2, offset: 0 }) }],
    ['a name with a slash', { names: raw.listing({ name: 'a/b', type: 2, number: 2, offset: 0 }) }],
    ['a name with a NUL', { names: raw.listing({ name: 'a\0b', type: 2, number: 2, offset: 0 }) }],
    ['a name of 256 bytes', { names: raw.listing({ name: 'n'.repeat(256), type: 2, number: 2, offset: 0 }) }],
    [
      'a name twice',
      {
        names: raw.listing({ name: 'f', type: 2, number: 2, offset: 0 }, { name: 'f', type: 2, number: 2, offset: 0 }),
      },
    ],
    [
      'names that are not sorted',
      {
        names: raw.listing({ name: 'g', type: 2, number: 2, offset: 0 }, { name: 'f', type: 2, number: 2, offset: 0 }),
      },
    ],
    [
      'a listing with too many names',
      { names: Buffer.concat([raw.fields([4, 256], [4, 0], [4, 0]), Buffer.alloc(4000)]) },
    ],
    [
      'a directory that is in itself',
      { names: raw.listing({ name: 'd', type: 1, number: 1, offset: FILE.length }), file: FILE },
    ],
    ['a user whose id is not there', { file: raw.file({ number: 2, uid: 1 }, { size: 0 }) }],
    ['a user whose id is no id', { ids: [0xffffffff] }],
    ['a link to nothing', { file: raw.symlink({ number: 2 }, '') }],
    ['a link that is too long', { file: raw.symlink({ number: 2 }, 'x', 4096) }],
    ['a link with a NUL', { file: raw.symlink({ number: 2 }, 'a\0') }],
    ['a file that is too large', { file: raw.file({ number: 2 }, { size: 9 * 1024 ** 3 }) }, 'STACK4003'],
    ['a file of no size that is a number', { file: raw.file({ number: 2 }, { size: 2n ** 63n }) }],
    ['a file without blocks', { file: raw.file({ number: 2 }, { size: 8 * 1024 ** 3 - 1 }) }],
    [
      'a block outside of the image',
      { file: raw.file({ number: 2 }, { size: 10, start: 10 ** 9, blocks: [10 | 0x1000000] }) },
    ],
    ['a block that is too short', { file: raw.file({ number: 2 }, { size: 10, blocks: [9 | 0x1000000] }) }],
    ['a block that is too long', { file: raw.file({ number: 2 }, { size: 10, blocks: [11 | 0x1000000] }) }],
    ['a block larger than blocks are', { file: raw.file({ number: 2 }, { size: 10, blocks: [5000] }) }],
    ['a block that is corrupt', { file: raw.file({ number: 2 }, { size: 10, blocks: [10] }) }],
    ['a fragment that is not there', { file: raw.file({ number: 2 }, { size: 10, fragment: 0 }) }],
    [
      'an end outside of its fragment',
      {
        file: raw.file({ number: 2 }, { size: 10, fragment: 0, offset: 95 }),
        fragments: [{ start: 96, size: 100 | 0x1000000 }],
      },
    ],
    ['extended attributes where there are none', { file: raw.file({ number: 2 }, { size: 0, xattrs: 0 }) }],
    ...(
      [
        ['of no name', 1, raw.xattr(0, '', 'v')],
        ['of an unknown prefix', 1, raw.xattr(3, 'a', 'v')],
        ['with a name that is too long', 1, raw.xattr(0, 'n'.repeat(251), 'v')],
        ['with a value that is too long', 1, raw.xattr(0, 'a', 'v', 70_000)],
        ['with a value that ends early', 1, raw.xattr(0, 'a', 'v', 1000)],
        ['that is there twice', 2, Buffer.concat([raw.xattr(0, 'a', 'v'), raw.xattr(0, 'a', 'w')])],
        ['that points nowhere', 1, raw.xattr(0x100, 'a', 'v')],
        ['that points outside', 1, raw.xattr(0x100, 'a', raw.fields([8, 2 ** 40]))],
        ['too few of them', 20_000, raw.xattr(0, 'a', 'v')],
      ] as const
    ).map(([what, count, encoded]): [string, object] => [
      `an extended attribute ${what}`,
      { file: raw.file({ number: 2 }, { size: 0, xattrs: 0 }), xattrs: [{ count, encoded }] },
    ]),
    [
      'extended attributes that share a value to be large',
      {
        file: raw.file({ number: 2 }, { size: 0, xattrs: 0 }),
        xattrs: [
          {
            count: 301,
            encoded: Buffer.concat([
              raw.xattr(0, 'a', 'v'.repeat(4000)),
              ...Array.from({ length: 300 }, (_each, at) => raw.xattr(0x100, String(at), u64(5))),
            ]),
          },
        ],
      },
      'STACK4003',
    ],
    [
      'content that is elsewhere',
      {
        file: raw.file({ number: 2 }, { size: 0, xattrs: 0 }),
        xattrs: [{ count: 1, encoded: raw.xattr(1, 'overlay.metacopy', '') }],
      },
      'STACK4004',
    ],
    [
      'a name that layers have for removed files',
      { names: raw.listing({ name: '.wh.f', type: 2, number: 2, offset: 0 }) },
      'STACK4004',
    ],
  ])('is refused for %s', async (_, changes, code = 'STACK4001') => {
    const error = await failureOf(read(raw.buildImage(parts(changes))));
    expect(error).toMatchObject({ code, message: expect.stringMatching(/^it: /) as string });
  });

  test('is refused for a size of a block with the highest bit set', async () => {
    for (const size of [0x80000000, 0xffffffff, 0x81000000]) {
      const stored = Buffer.alloc(4);
      stored.writeUInt32LE(size);
      const inode = Buffer.concat([raw.file({ number: 2 }, { size: 131_072 }), stored]);
      expect(await failureOf(read(raw.buildImage(parts({ file: inode }))))).toMatchObject({ code: 'STACK4001' });
    }
  });

  test('is refused for two inodes of one number', async () => {
    const files = Buffer.concat([FILE, FILE]);
    const names = raw.listing(
      { name: 'f', type: 2, number: 2, offset: 0 },
      { name: 'g', type: 2, number: 2, offset: FILE.length },
    );
    const inodes = Buffer.concat([files, raw.directory({ number: 1 }, 0, names.length)]);
    const image = raw.buildImage({ inodes, root: files.length, listings: names });
    expect(await failureOf(read(image))).toMatchObject({ code: 'STACK4001', message: /two inodes/ });
  });

  test.each<[string, Partial<NonNullable<ReadArchiveOptions['limits']>>]>([
    ['entries', { entries: 1 }],
    ['bytes', { bytes: 4095 }],
    ['names', { names: 0 }],
  ])('is refused above the limit on %s', async (_, limit) => {
    const limits = { entries: 100, bytes: 100_000, depth: 10, names: 1000 };
    const image = raw.buildImage(parts());
    expect((await read(image, { limits })).tree).toHaveLength(2);
    expect(await failureOf(read(image, { limits: { ...limits, ...limit } }))).toMatchObject({ code: 'STACK4003' });
  });
});

test('what was made at another time is the same to the reader', async () => {
  const [one, two] = [
    await bench.pack([entryOf('a', 'A')]),
    await bench.pack([entryOf('a', 'A')], { epoch: EPOCH + 1 }),
  ];
  expect((await read(one.bytes)).copy).toEqual((await read(two.bytes)).copy);
});
