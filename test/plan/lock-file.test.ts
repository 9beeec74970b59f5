import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { ownIdentity, StackError } from '../../lib/core';
import { LOCK_FILE_NAME, LockFile, type LockedPackage } from '../../lib/plan';

const HOSTNAME: LockedPackage = {
  name: 'hostname',
  version: '3.23+nmu1',
  architecture: 'amd64',
  sha256: 'a'.repeat(64),
  size: 10500,
};
const OVMF: LockedPackage = {
  name: 'ovmf',
  version: '1:2022.11~rc-6',
  architecture: 'all',
  sha256: 'b'.repeat(64),
  size: 7683456,
};

let directory: string;
let file: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lock-file-'));
  file = path.join(directory, LOCK_FILE_NAME);
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

async function loadFailure(content: string): Promise<StackError> {
  fs.writeFileSync(file, content);
  const error: unknown = await LockFile.load(directory).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!StackError.is(error)) throw new Error(`no StackError but ${String(error)}`);
  return error;
}

const withPackage = (changes: Record<string, unknown>): string =>
  JSON.stringify({ lockfileVersion: 1, debian: { key: { packages: [{ ...HOSTNAME, ...changes }] } } });

test('a missing lock file is an empty one, and saving it writes nothing', async () => {
  const lockFile = await LockFile.load(directory);
  expect(lockFile.debian('amd64 none: ovmf')).toBeUndefined();
  await lockFile.save();
  expect(fs.readdirSync(directory)).toEqual([]);
});

test('the file is sorted, indented, and ends in a newline', async () => {
  const lockFile = await LockFile.load(directory);
  lockFile.setDebian('b', [OVMF]);
  lockFile.setDebian('a', [HOSTNAME]);
  await lockFile.save();
  expect(fs.readFileSync(file, 'utf8')).toMatchInlineSnapshot(`
   "{
     "debian": {
       "a": {
         "packages": [
           {
             "architecture": "amd64",
             "name": "hostname",
             "sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
             "size": 10500,
             "version": "3.23+nmu1"
           }
         ]
       },
       "b": {
         "packages": [
           {
             "architecture": "all",
             "name": "ovmf",
             "sha256": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
             "size": 7683456,
             "version": "1:2022.11~rc-6"
           }
         ]
       }
     },
     "lockfileVersion": 1
   }
   "
  `);
});

test('what was saved is loaded again', async () => {
  const lockFile = await LockFile.load(directory);
  lockFile.setDebian('__proto__', [HOSTNAME, OVMF]);
  lockFile.setDebian('other', [OVMF]);
  await lockFile.save();
  const loaded = await LockFile.load(directory);
  expect(loaded.debian('other')).toEqual([OVMF]);
  expect(loaded.debian('toString')).toBeUndefined();
});

test('contents of URLs are locked beside packages', async () => {
  const lockFile = await LockFile.load(directory);
  lockFile.setUrl('https://h/x?y', { sha256: 'c'.repeat(64), size: 0 });
  lockFile.setDebian('key', [OVMF]);
  await lockFile.save();
  const loaded = await LockFile.load(directory);
  expect(loaded.url('https://h/x?y')).toEqual({ sha256: 'c'.repeat(64), size: 0 });
  expect(loaded.url('https://h/x')).toBeUndefined();
  expect(loaded.url('toString')).toBeUndefined();
  expect(loaded.debian('key')).toEqual([OVMF]);
});

test('digests of images are locked beside them, under complete references', async () => {
  const digest = `sha512:${'d'.repeat(128)}`;
  const lockFile = await LockFile.load(directory);
  lockFile.setImage('ghcr.io/acme/base:1', { digest: `sha256:${'d'.repeat(64)}` });
  lockFile.setImage('__proto__', { digest });
  lockFile.setUrl('https://h/x', { sha256: 'c'.repeat(64), size: 0 });
  await lockFile.save();
  const loaded = await LockFile.load(directory);
  expect(loaded.image('ghcr.io/acme/base:1')).toEqual({ digest: `sha256:${'d'.repeat(64)}` });
  expect(loaded.image('ghcr.io/acme/base')).toBeUndefined();
  expect(loaded.image('toString')).toBeUndefined();
  expect(loaded.url('https://h/x')).toEqual({ sha256: 'c'.repeat(64), size: 0 });
});

test('the last digest set for an image is the one that is written', async () => {
  const entry = (letter: string): { digest: string } => ({ digest: `sha256:${letter.repeat(64)}` });
  const lockFile = await LockFile.load(directory);
  lockFile.setImage('ghcr.io/acme/base:1', entry('a'));
  await lockFile.save();
  lockFile.setImage('ghcr.io/acme/base:1', entry('b'));
  await lockFile.save();
  const { images } = JSON.parse(fs.readFileSync(file, 'utf8')) as { images: unknown };
  expect(images).toEqual({ 'ghcr.io/acme/base:1': entry('b') });
});

test('nothing is written when nothing changed, however the file is formatted', async () => {
  const content = `{"lockfileVersion":1,   "debian":{"key":{"packages":[${JSON.stringify(HOSTNAME)}]}}}`;
  fs.writeFileSync(file, content);
  const lockFile = await LockFile.load(directory);
  lockFile.setDebian('key', [HOSTNAME]);
  await lockFile.save();
  expect(fs.readFileSync(file, 'utf8')).toBe(content);
});

test('members that a newer version added survive a save', async () => {
  fs.writeFileSync(
    file,
    JSON.stringify({ lockfileVersion: 1, newer: { x: 1 }, debian: { old: { packages: [], note: 'kept' } } }),
  );
  const lockFile = await LockFile.load(directory);
  lockFile.setDebian('key', [HOSTNAME]);
  await lockFile.save();
  const saved = JSON.parse(fs.readFileSync(file, 'utf8')) as unknown;
  expect(saved).toEqual({
    lockfileVersion: 1,
    newer: { x: 1 },
    debian: { old: { packages: [], note: 'kept' }, key: { packages: [HOSTNAME] } },
  });
});

test('overlapping saves leave a file with all entries', async () => {
  const lockFile = await LockFile.load(directory);
  const keys = Array.from({ length: 20 }, (_, index) => `key ${String(index)}`);
  await Promise.all(
    keys.map(async (key) => {
      lockFile.setDebian(key, [HOSTNAME]);
      await lockFile.save();
    }),
  );
  const loaded = await LockFile.load(directory);
  expect(keys.every((key) => loaded.debian(key) !== undefined)).toBe(true);
  expect(fs.readdirSync(directory)).toEqual([LOCK_FILE_NAME]);
});

test('a failed save says so, keeps the old file, and does not spoil the next one', async () => {
  const lockFile = await LockFile.load(directory);
  lockFile.setDebian('key', [HOSTNAME]);
  fs.mkdirSync(file);
  await expect(lockFile.save()).rejects.toMatchObject({ code: 'STACK3020' });
  fs.rmdirSync(file);
  await lockFile.save();
  expect((await LockFile.load(directory)).debian('key')).toEqual([HOSTNAME]);
});

test('a file with merge conflict markers is named as such', async () => {
  const error = await loadFailure('{\n<<<<<<< HEAD\n}');
  expect(error.code).toBe('STACK3020');
  expect(error.hint).toContain('merge conflict');
});

test('a file of a newer version asks for an update', async () => {
  const error = await loadFailure('{"lockfileVersion":2,"packages":[]}');
  expect(error).toMatchObject({ code: 'STACK3020', hint: 'update cdk-stack' });
});

test.each([
  ['text', 'hello'],
  ['a list', '[]'],
  ['no version', '{}'],
  ['a name that is a path', withPackage({ name: '../../etc/passwd' })],
  ['a name that is an option', withPackage({ name: '-o' })],
  ['a version with spaces', withPackage({ version: '1 -o x' })],
  ['an architecture that is a path', withPackage({ architecture: 'a/b' })],
  ['a short sha256', withPackage({ sha256: 'abc' })],
  ['a size that is no number', withPackage({ size: '1' })],
  ['a URL without sha256', '{"lockfileVersion":1,"urls":{"https://h/x":{"size":1}}}'],
  ['a URL of negative size', `{"lockfileVersion":1,"urls":{"https://h/x":{"size":-1,"sha256":"${'a'.repeat(64)}"}}}`],
  ['an image without digest', '{"lockfileVersion":1,"images":{"ghcr.io/acme/base:1":{}}}'],
  ['a digest that is a path', '{"lockfileVersion":1,"images":{"ghcr.io/acme/base:1":{"digest":"sha256:../../x"}}}'],
  ['a digest nobody can check', `{"lockfileVersion":1,"images":{"a":{"digest":"md5:${'a'.repeat(32)}"}}}`],
  ['a package twice', JSON.stringify({ lockfileVersion: 1, debian: { key: { packages: [OVMF, OVMF] } } })],
])('a file with %s is refused', async (_, content) => {
  const error = await loadFailure(content);
  expect(error.code).toBe('STACK3020');
  expect(error.message).toContain(LOCK_FILE_NAME);
});

test('the message says where a file is not valid', async () => {
  expect((await loadFailure(withPackage({ sha256: 'abc' }))).message).toContain('debian / key / packages / 0 / sha256');
});

test('a file of absurd size is refused before it is read', async () => {
  fs.writeFileSync(file, '');
  fs.truncateSync(file, 17 * 1024 * 1024);
  await expect(LockFile.load(directory)).rejects.toMatchObject({ code: 'STACK3020' });
});

describe('a lock file that several processes use', () => {
  test('has what each of them locked', async () => {
    const [one, two] = [await LockFile.load(directory), await LockFile.load(directory)];
    one.setDebian('one', [HOSTNAME]);
    two.setDebian('two', [OVMF]);
    one.setUrl('https://one', { sha256: 'c'.repeat(64), size: 1 });
    two.setImage('h/two:latest', { digest: `sha256:${'d'.repeat(64)}` });
    await Promise.all([one.save(), two.save()]);
    const both = await LockFile.load(directory);
    expect([both.debian('one'), both.debian('two')]).toEqual([[HOSTNAME], [OVMF]]);
    expect(both.url('https://one')).toBeDefined();
    expect(both.image('h/two:latest')).toBeDefined();
    expect(fs.readdirSync(directory)).toEqual([LOCK_FILE_NAME]);
  });

  test('keeps what was changed or deleted in it meanwhile, but for what was set here', async () => {
    const first = await LockFile.load(directory);
    first.setDebian('a', [HOSTNAME]);
    first.setDebian('b', [HOSTNAME]);
    await first.save();
    const other = await LockFile.load(directory);
    other.setDebian('a', [OVMF]);
    await other.save();
    first.setDebian('c', [OVMF]);
    await first.save();
    expect((await LockFile.load(directory)).debian('a')).toEqual([OVMF]);
    fs.writeFileSync(file, '{ "lockfileVersion": 1 }');
    first.setDebian('b', [OVMF]);
    await first.save();
    const last = await LockFile.load(directory);
    expect([last.debian('a'), last.debian('b')]).toEqual([undefined, [OVMF]]);
  });

  test('is read again before something is looked up', async () => {
    const [one, two] = [await LockFile.load(directory), await LockFile.load(directory)];
    one.setDebian('key', [OVMF]);
    await one.save();
    two.setDebian('mine', [HOSTNAME]);
    await two.reload();
    expect([two.debian('key'), two.debian('mine')]).toEqual([[OVMF], [HOSTNAME]]);
  });

  test('is tidied of what a killed write left', async () => {
    fs.writeFileSync(`${file}.4194305-1-00000000-0123456789ab.tmp`, 'half');
    fs.writeFileSync(`${file}.lock`, JSON.stringify({ ...ownIdentity(), pid: 2 ** 22 + 1, host: 'here', token: 'x' }));
    fs.writeFileSync(`${file}.bak`, "the user's");
    await LockFile.load(directory);
    expect(fs.readdirSync(directory)).toEqual([`${LOCK_FILE_NAME}.bak`]);
  });
});
