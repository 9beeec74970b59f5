import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import {
  contentSize,
  createCompressor,
  identityOf,
  packTree,
  TarSink,
  treeDigest,
  type Entry,
  type FileEntry,
  type PackedBlob,
  type Sink,
  type Tree,
} from '../../lib/pack';
import { Bench, bytesFile, codeOf } from './fixture';

jest.mock('node:fs', () => {
  const actual = jest.requireActual<typeof fs>('node:fs');
  return { ...actual, openSync: jest.fn(actual.openSync), readSync: jest.fn(actual.readSync) };
});

const bench = new Bench();
afterAll(() => {
  bench.remove();
});

const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex');
const openFiles = (): number => fs.readdirSync('/proc/self/fd').length;

function hostFile(path: string, content: string | Buffer): FileEntry {
  const file = bench.fresh();
  fs.writeFileSync(file, content);
  const identity = identityOf(fs.statSync(file, { bigint: true }));
  return { ...bytesFile(path, ''), size: identity.size, content: { kind: 'host', file, identity } };
}

const BLOB: PackedBlob = { digest: 'sha256:0', size: 0, mediaType: 'x', diffId: 'sha256:0', annotations: {} };

/** Writes down what it is told. */
class Recorder implements Sink {
  public readonly calls: string[] = [];

  public constructor(
    private readonly later = false,
    private readonly finished: () => Promise<PackedBlob> = () => Promise.resolve(BLOB),
  ) {}

  public entry(entry: Entry): void | Promise<void> {
    this.calls.push(entry.path);
    if (this.later) return new Promise((resolve) => setImmediate(resolve));
  }

  public data(chunk: Buffer): void | Promise<void> {
    const text = chunk.toString();
    if (!this.later) {
      this.calls.push(`= ${text}`);
      return;
    }
    return new Promise((resolve) =>
      setImmediate(() => {
        this.calls.push(`= ${chunk.toString()}`); // the buffer must still be the same
        resolve();
      }),
    );
  }

  public async finish(): Promise<PackedBlob> {
    const blob = await this.finished();
    this.calls.push('finish');
    return blob;
  }

  public abort(): Promise<void> {
    this.calls.push('abort');
    return Promise.resolve();
  }
}

const DIRECTORY: Entry = { type: 'directory', path: 'd', mode: 0o755, uid: 0, gid: 0, mtime: 0 };

describe('a walk over a tree', () => {
  test('tells every sink the same, whether they take their time or not', async () => {
    const tree = [DIRECTORY, hostFile('d/a', 'one'), bytesFile('d/b', ''), hostFile('d/c', 'three')];
    const sinks = [new Recorder(), new Recorder(true), new Recorder()];
    const { blobs } = await packTree(tree, sinks);
    for (const { calls } of sinks) expect(calls).toEqual(['d', 'd/a', '= one', 'd/b', 'd/c', '= three', 'finish']);
    expect(blobs).toEqual([BLOB, BLOB, BLOB]);
  });

  test('reads each file once, however many sinks there are', async () => {
    const tree = [hostFile('a', 'one'), hostFile('b', 'two')];
    const [open, read] = [jest.mocked(fs.openSync).mockClear(), jest.mocked(fs.readSync).mockClear()];
    await packTree(tree, [new Recorder(), new Recorder(), new Recorder()]);
    expect(open).toHaveBeenCalledTimes(2);
    expect(read).toHaveBeenCalledTimes(2);
  });

  test('hashes what is not hashed yet, and gives the digest of the tree', async () => {
    const known = { ...hostFile('known', 'content'), sha256: sha256('content') };
    const tree: Tree = [
      DIRECTORY,
      hostFile('empty', ''),
      known,
      hostFile('large', Buffer.alloc(3_000_000)),
      hostFile('small', 'x'),
    ];
    const lines: string[] = [];
    const { hashed, treeDigest: digest } = await packTree(tree, [], { onIndexLine: (line) => lines.push(line) });
    expect([...hashed.keys()]).toEqual(['empty', 'large', 'small']);
    expect(hashed.get('small')).toBe(sha256('x'));
    expect(hashed.get('empty')).toBe(sha256(''));
    expect(hashed.get('large')).toBe(sha256('\0'.repeat(3_000_000)));
    const complete = tree.map((entry) =>
      entry.type === 'file' ? { ...entry, sha256: hashed.get(entry.path) ?? entry.sha256 } : entry,
    );
    expect(digest).toBe(treeDigest(complete));
    expect(digest).toBe(`sha256:${sha256(lines.map((line) => `${line}\n`).join(''))}`);
  });

  test('says how far it is, in steps that add up', async () => {
    const tree = [hostFile('a', Buffer.alloc(2_500_000)), bytesFile('b', 'content'), bytesFile('c', '')];
    const steps: number[] = [];
    await packTree(tree, [new Recorder()], { onProgress: (bytes) => steps.push(bytes) });
    expect(steps).toEqual([1_048_576, 1_048_576, 402_848, 7]);
    expect(contentSize([...tree, DIRECTORY])).toBe(2_500_007);
  });
});

describe('a failure', () => {
  test('of the content aborts every sink, and leaves no file open', async () => {
    const gone = hostFile('b', 'two');
    if (gone.content.kind === 'host') fs.appendFileSync(gone.content.file, 'x');
    const before = openFiles();
    const sinks = [new Recorder(), new TarSink(bench.fresh(), createCompressor('zstd'), 2), new Recorder()];
    const tree = [hostFile('a', Buffer.alloc(9_000_000)), gone];
    expect(await codeOf(packTree(tree, sinks))).toBe('STACK3002');
    expect(openFiles()).toBe(before);
    for (const sink of [sinks[0], sinks[2]]) expect((sink as Recorder).calls.slice(-2)).toEqual(['b', 'abort']);
  });

  test('of an entry aborts every sink', async () => {
    const sinks = [new Recorder(), new TarSink(bench.fresh(), createCompressor('none'), 2)];
    expect(await codeOf(packTree([bytesFile('.wh.x', '')], sinks))).toBe('STACK4004');
    expect((sinks[0] as Recorder).calls).toEqual(['.wh.x', 'abort']);
  });

  test('of one sink to finish waits for the others, and aborts all', async () => {
    let done = false;
    const slow = new Recorder(false, async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      done = true;
      return BLOB;
    });
    const failing = new Recorder(false, () => Promise.reject(new Error('disk full')));
    const failingLater = new Recorder(false, async () => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      throw new Error('also full');
    });
    await expect(packTree([bytesFile('a', 'x')], [failingLater, slow, failing])).rejects.toThrow('also full');
    expect(done).toBe(true);
    expect(slow.calls).toEqual(['a', '= x', 'finish', 'abort']);
    for (const { calls } of [failing, failingLater]) expect(calls.at(-1)).toBe('abort');
  });

  test('to abort does not hide why', async () => {
    const sink = new Recorder();
    sink.abort = () => Promise.reject(new Error('cannot abort'));
    sink.data = () => {
      throw new Error('cannot write');
    };
    await expect(packTree([bytesFile('a', 'x')], [sink, new Recorder()])).rejects.toThrow('cannot write');
  });
});

test('packing and reading leave no file open', async () => {
  const before = openFiles();
  const store = bench.fresh();
  fs.writeFileSync(store, 'stored');
  const stored: FileEntry = { ...bytesFile('c', ''), size: 6, content: { kind: 'slice', file: store, offset: 0 } };
  const sinks = (['none', 'gzip', 'zstd'] as const).map(
    (each) => new TarSink(bench.fresh(), createCompressor(each), 2),
  );
  await packTree([hostFile('a', Buffer.alloc(9_000_000)), bytesFile('b', 'x'), stored], sinks);
  expect(openFiles()).toBe(before);
});
