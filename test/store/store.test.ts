import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { damagedFilesOf, ownIdentity } from '../../lib/core';
import { digestOf } from '../../lib/oci';
import { defaultStoreDirectory, Store, TREE } from '../../lib/store';
import { Child, compileLibrary } from '../compiled';
import { failureOf } from '../failure';

let home: string;

beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'store-'));
});

afterEach(() => {
  fs.rmSync(home, { recursive: true, force: true });
});

const inStore = (...parts: string[]): string => path.join(home, 'v1', ...parts);

/** Everything in the store that is a file. */
function files(): string[] {
  return fs
    .readdirSync(inStore(), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(inStore(), path.join(entry.parentPath, entry.name)))
    .sort();
}

describe('where the store is', () => {
  test.each([
    [{ STACK_HOME: '/x/y', XDG_CACHE_HOME: '/c' }, '/x/y'],
    [{ STACK_HOME: 'here' }, path.resolve('here')],
    [{ STACK_HOME: '', XDG_CACHE_HOME: '/c' }, '/c/cdk-stack'],
    [{ XDG_CACHE_HOME: 'relative' }, path.join(os.homedir(), '.cache/cdk-stack')],
    [{}, path.join(os.homedir(), '.cache/cdk-stack')],
  ])('is told by %j', (env, directory) => {
    expect(defaultStoreDirectory(env)).toBe(directory);
  });
});

/** What anyone who uses the store does first. */
async function use(): Promise<void> {
  await (await Store.open(home)).use(() => Promise.resolve());
}

describe('opening a store', () => {
  test('makes it, for nobody else to read', async () => {
    const store = await Store.open(path.join(home, 'deep', 'er'));
    expect(store.directory).toBe(path.join(home, 'deep', 'er', 'v1'));
    for (const room of ['', 'blobs/sha256', 'records', 'trees', 'tmp', 'runs', 'locks', 'state']) {
      expect(fs.statSync(path.join(store.directory, room)).mode & 0o077).toBe(0);
    }
  });

  test.each([
    ['a file in its place', () => path.join(home, 'file')],
    ['a place below a file', () => path.join(home, 'file', 'store')],
    ['a directory of the kernel', () => '/proc/sys/store'],
  ])('is an error that says what to do about %s', async (_, place) => {
    fs.writeFileSync(path.join(home, 'file'), '');
    expect(await failureOf(Store.open(place()))).toMatchObject({
      code: 'STACK7001',
      message: expect.stringContaining(place()) as string,
      hint: expect.stringContaining('STACK_HOME') as string,
    });
  });
});

describe('using a store', () => {
  describe('removes temporary directories', () => {
    const { pid, started, machine } = ownIdentity();
    const DEAD = 4_194_305;

    async function leftAfterUse(name: string, age = 0): Promise<boolean> {
      await Store.open(home);
      const directory = inStore('tmp', name);
      fs.mkdirSync(directory);
      fs.writeFileSync(path.join(directory, 'half'), 'x');
      const then = new Date(Date.now() - age);
      fs.utimesSync(directory, then, then);
      await use();
      return fs.existsSync(directory);
    }
    const HOUR = 3_600_000;

    test('of a dead process', async () => {
      expect(await leftAfterUse(`${String(DEAD)}-${started}-${machine}-abcdef`)).toBe(false);
    });

    test('of one whose pid has another process now', async () => {
      expect(await leftAfterUse(`${String(pid)}-1-${machine}-abcdef`)).toBe(false);
    });

    test('but not of a living one, however old', async () => {
      expect(await leftAfterUse(`${String(pid)}-${started}-${machine}-abcdef`, 48 * HOUR)).toBe(true);
    });

    test('of another machine only when nothing happened in it for a day', async () => {
      expect(await leftAfterUse(`${String(DEAD)}-1-00000000-abcdef`, 23 * HOUR)).toBe(true);
      expect(await leftAfterUse(`${String(DEAD)}-2-00000000-abcdef`, 25 * HOUR)).toBe(false);
    });

    test('of unknown form likewise', async () => {
      expect(await leftAfterUse('new', 1 * HOUR)).toBe(true);
      expect(await leftAfterUse('old', 25 * HOUR)).toBe(false);
    });
  });
});

describe('blobs', () => {
  test('are taken in under their digest, read-only', async () => {
    const store = await Store.open(home);
    const digest = digestOf('content');
    expect(await store.hasBlob(digest)).toBe(false);
    expect(await store.blobSize(digest)).toBeUndefined();
    await store.withTemporaryDirectory(async (directory) => {
      fs.writeFileSync(path.join(directory, 'x'), 'content');
      await store.adopt(path.join(directory, 'x'), digest, 7);
    });
    expect(await store.blobSize(digest)).toBe(7);
    expect(fs.readFileSync(store.blobPath(digest), 'utf8')).toBe('content');
    expect(fs.statSync(store.blobPath(digest)).mode & 0o777).toBe(0o444);
    expect(await store.hasBlob(digest)).toBe(true);
    expect(await store.hasBlob(digest, 7)).toBe(true);
    expect(await store.hasBlob(digest, 8)).toBe(false);
    expect(files()).toEqual([`blobs/sha256/${digest.slice(7)}`]);
  });

  test('are refused when their size is not what was announced', async () => {
    const store = await Store.open(home);
    await store.withTemporaryDirectory(async (directory) => {
      fs.writeFileSync(path.join(directory, 'x'), 'content');
      expect(await failureOf(store.adopt(path.join(directory, 'x'), digestOf('content'), 8))).toMatchObject({
        code: 'STACK9001',
      });
    });
    expect(files()).toEqual([]);
  });

  test('may be taken in twice', async () => {
    const store = await Store.open(home);
    for (let time = 0; time < 2; time += 1) {
      const directory = await store.temporaryDirectory();
      fs.writeFileSync(path.join(directory, 'x'), 'content');
      await store.adopt(path.join(directory, 'x'), digestOf('content'), 7);
    }
    expect(files()).toHaveLength(1);
  });

  test('that are small can be added as they are, and removed', async () => {
    const store = await Store.open(home);
    const digest = await store.addBlob('größe');
    expect(digest).toBe(digestOf('größe'));
    const before = fs.statSync(store.blobPath(digest)).ino;
    expect(await store.addBlob(Buffer.from('größe'))).toBe(digest);
    expect(fs.statSync(store.blobPath(digest)).ino).toBe(before);
    fs.chmodSync(store.blobPath(digest), 0o600);
    fs.truncateSync(store.blobPath(digest), 1);
    await store.addBlob('größe');
    expect(fs.readFileSync(store.blobPath(digest), 'utf8')).toBe('größe');
    await store.removeDamaged(store.blobPath(digest));
    await store.removeDamaged(store.blobPath(digest));
    expect(files()).toEqual([]);
  });

  test.each(['sha256:../../../etc/passwd', 'sha256:abc', '../x', ''])(
    'are never looked for under %j',
    async (digest) => {
      const store = await Store.open(home);
      expect(() => store.blobPath(digest)).toThrow(/is not a sha256 digest/);
      expect(await failureOf(store.hasBlob(digest))).toMatchObject({ code: 'STACK9001' });
      expect(await failureOf(store.readRecord('kind', digest))).toMatchObject({ code: 'STACK9001' });
      expect(await failureOf(store.writeRecord('kind', digest, 1))).toMatchObject({ code: 'STACK9001' });
    },
  );

  test('that cannot be looked at are an error, not missing', async () => {
    const store = await Store.open(home);
    fs.rmSync(inStore('blobs/sha256'), { recursive: true });
    fs.writeFileSync(inStore('blobs/sha256'), '');
    expect(await failureOf(store.hasBlob(digestOf('x')))).toMatchObject({ code: 'STACK7001' });
    expect(await failureOf(store.addBlob('x'))).toMatchObject({ code: 'STACK7001' });
    expect(await failureOf(store.removeDamaged(store.blobPath(digestOf('x'))))).toMatchObject({ code: 'STACK7001' });
  });
});

describe('records', () => {
  const key = digestOf('key');

  test('are found as they were written', async () => {
    const store = await Store.open(home);
    expect(await store.readRecord('kind', key)).toBeUndefined();
    await store.writeRecord('kind', key, { a: [1, null, 'x'] });
    expect(await store.readRecord('kind', key)).toEqual({ a: [1, null, 'x'] });
    expect(await store.readRecord('other', key)).toBeUndefined();
    await store.writeRecord('kind', key, 2);
    expect(await (await Store.open(home)).readRecord('kind', key)).toBe(2);
    expect(fs.readdirSync(inStore('tmp'))).toEqual([]);
  });

  const fileOf = (kind: string, of: string): string => inStore('records', kind, `${of.slice(7)}.record`);

  test.each<[string, (text: string) => string]>([
    ['nothing', () => ''],
    ['the beginning', (text) => text.slice(0, 20)],
    ['all but the end', (text) => text.slice(0, -1)],
    ['other bytes', () => '\0\0\0'],
    ['another value', (text) => text.replace('content', 'Content')],
    ['another value of the same form', (text) => text.replace(/1\]$/, '2]')],
    ['only the value', (text) => text.slice(text.indexOf('\n') + 1)],
    ['another kind', (text) => text.replace('"kind":"kind"', '"kind":"dink"')],
  ])('are lost when they are damaged, and told of: %s is left', async (_, damage) => {
    const onDamage = jest.fn();
    const store = await Store.open(home, { onDamage });
    await store.writeRecord('kind', key, ['content', 1]);
    const file = fileOf('kind', key);
    fs.writeFileSync(file, damage(fs.readFileSync(file, 'utf8')));
    expect(await store.readRecord('kind', key)).toBeUndefined();
    expect(onDamage.mock.calls).toEqual([[file]]);
    expect(fs.existsSync(file)).toBe(false);
    await store.writeRecord('kind', key, 2);
    expect(await store.readRecord('kind', key)).toBe(2);
    expect(onDamage).toHaveBeenCalledTimes(1);
  });

  test('are refused under another key or as another kind', async () => {
    const onDamage = jest.fn();
    const store = await Store.open(home, { onDamage });
    const other = digestOf('other');
    await store.writeRecord('kind', key, 1);
    await store.writeRecord('dink', other, 2);
    for (const [kind, of] of [
      ['kind', other],
      ['dink', key],
    ] as const) {
      fs.copyFileSync(fileOf('kind', key), fileOf(kind, of));
      expect(await store.readRecord(kind, of)).toBeUndefined();
    }
    expect(onDamage).toHaveBeenCalledTimes(2);
    expect(await store.readRecord('kind', key)).toBe(1);
  });

  test('that cannot be read or written are an error', async () => {
    const store = await Store.open(home);
    fs.writeFileSync(inStore('records/kind'), '');
    expect(await failureOf(store.readRecord('kind', key))).toMatchObject({ code: 'STACK7001' });
    expect(await failureOf(store.writeRecord('kind', key, 1))).toMatchObject({ code: 'STACK7001' });
  });
});

describe('unpacked trees', () => {
  const key = digestOf('tree');

  async function unpacked(store: Store): Promise<string> {
    const around = path.join(await store.runDirectory(), 'around');
    fs.mkdirSync(path.join(around, TREE, 'a/b'), { recursive: true });
    for (const file of ['a/one', 'a/b/two']) fs.writeFileSync(path.join(around, TREE, file), file);
    return store.adoptTree(key, around, 10);
  }

  test('are found when they are whole', async () => {
    const place = await unpacked(await Store.open(home));
    expect(await (await Store.open(home)).findTree(key)).toBe(place);
    expect(fs.readFileSync(path.join(place, 'a/b/two'), 'utf8')).toBe('a/b/two');
  });

  test.each<[string, (tree: string) => void]>([
    ['a file is gone', (tree) => fs.rmSync(path.join(tree, 'a/b/two'))],
    ['a directory is gone', (tree) => fs.rmSync(path.join(tree, 'a/b'), { recursive: true })],
    ['all of it is gone', (tree) => fs.rmSync(tree, { recursive: true })],
    ['all in it is gone', (tree) => fs.rmSync(path.join(tree, 'a'), { recursive: true })],
    ['its mark is gone', (tree) => fs.rmSync(path.join(tree, '../complete'))],
    ['its mark is cut off', (tree) => fs.truncateSync(path.join(tree, '../complete'), 5)],
    ['a file is cut off', (tree) => fs.truncateSync(path.join(tree, 'a/one'), 1)],
    ['a file has other bytes', (tree) => fs.writeFileSync(path.join(tree, 'a/one'), 'A/one')],
    ['a file has other rights', (tree) => fs.chmodSync(path.join(tree, 'a/one'), 0o600)],
    ['there is one more file', (tree) => fs.writeFileSync(path.join(tree, 'a/three'), '')],
  ])('are made again when they are not whole: %s', async (_, damage) => {
    const place = await unpacked(await Store.open(home));
    damage(place);
    const onDamage = jest.fn();
    const store = await Store.open(home, { onDamage });
    expect(await store.findTree(key)).toBeUndefined();
    expect(await unpacked(store)).toBe(place);
    expect(onDamage.mock.calls).toEqual([[path.dirname(place)]]);
    expect(await (await Store.open(home)).findTree(key)).toBe(place);
    expect(fs.readFileSync(path.join(place, 'a/b/two'), 'utf8')).toBe('a/b/two');
  });
});

describe('the bytes of a blob', () => {
  async function reopened(): Promise<{ store: Store; digest: string }> {
    const digest = await (await Store.open(home)).addBlob('content');
    return { store: await Store.open(home), digest };
  }

  test('are right as long as nobody changes them', async () => {
    const { store, digest } = await reopened();
    await store.verifyBlob(digest);
  });

  test.each(['contEnt', 'conten', ''])('are not when they are %j', async (bytes) => {
    const { store, digest } = await reopened();
    fs.chmodSync(store.blobPath(digest), 0o600);
    fs.writeFileSync(store.blobPath(digest), bytes);
    const damage = await failureOf(store.verifyBlob(digest));
    expect(damage).toMatchObject({ code: 'STACK7004' });
    expect(damagedFilesOf(damage)).toEqual([store.blobPath(digest)]);
    await store.removeDamaged(store.blobPath(digest));
    expect(await store.hasBlob(digest)).toBe(false);
    expect(await failureOf(store.verifyBlob(digest))).toMatchObject({ code: 'STACK7004' });
  });
});

describe('directories', () => {
  test('are removed behind work, also work that fails', async () => {
    const store = await Store.open(home);
    const fails = store.withTemporaryDirectory((directory) => {
      fs.writeFileSync(path.join(directory, 'x'), 'x');
      expect(fs.statSync(directory).mode & 0o077).toBe(0);
      return Promise.reject(new Error('no luck'));
    });
    await expect(fails).rejects.toThrow('no luck');
    expect(fs.readdirSync(inStore('tmp'))).toEqual([]);
  });

  test('for state stay', async () => {
    const store = await Store.open(home);
    const directory = await store.stateDirectory('apt');
    fs.writeFileSync(path.join(directory, 'lists'), 'x');
    await Store.open(home);
    expect(fs.readFileSync(path.join(await store.stateDirectory('apt'), 'lists'), 'utf8')).toBe('x');
  });

  test('that cannot be made are an error', async () => {
    const store = await Store.open(home);
    fs.rmSync(inStore('tmp'), { recursive: true });
    fs.writeFileSync(inStore('state/apt'), '');
    expect(await failureOf(store.temporaryDirectory())).toMatchObject({ code: 'STACK7001' });
    expect(await failureOf(store.stateDirectory('apt'))).toMatchObject({ code: 'STACK7001' });
  });
});

describe('what is found or made under one key', () => {
  const missing = (): Promise<undefined> => Promise.resolve(undefined);

  test('is made one after the other, other things meanwhile', async () => {
    const store = await Store.open(home);
    const log: string[] = [];
    const steps = (name: string, milliseconds: number) => ({
      find: missing,
      make: async (): Promise<string> => {
        log.push(`${name} begins`);
        await sleep(milliseconds);
        log.push(`${name} ends`);
        return name;
      },
    });
    const results = await Promise.all([
      store.findOrMake('x', steps('first', 20)),
      store.findOrMake('x', steps('second', 1)),
      store.findOrMake('y', steps('other', 1)),
    ]);
    expect(results).toEqual(['first', 'second', 'other']);
    expect(log).toEqual(['first begins', 'other begins', 'other ends', 'first ends', 'second begins', 'second ends']);
    expect(fs.readdirSync(inStore('locks'))).toEqual([]);
  });

  test('is made by one who lacks it, and found by all others', async () => {
    const store = await Store.open(home);
    let [made, value] = [0, undefined as number | undefined];
    const steps = {
      find: () => Promise.resolve(value),
      make: async () => {
        made += 1;
        await sleep(5);
        return (value = made);
      },
    };
    expect(await Promise.all([1, 2, 3].map(() => store.findOrMake('x', steps)))).toEqual([1, 1, 1]);
  });

  test('needs no right to write when it is found', async () => {
    const store = await Store.open(home);
    fs.rmSync(inStore('locks'), { recursive: true });
    const make = (): Promise<string> => Promise.resolve('made');
    expect(await store.findOrMake('x', { find: () => Promise.resolve('found'), make })).toBe('found');
    expect(await failureOf(store.findOrMake('x', { find: () => missing(), make }))).toMatchObject({
      code: 'STACK7001',
    });
  });

  test('goes on after a failure, of which only its own caller hears', async () => {
    const store = await Store.open(home);
    const first = store.findOrMake('x', { find: missing, make: () => Promise.reject(new Error('no luck')) });
    const second = store.findOrMake('x', { find: missing, make: () => Promise.resolve('fine') });
    await expect(first).rejects.toThrow('no luck');
    expect(await second).toBe('fine');
  });
});

describe('several processes', () => {
  let library: string;

  beforeAll(() => {
    library = fs.mkdtempSync(path.join(os.tmpdir(), 'library-'));
    compileLibrary(library, ['core', 'oci', 'store']);
  });

  afterAll(() => {
    fs.rmSync(library, { recursive: true, force: true });
  });

  test('use one store at a time, also when some of them are killed', async () => {
    const script = `
      const { Store } = lib('store');
      const { digestOf } = lib('oci');
      for (let turn = 0; ; turn += 1) {
        const store = await Store.open(args[0]);
        for (const text of ['a', 'b', 'c']) {
          const digest = await store.addBlob(text.repeat(1000));
          await store.writeRecord('kind', digest, { digest, text });
          const record = await store.readRecord('kind', digest);
          if (record?.digest !== digest) throw new Error('a record was lost');
          if (!(await store.hasBlob(digest, 1000))) throw new Error('a blob was lost');
        }
        if (turn === args[1]) break;
      }`;
    const killed = [new Child(library, script, home, 100_000), new Child(library, script, home, 100_000)];
    const others = [new Child(library, script, home, 20), new Child(library, script, home, 20)];
    await sleep(500);
    for (const child of killed) child.kill();
    expect(await Promise.all(others.map((child) => child.ended()))).toEqual([0, 0]);
    for (const child of killed) expect(await child.ended()).toBe('SIGKILL');
    await use();
    expect(fs.readdirSync(inStore('tmp'))).toEqual([]);
    expect(files()).toHaveLength(6);
    for (const name of files().filter((each) => each.startsWith('blobs'))) {
      expect(digestOf(fs.readFileSync(inStore(name))).slice(7)).toBe(path.basename(name));
    }
  }, 60_000);

  test('keep the temporary directories of each other', async () => {
    const script = `
      const store = await lib('store').Store.open(args[0]);
      console.log(await store.temporaryDirectory());
      setTimeout(() => undefined, 60000);`;
    const child = new Child(library, script, home);
    await child.says('\n');
    const directory = child.output.join('').trim();
    await use();
    expect(fs.existsSync(directory)).toBe(true);
    child.kill();
    await child.ended();
    await use();
    expect(fs.existsSync(directory)).toBe(false);
  }, 60_000);
});
