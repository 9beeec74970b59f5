import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { ldSoCache } from '../../lib/stack/mergers/ld-so-cache';
import { requestOf } from '../stack/mergers/images';

const CACHE = 'etc/ld.so.cache';
const TRIPLET = fs.readdirSync('/usr/lib').find((name) => name.endsWith('-linux-gnu')) ?? '';
const LIBRARIES = `/usr/lib/${TRIPLET}`;
let root: string;

beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'ld-so-cache-'));
});

afterEach(() => {
  fs.rmSync(root, { recursive: true });
});

/** Real libraries of this system by soname, some of which share the ends of their names. */
const REAL = fs
  .readdirSync(LIBRARIES)
  .filter((name) => /\.so\.\d+$/.test(name) && fs.existsSync(path.join(LIBRARIES, name)))
  .slice(0, 150);

/** Where copies of libraries are, in a root of their own, and what ldconfig makes of them. */
function cacheOf(files: readonly string[], configuration = `/opt/lib\n${LIBRARIES}\n`): Buffer {
  fs.rmSync(root, { recursive: true });
  for (const file of files) {
    fs.mkdirSync(path.join(root, path.dirname(file)), { recursive: true });
    fs.copyFileSync(path.join(LIBRARIES, path.basename(file)), path.join(root, file));
  }
  fs.mkdirSync(path.join(root, 'etc'), { recursive: true });
  fs.writeFileSync(path.join(root, 'etc/ld.so.conf'), configuration);
  execFileSync('/sbin/ldconfig', ['-X', '-r', root], { stdio: ['ignore', 'ignore', 'ignore'] });
  return fs.readFileSync(path.join(root, CACHE));
}

async function merge(base: Buffer | undefined, ...sides: readonly Buffer[]) {
  const image = (content: Buffer | undefined) => (content === undefined ? {} : { [CACHE]: content });
  const { files, problems } = await ldSoCache.merge(requestOf(image(base), ...sides.map(image)));
  const made = files.get(CACHE);
  return { problems, content: made?.type === 'file' ? made.content : undefined };
}

const inUsr = (names: readonly string[]): string[] => names.map((name) => path.join(LIBRARIES.slice(1), name));

test('merged caches are byte for byte what ldconfig writes for all libraries', async () => {
  const [base, p, q] = [0, 1, 2].map((rest) => inUsr(REAL.filter((_name, at) => at % 3 === rest))) as [
    string[],
    string[],
    string[],
  ];
  expect(REAL.length).toBeGreaterThan(30);
  for (const shared of [base, []]) {
    const old = shared.length === 0 ? undefined : cacheOf(shared);
    const [withP, withQ, all] = [p, q, [...p, ...q]].map((more) => cacheOf([...shared, ...more])) as [
      Buffer,
      Buffer,
      Buffer,
    ];
    for (const sides of [
      [withP, withQ],
      [withQ, withP],
    ] as const) {
      const { problems, content } = await merge(old, ...sides);
      expect(problems).toEqual([]);
      expect(content?.equals(all)).toBe(true);
    }
  }
});

test('what one component removes is gone', async () => {
  const [kept, removed, added] = [REAL.slice(0, 5), REAL.slice(5, 8), REAL.slice(8, 20)].map(inUsr) as [
    string[],
    string[],
    string[],
  ];
  const { content } = await merge(
    cacheOf([...kept, ...removed]),
    cacheOf(kept),
    cacheOf([...kept, ...removed, ...added]),
  );
  expect(content?.equals(cacheOf([...kept, ...added]))).toBe(true);
});

test('libraries for certain processors merge, too', async () => {
  const at = (level: string) => REAL.slice(0, 4).map((name) => `${LIBRARIES.slice(1)}/glibc-hwcaps/${level}/${name}`);
  const base = inUsr(REAL.slice(0, 4));
  const [p, q] = [at('x86-64-v3'), at('x86-64-v2')];
  const { problems, content } = await merge(cacheOf(base), cacheOf([...base, ...p]), cacheOf([...base, ...q]));
  expect(problems).toEqual([]);
  expect(content?.equals(cacheOf([...base, ...p, ...q]))).toBe(true);
});

describe('a library in several directories', () => {
  const name = REAL[0] ?? '';
  const [base, p, q] = [inUsr(REAL.slice(0, 3)), [`opt/lib/${name}`], inUsr(REAL.slice(3, 6))] as const;

  test('keeps the order that one component knows', async () => {
    const { content } = await merge(cacheOf(base), cacheOf([...base, ...p]), cacheOf([...base, ...q]));
    expect(content?.equals(cacheOf([...base, ...p, ...q]))).toBe(true);
  });

  test('is an error where no component knows the order', async () => {
    const { problems } = await merge(undefined, cacheOf(p), cacheOf(inUsr([name])));
    expect(problems).toMatchObject([
      { code: 'NOT_MERGEABLE', message: expect.stringContaining(`it is not known which comes first of /`) as string },
    ]);
  });
});

test('the old format is not merged, nor is what ldconfig would write otherwise', async () => {
  const cache = cacheOf(inUsr(REAL.slice(0, 9)));
  execFileSync('/sbin/ldconfig', ['-X', '-c', 'compat', '-r', root], { stdio: ['ignore', 'ignore', 'ignore'] });
  const old = fs.readFileSync(path.join(root, CACHE));
  expect((await merge(undefined, old, cache)).problems).toMatchObject([
    { code: 'NOT_MERGEABLE', components: ['a'], message: expect.stringContaining('old format') as string },
  ]);
  const swapped = Buffer.from(cache);
  cache.copy(swapped, 48, 72, 96);
  cache.copy(swapped, 72, 48, 72);
  expect((await merge(undefined, cache, swapped)).problems).toMatchObject([
    { code: 'NOT_MERGEABLE', components: ['b'], message: 'it is not as ldconfig writes it' },
  ]);
});
