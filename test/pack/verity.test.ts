import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { appendVerity, type VerityArea } from '../../lib/pack/verity';

const BLOCK = 4096;
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'verity-test-'));

afterAll(() => {
  fs.rmSync(directory, { recursive: true });
});

function sha256(...parts: (Buffer | string)[]): Buffer {
  return parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
}

/** An image of numbered blocks. */
function imageOf(blocks: number): Buffer {
  const image = Buffer.alloc(blocks * BLOCK);
  for (let number = 0; number < blocks; number += 1) image.writeUInt32LE(number + 1, number * BLOCK);
  return image;
}

async function append(image: Buffer): Promise<{ area: VerityArea; tail: Buffer; image: Buffer }> {
  const file = path.join(directory, 'image');
  fs.writeFileSync(file, image);
  const handle = await fs.promises.open(file, 'r+');
  try {
    const area = await appendVerity(handle, image.length, sha256(image));
    const written = fs.readFileSync(file);
    return { area, tail: written.subarray(image.length), image: written.subarray(0, image.length) };
  } finally {
    await handle.close();
  }
}

/** The whole tree by the book: level by level from the data up, each below the ones before. */
function treeOf(image: Buffer, salt: Buffer): { root: string; tree: Buffer } {
  let tree = Buffer.alloc(0);
  let level = image;
  while (level.length > BLOCK) {
    const digests: Buffer[] = [];
    for (let at = 0; at < level.length; at += BLOCK) digests.push(sha256(salt, level.subarray(at, at + BLOCK)));
    const length = Math.ceil(digests.length / 128) * BLOCK;
    level = Buffer.concat([...digests, Buffer.alloc(length - 32 * digests.length)]);
    tree = Buffer.concat([level, tree]);
  }
  return { root: sha256(salt, level).toString('hex'), tree };
}

test.each([1, 2, 127, 128, 129, 256, 257, 4096, 128 * 128, 128 * 128 + 1])(
  'the tree of %d blocks is the right one',
  async (blocks) => {
    const image = imageOf(blocks);
    const { area, tail, image: after } = await append(image);
    const { root, tree } = treeOf(image, tail.subarray(88, 120));
    expect(area.rootHash).toBe(root);
    expect(area.size).toBe(tail.length);
    expect(tail.subarray(BLOCK).equals(tree)).toBe(true);
    expect(after.equals(image)).toBe(true);
  },
);

test('the superblock is that of libcryptsetup, version 1', async () => {
  const image = imageOf(300);
  const { tail } = await append(image);
  const superblock = tail.subarray(0, BLOCK);
  const expected = Buffer.alloc(BLOCK);
  expected.write('verity\0\0', 'latin1');
  expected.writeUInt32LE(1, 8);
  expected.writeUInt32LE(1, 12);
  superblock.copy(expected, 16, 16, 32); // UUID, below
  expected.write('sha256', 32);
  expected.writeUInt32LE(4096, 64);
  expected.writeUInt32LE(4096, 68);
  expected.writeUInt32LE(300, 72);
  expected.writeUInt16LE(32, 80);
  sha256('cdk-stack dm-verity salt', sha256(image)).copy(expected, 88);
  expect(superblock.toString('hex')).toBe(expected.toString('hex'));
});

test('the UUID is a valid one, and belongs to the content', async () => {
  const uuidOf = async (blocks: number): Promise<string> =>
    (await append(imageOf(blocks))).tail.toString('hex', 16, 32);
  const uuid = await uuidOf(3);
  expect(uuid).toMatch(/^[0-9a-f]{12}8[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  expect(await uuidOf(3)).toBe(uuid);
  expect(await uuidOf(4)).not.toBe(uuid);
});

test('equal images get equal tails', async () => {
  const [one, other] = [await append(imageOf(1000)), await append(imageOf(1000))];
  expect(other.tail.equals(one.tail)).toBe(true);
});

test('a failing write ends with the own error of the system', async () => {
  const file = path.join(directory, 'read-only');
  fs.writeFileSync(file, imageOf(2));
  const handle = await fs.promises.open(file, 'r');
  await expect(appendVerity(handle, 2 * BLOCK, Buffer.alloc(32))).rejects.toMatchObject({ code: 'EBADF' });
  await handle.close();
});
