import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { bytesToName, nameToBytes, StackError } from '../../lib/core';
import { ContentReader, identityOf, sameIdentity, type Content, type FileEntry } from '../../lib/pack';
import { Bench, bytesFile } from './fixture';

jest.mock('node:fs', () => {
  const actual = jest.requireActual<typeof fs>('node:fs');
  return { ...actual, openSync: jest.fn(actual.openSync), readSync: jest.fn(actual.readSync) };
});

const bench = new Bench();
const reader = new ContentReader();
afterEach(() => {
  reader.close();
});
afterAll(() => {
  bench.remove();
});

const openFiles = (): number => fs.readdirSync('/proc/self/fd').length;

function entryOf(content: Content, size: number): FileEntry {
  return { ...bytesFile('f', ''), size, content };
}

/** A file on the host as it is now. */
function hostFile(
  content: string | Buffer,
  file = bench.fresh(),
): FileEntry & { content: { kind: 'host'; file: string } } {
  fs.writeFileSync(nameToBytes(file), content);
  const identity = identityOf(fs.statSync(nameToBytes(file), { bigint: true }));
  return { ...bytesFile('f', ''), size: identity.size, content: { kind: 'host', file, identity } };
}

function read(entry: FileEntry): string {
  return Buffer.concat(Array.from(reader.read(entry), (chunk) => Buffer.from(chunk))).toString();
}

function codeOf(entry: FileEntry): string {
  const before = openFiles();
  try {
    read(entry);
    return 'none';
  } catch (error) {
    if (!StackError.is(error)) throw error;
    expect(error.hint ?? error.code).toBeDefined();
    return error.code;
  } finally {
    reader.close();
    expect(openFiles()).toBe(before);
  }
}

describe('content', () => {
  test('at hand, on the host and in the store is read', () => {
    const store = bench.fresh();
    fs.writeFileSync(store, '0123456789');
    expect(read(bytesFile('f', 'bytes'))).toBe('bytes');
    expect(read(hostFile('host'))).toBe('host');
    expect(read(entryOf({ kind: 'slice', file: store, offset: 3 }, 4))).toBe('3456');
    expect(read(entryOf({ kind: 'slice', file: store, offset: 0 }, 10))).toBe('0123456789');
  });

  test('that is large comes in chunks of 1 MiB', () => {
    const lengths = Array.from(reader.read(hostFile(Buffer.alloc(2_500_000))), (chunk) => chunk.length);
    expect(lengths).toEqual([1_048_576, 1_048_576, 402_848]);
  });

  test('that is empty comes in no chunk', () => {
    expect([...reader.read(bytesFile('f', ''))]).toEqual([]);
    expect([...reader.read(hostFile(''))]).toEqual([]);
    expect([...reader.read(entryOf({ kind: 'slice', file: '/nowhere', offset: 0 }, 0))]).toEqual([]);
  });

  test('is read under names that are not UTF-8, and through links', () => {
    const raw = bytesToName(Buffer.concat([Buffer.from(bench.fresh()), Buffer.from([0xff])]));
    expect(read(hostFile('raw', raw))).toBe('raw');
    const { content, size } = hostFile('linked');
    const link = bench.fresh();
    fs.symlinkSync(content.file, link);
    expect(read(entryOf({ ...content, file: link }, size))).toBe('linked');
  });

  test('of one file of the store opens it once', () => {
    const [one, two] = ['one', 'two'].map((text) => {
      const file = bench.fresh();
      fs.writeFileSync(file, text);
      return file;
    });
    const before = openFiles();
    for (const file of [one, one, two, two, one]) read(entryOf({ kind: 'slice', file: file ?? '', offset: 0 }, 3));
    expect(openFiles()).toBe(before + 1);
    reader.close();
    expect(openFiles()).toBe(before);
  });
});

describe('a file that changed since it was looked at (STACK3002)', () => {
  const later = new Date(Date.now() + 5000);
  const changes: [what: string, change: (file: string) => void][] = [
    ['grew', (file) => { fs.appendFileSync(file, 'x'); }],
    ['shrank', (file) => { fs.truncateSync(file, 1); }],
    ['was written again', (file) => { fs.writeFileSync(file, 'CONTENT'); fs.utimesSync(file, later, later); }],
    ['was touched', (file) => { fs.utimesSync(file, later, later); }],
    ['got another mode', (file) => { fs.chmodSync(file, 0o600); }],
    ['was replaced', (file) => { fs.renameSync(hostFile('content').content.file, file); }],
    ['became a directory', (file) => { fs.rmSync(file); fs.mkdirSync(file); }],
    ['became a link to another', (file) => { fs.rmSync(file); fs.symlinkSync(hostFile('content').content.file, file); }],
    ['became a link to itself', (file) => { fs.rmSync(file); fs.symlinkSync(file, file); }],
    ['became a pipe, which must not be waited for', (file) => { fs.rmSync(file); execFileSync('mkfifo', [file]); }],
    ['is gone', (file) => { fs.rmSync(file); }],
  ]; // prettier-ignore
  test.each(changes)('%s', (_, change) => {
    const entry = hostFile('content');
    change(entry.content.file);
    expect(codeOf(entry)).toBe('STACK3002');
  });

  test('even an empty one', () => {
    const entry = hostFile('');
    fs.appendFileSync(entry.content.file, 'x');
    expect(codeOf(entry)).toBe('STACK3002');
  });

  test('also while it is read', () => {
    const entry = hostFile(Buffer.alloc(3_000_000));
    const chunks = reader.read(entry);
    chunks.next();
    fs.appendFileSync(entry.content.file, 'x');
    expect(() => [...chunks]).toThrow(expect.objectContaining({ code: 'STACK3002' }) as Error);
    const shorter = hostFile(Buffer.alloc(3_000_000));
    const others = reader.read(shorter);
    others.next();
    fs.truncateSync(shorter.content.file, 1_100_000);
    expect(() => [...others]).toThrow(expect.objectContaining({ code: 'STACK3002' }) as Error);
  });

  test('is closed when not all of it was wanted', () => {
    const before = openFiles();
    for (const chunk of reader.read(hostFile(Buffer.alloc(3_000_000)))) if (chunk.length > 0) break;
    expect(openFiles()).toBe(before);
  });
});

describe('a file that cannot be read', () => {
  test('since the system says so is STACK3003', () => {
    const entry = hostFile('content');
    jest.mocked(fs.openSync).mockImplementationOnce(() => {
      throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    });
    expect(codeOf(entry)).toBe('STACK3003');
    jest.mocked(fs.readSync).mockImplementationOnce(() => {
      throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
    });
    expect(codeOf(entry)).toBe('STACK3003');
    expect(codeOf(entry)).toBe('none');
  });

  test('of the store, or is too short, is STACK7004', () => {
    const store = bench.fresh();
    expect(codeOf(entryOf({ kind: 'slice', file: store, offset: 0 }, 1))).toBe('STACK7004');
    fs.writeFileSync(store, '0123456789');
    expect(codeOf(entryOf({ kind: 'slice', file: store, offset: 5 }, 6))).toBe('STACK7004');
    expect(codeOf(entryOf({ kind: 'slice', file: bench.directory, offset: 0 }, 1))).toBe('STACK7004');
  });

  test('since it says another size than it has is a fault of ours', () => {
    expect(codeOf({ ...bytesFile('f', 'content'), size: 3 })).toBe('STACK9001');
  });
});

test('an identity is equal to itself, and to no other', () => {
  const identity = identityOf(fs.statSync(bench.directory, { bigint: true }));
  expect(sameIdentity(identity, { ...identity })).toBe(true);
  for (const key of ['device', 'inode', 'size'] as const) {
    expect(sameIdentity(identity, { ...identity, [key]: identity[key] + 1 })).toBe(false);
  }
  for (const key of ['mtimeNs', 'ctimeNs'] as const) {
    expect(sameIdentity(identity, { ...identity, [key]: identity[key] + 1n })).toBe(false);
  }
});
