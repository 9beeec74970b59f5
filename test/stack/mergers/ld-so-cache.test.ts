import * as fc from 'fast-check';
import { ldSoCache } from '../../../lib/stack/mergers/ld-so-cache';
import type { Library } from '../../../lib/stack/mergers/ld-so-cache/cache';
import { decodeCache } from '../../../lib/stack/mergers/ld-so-cache/decode';
import { encodeCache } from '../../../lib/stack/mergers/ld-so-cache/encode';
import { compareLibraries } from '../../../lib/stack/mergers/ld-so-cache/order';
import { layStrings } from '../../../lib/stack/mergers/ld-so-cache/strings';
import { Malformed } from '../../../lib/stack/mergers/malformed';
import { requestOf } from './images';

const PATH = 'etc/ld.so.cache';

function library(soname: string, changes: Partial<Library> = {}): Library {
  return { soname, path: `/lib/${soname}`, flags: 0x303, osVersion: 0, hwcap: 0n, subdirectory: undefined, ...changes };
}

function cacheOf(libraries: readonly Library[], generator = 'ldconfig 2.36', isBigEndian = false): Buffer {
  return encodeCache({ libraries: [...libraries].sort(compareLibraries), generator, isBigEndian, idleStrings: [] });
}

async function merge(base: Buffer | undefined, ...sides: readonly Buffer[]) {
  const image = (content: Buffer | undefined) => (content === undefined ? {} : { [PATH]: content });
  const { files, problems } = await ldSoCache.merge(requestOf(image(base), ...sides.map(image)));
  const made = files.get(PATH);
  return made?.type === 'file' && problems.length === 0 ? made.content : problems.map(({ message }) => message);
}

const anyLibrary = fc
  .tuple(
    fc.constantFrom('liba.so.1', 'liba.so.10', 'liba.so.9', 'libb.so.1', 'xlibb.so.1', 'b'),
    fc.constantFrom(0x303, 0x3),
    fc.constantFrom<Partial<Library>>(
      {},
      { subdirectory: 'x86-64-v3', hwcap: (1n << 62n) | (3n << 32n) },
      { subdirectory: 'x86-64-v2', hwcap: 1n << 62n },
      { hwcap: 6n },
    ),
  )
  .map(([soname, flags, more]) => library(soname, { flags, ...more }));

const anyLibraries = fc.uniqueArray(anyLibrary, {
  maxLength: 12,
  selector: (each) => `${each.soname} ${String(each.flags)} ${String(each.hwcap)}`,
});

test('what is encoded decodes to the same', () => {
  fc.assert(
    fc.property(anyLibraries, fc.boolean(), (libraries, isBigEndian) => {
      const sorted = [...libraries].sort(compareLibraries);
      expect(decodeCache(cacheOf(libraries, 'me', isBigEndian))).toEqual({
        libraries: sorted,
        generator: 'me',
        isBigEndian,
        idleStrings: [],
      });
    }),
  );
});

test('components that add libraries give the cache of all, in any order', async () => {
  await fc.assert(
    fc.asyncProperty(anyLibraries, fc.nat(), fc.nat(), async (libraries, x, y) => {
      const part = (bits: number) => libraries.filter((_each, at) => at % 3 === 0 || ((bits >> at) & 1) === 1);
      const [base, a, b] = [part(0), part(x), part(y)].map((each) => cacheOf(each)) as [Buffer, Buffer, Buffer];
      const all = cacheOf(part(x | y));
      fc.pre(!a.equals(b) && !a.equals(base) && !b.equals(base)); // else nobody asks
      expect(await merge(base, a, b)).toEqual(all);
      expect(await merge(base, b, a)).toEqual(all);
    }),
  );
});

test('numbers in sonames sort by their value, highest first', () => {
  const sorted = ['liba.so.9', 'liba.so.10', 'liba.so', 'libB.so'].map((name) => library(name)).sort(compareLibraries);
  expect(sorted.map(({ soname }) => soname)).toEqual(['liba.so.10', 'liba.so.9', 'liba.so', 'libB.so']);
});

test('strings share their ends', () => {
  const { table, offsets } = layStrings(['/lib/b', 'b', '/lib/a', 'xb', 'b']);
  expect(table.toString()).toBe('xb\0/lib/b\0/lib/a\0');
  expect([...offsets]).toEqual([
    ['xb', 0],
    ['/lib/b', 3],
    ['b', 8],
    ['/lib/a', 10],
  ]);
});

test("caches of different versions of ldconfig do not merge, unless one of them is the base's", async () => {
  const [a, b] = [library('a'), library('b')];
  expect(await merge(undefined, cacheOf([a], 'old'), cacheOf([b], 'new'))).toEqual([
    'versions of ldconfig that differ wrote it',
  ]);
  expect(await merge(cacheOf([], 'old'), cacheOf([a], 'old'), cacheOf([b], 'new'))).toEqual(cacheOf([a, b], 'new'));
});

test('damaged caches are found malformed, quickly, or mean something', () => {
  const cache = cacheOf(['a', 'b', 'c'].map((name) => library(name, { subdirectory: 'v2', hwcap: 1n << 62n })));
  fc.assert(
    fc.property(fc.nat(cache.length - 1), fc.nat(255), fc.nat(cache.length), (at, byte, length) => {
      const damaged = Buffer.from(cache.subarray(0, length === 0 ? 1 : length));
      damaged[at % damaged.length] = byte;
      try {
        decodeCache(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(Malformed);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a cache whose libraries all refer to one long string is bounded', () => {
  const count = 60_000;
  const bomb = Buffer.alloc(48 + count * 24 + 4096 + 24);
  cacheOf([]).copy(bomb, 0, 0, 48);
  bomb.writeUInt32LE(count, 20);
  bomb.writeUInt32LE(4096, 24);
  const strings = 48 + count * 24;
  bomb.fill('x', strings, strings + 4095);
  bomb.writeUInt32LE(strings + 4096, 32);
  bomb.writeUInt32LE(0xeaa42174, strings + 4096);
  for (let at = 48; at < strings; at += 24) {
    bomb.writeUInt32LE(strings, at + 4);
    bomb.writeUInt32LE(strings, at + 8);
  }
  expect(() => decodeCache(bomb)).toThrow('it is too large');
});
