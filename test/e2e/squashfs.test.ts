import { createCipheriv, createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { bytesToName } from '../../lib/core';
import { ANNOTATION } from '../../lib/oci';
import {
  type Entry,
  type Metadata,
  type PackedBlob,
  packTree,
  sortTree,
  SquashfsSink,
  zstdCompressor,
} from '../../lib/pack';
import { blockCompressor } from '../../lib/pack/squashfs/frame';
import { asRoot, statusAsRoot } from './as-root';
import { Mounts } from './mounts';

const EPOCH = 315532800;
const MINUTE = 60_000;
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'squashfs-e2e-'));
const mounts = new Mounts();

afterAll(() => {
  mounts.end();
  asRoot('rm', '-rf', scratch);
});

function newDirectory(): string {
  return fs.mkdtempSync(path.join(scratch, 'd-'));
}

interface Packed {
  readonly file: string;
  readonly blob: PackedBlob;
  /** Bytes of the filesystem, without the verity area. */
  readonly size: number;
}

async function pack(entries: readonly Entry[], level = 3): Promise<Packed> {
  const file = path.join(newDirectory(), 'blob');
  const options = {
    compress: zstdCompressor(level),
    level,
    epoch: EPOCH,
    verity: true,
    mediaType: 'application/x-test',
  };
  const { blobs } = await packTree(sortTree(entries), [new SquashfsSink(file, options)]);
  // The superblock says how large the filesystem is (bytes_used); it is padded to 4096.
  const used = Number(fs.readFileSync(file).readBigUInt64LE(40));
  return { file, blob: blobs[0]!, size: Math.ceil(used / 4096) * 4096 };
}

function extract(file: string): string {
  const directory = path.join(newDirectory(), 'tree');
  asRoot('unsquashfs', '-no-progress', '-quiet', '-dest', directory, file);
  return directory;
}

/** What there is to see of one path. */
interface Facts {
  readonly type: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly links?: number;
  readonly device?: number;
  readonly content?: string;
  readonly target?: string;
}

/** All facts about a tree on this machine, by path. Paths are read one byte a character. */
function factsOf(root: string): Map<string, Facts> {
  const found = new Map<string, Facts>();
  const visit = (relative: string): void => {
    const place = Buffer.from(path.posix.join(root, relative), 'latin1');
    const stat = fs.lstatSync(place);
    const { mode, uid, gid, mtimeMs, nlink, rdev } = stat;
    found.set(relative, {
      type: mode & 0o170000,
      mode: mode & 0o7777,
      uid,
      gid,
      mtime: mtimeMs / 1000,
      ...(stat.isDirectory() ? {} : { links: nlink }),
      ...(stat.isCharacterDevice() || stat.isBlockDevice() ? { device: rdev } : {}),
      ...(stat.isFile() ? { content: sha256(fs.readFileSync(place)) } : {}),
      ...(stat.isSymbolicLink() ? { target: fs.readlinkSync(place, 'latin1') } : {}),
    });
    if (!stat.isDirectory()) return;
    for (const name of fs.readdirSync(place, 'latin1')) visit(relative === '' ? name : `${relative}/${name}`);
  };
  visit('');
  return found;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Extended attributes of one path, in hex. */
function xattrsOf(file: string): Record<string, string> {
  const lines = asRoot(
    'getfattr',
    '--absolute-names',
    '--no-dereference',
    '--dump',
    '--match=-',
    '--encoding=hex',
    file,
  );
  const pairs = [...lines.matchAll(/^([^#=\n]+)=0x([0-9a-f]*)$/gm)];
  return Object.fromEntries(pairs.map(([, name, value]) => [name!, value!]));
}

const PLAIN: Metadata = { mode: 0o644, uid: 0, gid: 0, mtime: EPOCH };
const TYPES = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  char: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
};

function file(name: string, content: string | Buffer, metadata: Partial<Metadata> = {}): Entry {
  const bytes = Buffer.from(content);
  return { type: 'file', path: name, ...PLAIN, ...metadata, size: bytes.length, content: { kind: 'bytes', bytes } };
}

function directory(name: string, metadata: Partial<Metadata> & { opaque?: boolean } = {}): Entry {
  return { type: 'directory', path: name, ...PLAIN, mode: 0o755, ...metadata };
}

function lines(count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, line) => `this is line ${String(line)}\n`).join(''));
}

/** Bytes that do not compress. */
function noise(length: number, seed = 0): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16)).update(Buffer.alloc(length));
}

const MiB = 1024 * 1024;
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const LONG_TARGET = 'up/'.repeat(1300);
const FOREIGN = bytesToName(Buffer.from([0x6e, 0xe4, 0x6d, 0x65, 0xff]));
const DEEP = Array.from({ length: 150 }, (_, level) => `level-${String(level)}`).join('/');

const TREE: readonly Entry[] = [
  directory('', { mode: 0o1775, uid: 12, gid: 13, mtime: 1_000_000_000 }),
  file('big', Buffer.concat([lines(200_000), noise(2 * MiB), Buffer.from('end')])),
  file('big-copy', Buffer.concat([lines(200_000), noise(2 * MiB), Buffer.from('end')])),
  file(`deep/${DEEP}/file`, 'down here'),
  directory('dev', { mode: 0o1777 }),
  { type: 'char', path: 'dev/null', ...PLAIN, mode: 0o666, major: 1, minor: 3 },
  { type: 'char', path: 'dev/large', ...PLAIN, major: 511, minor: 70_000 },
  { type: 'block', path: 'dev/disk', ...PLAIN, gid: 6, major: 8, minor: 1 },
  { type: 'fifo', path: 'dev/pipe', ...PLAIN, mtime: 5 },
  file('empty', ''),
  file('exact', noise(2 * 128 * 1024)),
  ...Array.from({ length: 400 }, (_, id) =>
    file(`ids/${String(id)}`, '', { uid: 10_000 + id, gid: 4_000_000_000 + id }),
  ),
  directory('links', { mode: 0o2755, gid: 50 }),
  { type: 'symlink', path: 'links/long', ...PLAIN, mode: 0o777, target: LONG_TARGET },
  { type: 'symlink', path: 'links/relative', ...PLAIN, mode: 0o777, uid: 3, target: '../big' },
  { type: 'hardlink', path: 'links/script', ...PLAIN, target: 'a-script' },
  { type: 'hardlink', path: 'links/script-too', ...PLAIN, target: 'a-script' },
  file('a-script', '#!/bin/sh\n', { mode: 0o4755, mtime: 4_000_000_000 }),
  ...Array.from({ length: 5000 }, (_, number) => file(`many/entry-${String(number)}`, `number ${String(number)}`)),
  file(FOREIGN, 'a name of bytes'),
  file('sparse', Buffer.concat([Buffer.alloc(3 * MiB), lines(10), Buffer.alloc(MiB)])),
  file('xattrs', 'x', {
    xattrs: [
      { name: 'security.capability', value: CAPABILITY },
      { name: 'trusted.stack', value: Buffer.from('only root') },
      { name: 'user.large', value: noise(2000) },
    ],
  }),
  {
    type: 'symlink',
    path: 'xattrs-link',
    ...PLAIN,
    mode: 0o777,
    target: 'x',
    xattrs: [{ name: 'trusted.l', value: Buffer.from('l') }],
  },
  directory('xattrs-directory', { xattrs: [{ name: 'user.d', value: Buffer.from('d') }] }),
];

/** The facts the tree above stands for. */
function expectedFacts(): Map<string, Facts> {
  const expected = new Map<string, Facts>();
  for (let path = `deep/${DEEP}`; path !== ''; path = path.slice(0, Math.max(path.lastIndexOf('/'), 0))) {
    expected.set(path, { type: TYPES.directory, ...PLAIN, mode: 0o755 });
  }
  for (const implied of ['ids', 'many']) expected.set(implied, { type: TYPES.directory, ...PLAIN, mode: 0o755 });
  for (const entry of TREE) {
    if (entry.type === 'hardlink' || entry.type === 'whiteout') continue;
    const { mode, uid, gid, mtime } = entry;
    const name = entry.path === FOREIGN ? 'n\u00e4me\u00ff' : entry.path;
    expected.set(name, {
      type: TYPES[entry.type],
      mode,
      uid,
      gid,
      mtime,
      ...(entry.type === 'directory' ? {} : { links: 1 }),
      ...(entry.type === 'symlink' ? { target: entry.target } : {}),
      ...(entry.type === 'file' && entry.content.kind === 'bytes' ? { content: sha256(entry.content.bytes) } : {}),
    });
  }
  for (const [name, device] of Object.entries({ null: 0x103, large: 0x1111ff70, disk: 0x801 })) {
    expected.set(`dev/${name}`, { ...expected.get(`dev/${name}`)!, device });
  }
  const script = { ...expected.get('a-script')!, links: 3 };
  for (const name of ['a-script', 'links/script', 'links/script-too']) expected.set(name, script);
  return expected;
}

function sorted(facts: Map<string, Facts>): [string, Facts][] {
  return [...facts].sort(([a], [b]) => (a < b ? -1 : 1));
}

describe('an image of everything there is', () => {
  let packed: Packed;
  let mounted: string;
  let extracted: string;

  beforeAll(async () => {
    packed = await pack(TREE);
    mounted = mounts.squashfs(packed.file);
    extracted = extract(packed.file);
  }, 2 * MINUTE);

  test('the kernel shows exactly the tree', () => {
    expect(sorted(factsOf(mounted))).toEqual(sorted(expectedFacts()));
  });

  test('unsquashfs extracts exactly the tree', () => {
    expect(sorted(factsOf(extracted))).toEqual(sorted(expectedFacts()));
  });

  test('unsquashfs lists every path, with numbers for users and groups', () => {
    const listing = asRoot('env', 'TZ=UTC', 'unsquashfs', '-lln', packed.file);
    expect(listing).toMatch(/^drwxrwxr-t 12\/13 +\d+ 2001-09-09 01:46 squashfs-root$/m);
    expect(listing).toMatch(/^-rwsr-xr-x 0\/0 +10 2096-10-02 07:06 squashfs-root\/links\/script-too$/m);
    expect(listing).toMatch(/^brw-r--r-- 0\/6 +8, +1 1980-01-01 00:00 squashfs-root\/dev\/disk$/m);
    expect(listing).toMatch(/^lrwxrwxrwx 3\/0 +6 1980-01-01 00:00 squashfs-root\/links\/relative -> \.\.\/big$/m);
    expect(listing.trimEnd().split('\n')).toHaveLength(expectedFacts().size);
  });

  test.each(['mounted', 'extracted'])('extended attributes are there when it is %s', (how) => {
    const root = how === 'mounted' ? mounted : extracted;
    expect(xattrsOf(path.join(root, 'xattrs'))).toEqual({
      'security.capability': CAPABILITY.toString('hex'),
      'trusted.stack': Buffer.from('only root').toString('hex'),
      'user.large': noise(2000).toString('hex'),
    });
    expect(xattrsOf(path.join(root, 'xattrs-link'))).toEqual({ 'trusted.l': '6c' });
    expect(xattrsOf(path.join(root, 'xattrs-directory'))).toEqual({ 'user.d': '64' });
    expect(xattrsOf(path.join(root, 'big'))).toEqual({});
  });

  test('hard links have the same inode', () => {
    const inodes = ['a-script', 'links/script', 'links/script-too'].map(
      (name) => fs.statSync(path.join(mounted, name)).ino,
    );
    expect(new Set(inodes).size).toBe(1);
  });

  test('zeros take no blocks', () => {
    const { blocks, size } = fs.statSync(path.join(mounted, 'sparse'));
    expect(blocks * 512).toBeLessThan(size / 4);
  });

  test('every name of a large directory is found, and others are not', () => {
    for (let number = 0; number < 5000; number += 7) {
      expect(fs.readFileSync(path.join(mounted, `many/entry-${String(number)}`), 'utf8')).toBe(
        `number ${String(number)}`,
      );
    }
    for (const name of ['entry', 'entry-', 'entry-49990', 'zzz', '!']) {
      expect(fs.existsSync(path.join(mounted, 'many', name))).toBe(false);
    }
  });

  test('packed again it has the same bytes', async () => {
    expect((await pack(TREE)).blob).toEqual(packed.blob);
  });
});

describe('small trees', () => {
  test('an empty tree can be mounted and extracted', async () => {
    const { file } = await pack([]);
    const root = { type: TYPES.directory, ...PLAIN, mode: 0o755 };
    expect([...factsOf(mounts.squashfs(file))]).toEqual([['', root]]);
    expect([...factsOf(extract(file))]).toEqual([['', root]]);
  });

  test('a single top directory stays one', async () => {
    const { file } = await pack([directory('top', { mode: 0o711 }), directory('top/inner')]);
    for (const root of [mounts.squashfs(file), extract(file)]) {
      expect(fs.readdirSync(root)).toEqual(['top']);
      expect(fs.statSync(path.join(root, 'top')).mode & 0o7777).toBe(0o711);
    }
  });

  test.each([1, 10])('frames of level %d can be read', async (level) => {
    const { file: image } = await pack([file('f', lines(50_000))], level);
    for (const root of [mounts.squashfs(image), extract(image)]) {
      expect(fs.readFileSync(path.join(root, 'f')).equals(lines(50_000))).toBe(true);
    }
  });
});

test('the kernel reads a block wherever in a page its frame ends', async () => {
  // It reads page by page, and gives up when the content is complete and something of the frame is still in the next page.
  const compress = blockCompressor(zstdCompressor(3));
  const blockOf = async (seed: number, frameSize: number): Promise<Buffer> => {
    const block = Buffer.alloc(128 * 1024);
    noise(frameSize - 90, seed).copy(block);
    // Every byte that does not compress, put at the end, makes the frame one byte longer.
    for (let end = 1; end <= 90; end += 1) {
      noise(end, 255).copy(block, block.length - end);
      if ((await compress(block)).length === frameSize) return block;
    }
    throw new Error(`no content has a frame of ${String(frameSize)} bytes`);
  };
  const firstEnd = 2 * 4096 - 10;
  const blocks = [await blockOf(0, firstEnd - 96 - 6)];
  for (let number = 1; number <= 20; number += 1) blocks.push(await blockOf(number, 4097));
  const { file: image } = await pack([file('blocks', Buffer.concat(blocks))]);
  expect(sha256(fs.readFileSync(path.join(mounts.squashfs(image), 'blocks')))).toBe(sha256(Buffer.concat(blocks)));
});

describe('whiteouts', () => {
  test('overlayfs hides what they stand for', async () => {
    const lower = newDirectory();
    fs.mkdirSync(path.join(lower, 'opaque'));
    fs.mkdirSync(path.join(lower, 'open'));
    for (const name of ['gone', 'kept', 'opaque/hidden', 'open/seen']) fs.writeFileSync(path.join(lower, name), name);
    const { file: image } = await pack([
      { type: 'whiteout', path: 'gone' },
      directory('open'),
      file('open/new', ''),
      directory('opaque', { opaque: true }),
      file('opaque/new', ''),
    ]);
    const view = mounts.overlay(lower, mounts.squashfs(image));
    expect(fs.readdirSync(view).sort()).toEqual(['kept', 'opaque', 'open']);
    expect(fs.readdirSync(path.join(view, 'open')).sort()).toEqual(['new', 'seen']);
    expect(fs.readdirSync(path.join(view, 'opaque'))).toEqual(['new']);
  });
});

describe('verity', () => {
  function verify({ file, size, blob }: Packed): number | null {
    const root = blob.annotations[ANNOTATION.verityRootHash]!;
    return statusAsRoot('veritysetup', 'verify', file, file, root, `--hash-offset=${String(size)}`);
  }

  // 1 block: no tree at all; 128 and 129: one and two levels; 17,000: three levels.
  test.each([0, 120, 150, 17_000])(
    'veritysetup accepts an image of about %d blocks, until one byte is flipped',
    async (blocks) => {
      const packed = await pack(blocks === 0 ? [] : [file('f', noise(blocks * 4096))]);
      expect(verify(packed)).toBe(0);
      const handle = fs.openSync(packed.file, 'r+');
      const place = Math.floor(packed.size / 2);
      const byte = Buffer.alloc(1);
      fs.readSync(handle, byte, 0, 1, place);
      fs.writeSync(handle, Buffer.from([byte[0]! ^ 0x10]), 0, 1, place);
      fs.closeSync(handle);
      expect(verify(packed)).not.toBe(0);
    },
    MINUTE,
  );
});

test('a full disk is reported as such', async () => {
  const disk = mounts.disk('1m');
  const options = {
    compress: zstdCompressor(3),
    level: 3,
    epoch: EPOCH,
    verity: true,
    mediaType: 'application/x-test',
  };
  const sink = new SquashfsSink(path.join(disk, 'blob'), options);
  await expect(packTree([file('f', noise(8 * MiB))], [sink])).rejects.toMatchObject({ code: 'ENOSPC' });
});
