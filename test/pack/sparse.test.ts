import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { overlayTar, type Archive, type FileEntry } from '../../lib/pack';
import { Bench, codeOf, contentOf, cut } from './fixture';
import { base256, entry, file, header, pax, record, tar } from './tar-builder';

const KIB = 1024;
const bench = new Bench();

afterAll(() => {
  bench.remove();
});

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

function fileIn({ tree }: Archive, path: string): FileEntry {
  const found = tree.find((each) => each.path === path);
  if (found?.type !== 'file') throw new Error(`no file '${path}'`);
  return found;
}

describe('what GNU tar stores as sparse', () => {
  const directory = bench.fresh();
  /** Contents by name, with holes in them. */
  const contents: Record<string, Buffer> = {};

  beforeAll(() => {
    fs.mkdirSync(directory);
    const add = (name: string, size: number, data: Record<number, string>): void => {
      contents[name] = Buffer.alloc(size);
      const fd = fs.openSync(`${directory}/${name}`, 'w');
      for (const [at, text] of Object.entries(data)) {
        contents[name].write(text, Number(at));
        fs.writeSync(fd, text, Number(at));
      }
      fs.ftruncateSync(fd, size);
      fs.closeSync(fd);
    };
    add('all-hole', 1500 * KIB, {});
    add('begins', 100 * KIB, { 0: 'a'.repeat(5000) });
    add('dense', 5000, { 0: 'd'.repeat(5000) });
    add('ends', 500 * KIB + 5, { [500 * KIB]: 'e' });
    const many = Array.from({ length: 60 }, (_, each) => [each * 16 * KIB, `${String(each)} `.repeat(1000)] as const);
    add('many', 1000 * KIB, Object.fromEntries(many)); // more than one block of a map
    add('middle', 300 * KIB, { [100 * KIB]: 'm'.repeat(12_345) });
    add(`${'n'.repeat(120)}`, 64 * KIB, { 0: 'long name' });
  });

  const make = (...options: readonly string[]): Buffer =>
    execFileSync('tar', ['-c', '--sort=name', '--sparse', ...options, '-C', directory, '.'], {
      maxBuffer: 64 * KIB * KIB,
    });

  test.each([
    ['in the old form', ['--format=gnu'], / S\0{100}ustar {2}\0/],
    ['in pax 0.0', ['--format=pax', '--sparse-version=0.0'], /GNU\.sparse\.numbytes=/],
    ['in pax 0.1', ['--format=pax', '--sparse-version=0.1'], /GNU\.sparse\.map=/],
    ['in pax 1.0', ['--format=pax', '--sparse-version=1.0'], /GNU\.sparse\.realsize=/],
  ])('%s is read with its holes', async (_, options, sign) => {
    const archive = make(...options);
    expect(archive.length).toBeLessThan(1000 * KIB);
    expect(archive.toString('latin1')).toMatch(sign);
    for (const size of [archive.length, 10_007]) {
      const read = await bench.read(cut(archive, size), { layer: false });
      expect(read.diffId).toBe(digestOf(archive));
      for (const [name, content] of Object.entries(contents)) {
        const found = fileIn(read, name);
        expect(found).toMatchObject({ size: content.length, sha256: digestOf(content).slice(7) });
        expect(contentOf(found).equals(content)).toBe(true);
      }
      const [{ content }] = [fileIn(read, 'dense')];
      // The copy is the archive itself.
      expect(fs.readFileSync(content.kind === 'slice' ? content.file : '').equals(archive)).toBe(true);
      expect(read.copy).toEqual({ digest: read.diffId, size: archive.length });
    }
  });

  test('is written for overlayfs with its holes again, as GNU tar unpacks it', async () => {
    const { tree } = await bench.read(make('--format=posix'), { layer: false });
    const unpacked = bench.fresh();
    fs.mkdirSync(unpacked);
    const archive = Buffer.concat([...overlayTar(tree, 'user.overlay.opaque')]);
    expect(archive.length).toBeLessThan(1000 * KIB);
    execFileSync('tar', ['-x', '-C', unpacked], { input: archive });
    for (const [name, content] of Object.entries(contents)) {
      const [was, is] = [`${directory}/${name}`, `${unpacked}/${name}`];
      expect(fs.readFileSync(is).equals(content)).toBe(true);
      expect(fs.statSync(is).blocks).toBeLessThanOrEqual(fs.statSync(was).blocks);
    }
  });
});

/** A header in GNU's old form. */
function old(stretches: readonly (readonly [number, number])[], size: number, changes: object = {}): Buffer {
  const octal = (value: number): string => `${value.toString(8).padStart(11, '0')}\0`;
  const map = stretches.map(([offset, length]) => octal(offset) + octal(length)).join('');
  const stored = stretches.reduce((sum, [, length]) => sum + length, 0);
  const patch = { 386: map, 483: octal(size) };
  return header({
    name: 'f',
    type: 'S',
    magic: 'ustar  \0',
    size: stored,
    ...changes,
    patch: { ...patch, ...patchOf(changes) },
  });
}

function patchOf(changes: object): Record<number, string | Buffer> {
  return 'patch' in changes ? (changes.patch as Record<number, string | Buffer>) : {};
}

const data = (text: string): Buffer => Buffer.concat([Buffer.from(text), Buffer.alloc(512 - text.length)]);
const v1 = (map: string, content = 'abc', realsize = '10'): Buffer =>
  tar(
    pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'f', 'GNU.sparse.realsize': realsize }),
    entry(
      { name: 'made/up' },
      Buffer.concat([Buffer.from(map), Buffer.alloc((512 - (map.length % 512)) % 512), Buffer.from(content)]),
    ),
  );

describe('a sparse file made by hand', () => {
  test('is read with its content, followed by others', async () => {
    for (const archive of [
      tar(old([[2, 3]], 10), data('abc'), file('z', 'last')),
      Buffer.concat([v1('1\n2\n3\n').subarray(0, -1024), tar(file('z', 'last'))]),
      tar(
        pax({ 'GNU.sparse.size': '10', 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '2,3', 'GNU.sparse.name': 'f' }),
        file('made/up', 'abc'),
        file('z', 'last'),
      ),
    ]) {
      for (const size of [1, 511, 513, archive.length]) {
        const read = await bench.read(cut(archive, size));
        expect(contentOf(fileIn(read, 'f')).toString()).toBe('\0\0abc\0\0\0\0\0');
        expect(contentOf(fileIn(read, 'z')).toString()).toBe('last');
        expect(read.tree).toHaveLength(2);
      }
    }
  });

  test('may be empty, or nothing but a hole at the end of a chunk', async () => {
    const archive = tar(old([], 0), old([], 7, { name: 'g' }));
    const read = await bench.read(cut(archive, 512));
    expect(fileIn(read, 'f').size).toBe(0);
    expect(contentOf(fileIn(read, 'g')).toString()).toBe('\0'.repeat(7));
  });

  test.each<[string, Buffer]>([
    ['a map that does not fit the data', tar(old([[0, 5]], 10, { size: 4 }), data('abcd'))],
    [
      'stretches that overlap',
      tar(
        old(
          [
            [0, 5],
            [4, 5],
          ],
          10,
        ),
        data('abcdefghij'),
      ),
    ],
    ['stretches beyond the size', tar(old([[8, 5]], 10), data('abcde'))],
    ['a negative size', tar(old([], 0, { patch: { 483: base256(-5n, 12) } }))],
    ['a negative stretch', tar(old([], 10, { patch: { 386: base256(-5n, 12), 398: base256(5n, 12) } }))],
    ['a map of another archive', tar(old([[0, 1]], 10, { magic: 'ustar\x0000' }), data('a'))],
    [
      'a directory',
      tar(
        pax({ 'GNU.sparse.size': '1', 'GNU.sparse.numblocks': '0', 'GNU.sparse.map': '' }),
        entry({ name: 'd', type: '5' }),
      ),
    ],
    ['no map', tar(pax({ 'GNU.sparse.size': '10', 'GNU.sparse.numblocks': '1' }), file('f', 'abc'))],
    ['no size', tar(pax({ 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '0,3' }), file('f', 'abc'))],
    [
      'half a stretch',
      tar(pax({ 'GNU.sparse.size': '10', 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '0' }), file('f', 'abc')),
    ],
    [
      'a map that is no list',
      tar(pax({ 'GNU.sparse.size': '10', 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '0,-3' }), file('f', 'abc')),
    ],
    [
      'records in the wrong order',
      tar(
        entry({ type: 'x' }, Buffer.concat([record('GNU.sparse.numbytes', '3'), record('GNU.sparse.offset', '0')])),
        file('f', 'abc'),
      ),
    ],
    ['a map of text that is no number', v1('1\n2\nx\n')],
    ['a map of text with a number too long', v1(`1${'0'.repeat(600)}\n`)],
    ['a map of text that goes on in other entries', v1('300\n2\n3\n')],
    ['a map of text without data', v1('1\n2\n3\n', '')],
    ['data behind the map', v1('1\n2\n3\n', 'abcd')],
    ['an archive that ends in its map', old([], 10, { patch: { 482: '\x01' } })],
    ['an archive that ends in its data', Buffer.concat([old([[0, 5]], 10), Buffer.from('abc')])],
  ])('is refused for %s', async (_, archive) => {
    expect(await codeOf(bench.read(archive))).toBe('STACK4001');
  });

  test('is refused in forms that are not of GNU', async () => {
    expect(await codeOf(bench.read(tar(pax({ 'SCHILY.realsize': '10' }), file('a'))))).toBe('STACK4004');
    const records = { 'GNU.sparse.major': '2', 'GNU.sparse.minor': '0' };
    expect(await codeOf(bench.read(tar(pax(records), file('a'))))).toBe('STACK4004');
  });

  test('cannot grow without bound', async () => {
    const limits = { entries: 10, bytes: 10_000_000, depth: 10, names: 1000 };
    expect(await codeOf(bench.read(tar(old([], 9_000_000)), { limits }))).toBe('none');
    expect(await codeOf(bench.read(tar(old([], 11_000_000)), { limits }))).toBe('STACK4003');
  });
});
