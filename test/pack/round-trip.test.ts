import * as fs from 'node:fs';
import fc from 'fast-check';
import { bytesToName } from '../../lib/core';
import { createCompressor, packTree, parentOf, sortTree, TarSink, type Entry, type Tree } from '../../lib/pack';
import { isReserved } from '../../lib/pack/whiteout';
import { Bench, contentOf, cut } from './fixture';

const bench = new Bench();
afterAll(() => {
  bench.remove();
});

const component = fc
  .oneof(
    fc.constantFrom('a', 'b', 'c', 'd-e', 'ü'),
    fc.constantFrom('long').map((text) => text.repeat(40)),
    fc.uint8Array({ minLength: 1, maxLength: 8 }).map((bytes) => bytesToName(Buffer.from(bytes))),
  )
  .filter((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..' && !isReserved(name));
const path = fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const target = fc.oneof(
  path,
  path.map((each) => `/${each}`),
  fc.constant('../x'),
  fc.constant('t'.repeat(300)),
);
const metadata = {
  path,
  mode: fc.nat(0o7777),
  uid: fc.oneof(fc.nat(5), fc.integer({ min: 0, max: 0xfffffffe })),
  gid: fc.nat(0xffffff),
  mtime: fc.oneof(fc.constant(0), fc.integer(), fc.constant(2 ** 34)),
  xattrs: fc.option(
    fc.uniqueArray(
      fc.record({
        name: fc.constantFrom('security.capability', 'user.a', 'user.ü', 'user.z'),
        value: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      }),
      { minLength: 1, selector: ({ name }) => name },
    ),
    { nil: undefined },
  ),
};
const content = fc
  .oneof(fc.constant(0), fc.nat(30), fc.constantFrom(511, 512, 513, 1024))
  .chain((length) => fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes)));
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({ type: fc.constant('file' as const), ...metadata, bytes: content }).map(({ bytes, ...rest }) => ({
    ...rest,
    size: bytes.length,
    content: { kind: 'bytes' as const, bytes },
  })),
  fc.record({ type: fc.constant('directory' as const), ...metadata, opaque: fc.constantFrom(true, undefined) }),
  fc.record({ type: fc.constant('symlink' as const), ...metadata, mode: fc.constant(0o777), target }),
  fc.record({
    type: fc.constant('char' as const),
    ...metadata,
    major: fc.integer({ min: 1, max: 4095 }),
    minor: fc.nat(0xfffff),
  }),
  fc.record({ type: fc.constant('block' as const), ...metadata, major: fc.nat(4095), minor: fc.nat(0xfffff) }),
  fc.record({ type: fc.constant('fifo' as const), ...metadata }),
  fc.record({ type: fc.constant('whiteout' as const), path }),
);

/** Entries that can be together: each path once, below nothing but directories; some files get a second name. */
function treeOf(entries: readonly Entry[]): Tree {
  const chosen = new Map<string, Entry>();
  const directories = new Set<string>();
  for (const each of entries) {
    const above: string[] = [];
    for (let parent = parentOf(each.path); parent !== ''; parent = parentOf(parent)) above.push(parent);
    const fits = above.every((parent) => (chosen.get(parent)?.type ?? 'directory') === 'directory');
    if (chosen.has(each.path) || !fits || (directories.has(each.path) && each.type !== 'directory')) continue;
    chosen.set(each.path, each);
    for (const parent of above) directories.add(parent);
  }
  const links = [...chosen.values()].flatMap((each): Entry[] => {
    const name = `0${each.path.replaceAll('/', '_')}`;
    if (each.type !== 'file' || each.size % 2 === 0 || chosen.has(name) || directories.has(name)) return [];
    const { mode, uid, gid, mtime, xattrs } = each;
    return [{ type: 'hardlink', path: name, target: each.path, mode, uid, gid, mtime, xattrs }];
  });
  return sortTree([...chosen.values(), ...links]);
}

/** An entry in a form that can be compared: content as text, xattrs sorted, nothing undefined. */
function comparable(each: Entry): unknown {
  const xattrs =
    each.type === 'whiteout'
      ? undefined
      : each.xattrs?.map(({ name, value }) => `${name}=${value.toString('hex')}`).sort();
  const bytes = each.type === 'file' ? contentOf(each).toString('hex') : undefined;
  return JSON.parse(JSON.stringify({ ...each, xattrs, content: bytes, sha256: undefined })) as unknown;
}

test('a tree comes out of its tar as it went in, in chunks of any size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 12 }).map(treeOf),
      fc.integer({ min: 200, max: 3000 }),
      async (tree, chunkSize) => {
        const file = bench.fresh();
        const { blobs } = await packTree(tree, [new TarSink(file, createCompressor('none'), 2)]);
        const archive = await bench.read(cut(fs.readFileSync(file), chunkSize));
        expect(archive.diffId).toBe(blobs[0]?.diffId);
        expect(archive.tree.map(comparable)).toEqual(tree.map(comparable));
      },
    ),
    { numRuns: 40 },
  );
});
