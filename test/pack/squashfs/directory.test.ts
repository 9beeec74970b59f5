import { writeListing } from '../../../lib/pack/squashfs/directory';
import { NONE } from '../../../lib/pack/squashfs/format';
import { MetadataWriter } from '../../../lib/pack/squashfs/metadata';
import { DirectoryNode, FifoNode } from '../../../lib/pack/squashfs/nodes';

const METADATA = { mode: 0o644, uid: 0, gid: 0, mtime: 0, xattrs: NONE };

/** Bytes of the listing of one-letter names, whose inodes have these numbers and blocks. */
async function sizeOf(inodes: readonly (readonly [number: number, block: number])[]): Promise<number> {
  const directory = new DirectoryNode(1, METADATA, undefined);
  inodes.forEach(([number, block], index) => {
    const node = new FifoNode(number, METADATA);
    node.position = { block, offset: 0 };
    directory.children.set(String.fromCharCode(97 + index), node);
  });
  return (await writeListing(directory, new MetadataWriter((content) => Promise.resolve(content)))).size;
}

const HEADER = 12;
const ENTRY = 9;

test('inodes that are near to each other share a header', async () => {
  expect(
    await sizeOf([
      [40_000, 7],
      [7_233, 7],
      [72_767, 7],
    ]),
  ).toBe(HEADER + 3 * ENTRY);
});

test.each([
  [
    'a number more than 32,767 above the first',
    [
      [1, 7],
      [32_769, 7],
    ],
  ],
  [
    'a number more than 32,768 below the first',
    [
      [40_000, 7],
      [7_231, 7],
    ],
  ],
  [
    'another metadata block',
    [
      [1, 7],
      [2, 8],
    ],
  ],
] as const)('%s needs a further header', async (_what, inodes) => {
  expect(await sizeOf(inodes)).toBe(2 * (HEADER + ENTRY));
});

test.each([
  [256, 1],
  [257, 2],
])('%d inodes in a row have %d headers', async (count, headers) => {
  const directory = new DirectoryNode(1, METADATA, undefined);
  for (let number = 0; number < count; number += 1) {
    const node = new FifoNode(2 + number, METADATA);
    node.position = { block: 0, offset: 20 * number };
    directory.children.set(`entry-${String(number)}`, node);
  }
  const names = [...directory.children.keys()].join('').length;
  const { size } = await writeListing(directory, new MetadataWriter((content) => Promise.resolve(content)));
  expect(size).toBe(12 * headers + 8 * count + names);
});
