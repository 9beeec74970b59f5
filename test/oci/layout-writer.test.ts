import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { digestOf, MEDIA_TYPE, OciLayout, writeLayout, type Descriptor, type LayoutImage } from '../../lib/oci';
import { failureOf } from '../failure';
import { AMD64, ARM64, blobsOf, descriptorOf, HandMade, indexOf, layoutImage, named, referencedBy, stateOf } from './fixture';

let home: string;
let directory: string;

beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'writer-'));
  directory = path.join(home, 'oci');
});

afterEach(() => {
  fs.rmSync(home, { recursive: true, force: true });
});

const file = (name: string): string => path.join(directory, name);
const digests = (image: LayoutImage): string[] => image.blobs.map(({ descriptor }) => descriptor.digest.slice(7));
const names = (): (string | undefined)[] =>
  indexOf(directory).manifests.map((entry) => entry.annotations?.['org.opencontainers.image.ref.name']);

describe('writing a layout', () => {
  test('makes one that reads back', async () => {
    const images = [layoutImage('kernel', ['base', 'kernel']), layoutImage('arm', ['arm'], ARM64)];
    const changes = await writeLayout(directory, images);
    expect([...changes.names.keys()]).toEqual(['kernel', 'arm']);
    expect(changes.blobs.map(({ digest }) => digest.slice(7)).sort()).toEqual(images.flatMap(digests).sort());
    const layout = await OciLayout.open(directory);
    const found = await layout.find('kernel', AMD64);
    expect(found.manifest.layers.map(({ digest }) => digest)).toEqual([digestOf('base'), digestOf('kernel')]);
    expect((await layout.find('arm', ARM64)).descriptor.platform).toEqual(ARM64);
    expect(fs.readFileSync(layout.blobPath(digestOf('base')), 'utf8')).toBe('base');
    expect(fs.readdirSync(directory).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
    expect(blobsOf(directory)).toEqual(referencedBy(directory));
  });

  test('gives the same index.json for the same images, in the order they are given', async () => {
    const images = ['b', 'a', '10', '9'].map((name) => layoutImage(name, [name]));
    await writeLayout(directory, images);
    await writeLayout(path.join(home, 'other'), images);
    expect(fs.readFileSync(file('index.json'), 'utf8')).toBe(fs.readFileSync(path.join(home, 'other', 'index.json'), 'utf8'));
    expect(names()).toEqual(['b', 'a', '10', '9']);
    expect(fs.readFileSync(file('index.json'), 'utf8')).toMatch(
      /^\{"manifests":\[\{"annotations":\{"org.opencontainers.image.ref.name":"b"\},"digest":"sha256:[0-9a-f]{64}","mediaType":"[^"]*","platform":\{"architecture":"amd64","os":"linux"\},"size":\d+\},.*\],"mediaType":"application\/vnd.oci.image.index.v1\+json","schemaVersion":2\}$/,
    );
  });

  test('writes nothing when everything is there, not even with another time', async () => {
    const images = [layoutImage('a', ['base', 'a']), layoutImage('b', ['base', 'b'])];
    await writeLayout(directory, images);
    const before = stateOf(directory);
    expect(await writeLayout(directory, images)).toEqual({ blobs: [], names: new Map() });
    expect(await writeLayout(directory, [images[1]!])).toEqual({ blobs: [], names: new Map() });
    expect(stateOf(directory)).toEqual(before);
  });

  test('makes ready also the blobs that another process removed after the work was planned', async () => {
    const [first, second] = [layoutImage('a', ['base']), layoutImage('a', ['other'])];
    const source = path.join(home, 'source');
    const blobs = first.blobs.map(({ descriptor, from }) => {
      return descriptor.digest === digestOf('base') ? { descriptor, from: source } : { descriptor, from };
    });
    await writeLayout(directory, [first]);
    expect((await writeLayout(directory, [{ ...first, refName: 'b', blobs }], { dryRun: true })).blobs).toEqual([]);
    await writeLayout(directory, [second]); // nothing uses `base` any more
    const ready = jest.fn((missing: readonly Descriptor[]) => {
      expect(missing.map(({ digest }) => digest)).toContain(digestOf('base'));
      fs.writeFileSync(source, 'base');
      return Promise.resolve();
    });
    await writeLayout(directory, [{ ...first, refName: 'b', blobs }], { ready });
    expect(ready).toHaveBeenCalledTimes(1);
    expect(blobsOf(directory)).toEqual(referencedBy(directory));
  });

  test('tells what a dry run would write, and writes nothing', async () => {
    const [a, changed] = [layoutImage('a', ['base', 'a']), layoutImage('a', ['base', 'b'])];
    const planned = await writeLayout(directory, [a], { dryRun: true });
    expect(planned.blobs).toHaveLength(4);
    expect(planned.names).toEqual(new Map([['a', undefined]]));
    expect(fs.existsSync(directory)).toBe(false);
    await writeLayout(directory, [a]);
    const before = stateOf(home);
    const { blobs, names: moved } = await writeLayout(directory, [changed], { dryRun: true });
    expect(moved).toEqual(new Map([['a', a.manifest.digest]]));
    expect(blobs.map(({ digest }) => digest)).toEqual(
      changed.blobs.slice(1).map(({ descriptor }) => descriptor.digest),
    );
    expect(stateOf(home)).toEqual(before);
  });

  test('says so when each blob is there', async () => {
    const seen: Descriptor[] = [];
    const { blobs } = await writeLayout(directory, [layoutImage('a', ['x', 'y'])], {
      onBlob: (descriptor) => {
        expect(blobsOf(directory)).toContain(descriptor.digest.slice(7));
        seen.push(descriptor);
      },
    });
    expect(new Set(seen)).toEqual(new Set(blobs));
  });

  test('keeps other images, in their places, and unknown members of the index', async () => {
    const made = new HandMade(directory);
    const [first, last] = [named('first', made.image('1'), { urls: ['x'] }), named('last', made.image('2'))];
    const nameless = made.image('3');
    const index = { schemaVersion: 2, annotations: { a: 'b' }, other: [1], manifests: [first, named('a', made.image('old')), nameless, last] };
    made.write('index.json', JSON.stringify(index));
    const image = layoutImage('a', ['new']);
    await writeLayout(directory, [layoutImage('added', ['added']), image]);
    const { manifests, ...rest } = indexOf(directory);
    expect(rest).toEqual({ schemaVersion: 2, annotations: { a: 'b' }, other: [1] });
    expect(manifests[0]).toEqual(first);
    expect(manifests[1]).toMatchObject({ digest: image.manifest.digest });
    expect(manifests.slice(2, 4)).toEqual([nameless, last]);
    expect(names()).toEqual(['first', 'a', undefined, 'last', 'added']);
    expect(blobsOf(directory)).toEqual(referencedBy(directory));
  });

  test('puts one image in the place of all that have its name', async () => {
    const made = new HandMade(directory);
    made.index(named('a', made.image('1')), named('b', made.image('2')), named('a', made.image('3', ARM64)));
    const image = layoutImage('a', ['new']);
    await writeLayout(directory, [image]);
    expect(names()).toEqual(['a', 'b']);
    expect(blobsOf(directory)).toEqual(referencedBy(directory));
  });

  test('removes blobs that only replaced images used', async () => {
    await writeLayout(directory, [layoutImage('a', ['shared', 'old']), layoutImage('b', ['shared', 'b'])]);
    await writeLayout(directory, [layoutImage('a', ['new'])]);
    expect(blobsOf(directory)).toEqual(referencedBy(directory));
    expect(blobsOf(directory)).toContain(digestOf('shared').slice(7));
    expect(blobsOf(directory)).not.toContain(digestOf('old').slice(7));
  });

  test("keeps what other tools' documents refer to, of whatever kind they are, and stray blobs", async () => {
    const old = layoutImage('a', ['w', 'x', 'y', 'z']);
    await writeLayout(directory, [old]);
    const [w, x, y, z] = old.blobs.map(({ descriptor }) => descriptor);
    const made = new HandMade(directory);
    const { manifests } = indexOf(directory);
    const list = made.blob({ schemaVersion: 2, manifests: [made.blob({ blobs: [w] }, 'application/vnd.example.new+json')] }, MEDIA_TYPE.index);
    const referrer = made.blob({ layers: [x], config: y, subject: old.manifest }, MEDIA_TYPE.manifest);
    const raw = made.blob('no JSON', 'application/octet-stream');
    const wild = made.blob({ layers: 'x', manifests: [null, { digest: 'sha256:../../x' }] }, MEDIA_TYPE.manifest);
    const stray = made.blob('stray', MEDIA_TYPE.tar);
    made.index(...manifests, list, referrer, raw, wild);
    await writeLayout(directory, [layoutImage('a', ['new'])]);
    const kept = blobsOf(directory);
    for (const each of [w!, x!, y!, z!, old.manifest, list, referrer, raw, stray]) expect(kept).toContain(each.digest.slice(7));
  });

  test('restores a blob that is missing or has another size', async () => {
    const image = layoutImage('a', ['one', 'two']);
    await writeLayout(directory, [image]);
    fs.rmSync(file(`blobs/sha256/${digestOf('one').slice(7)}`));
    fs.writeFileSync(file(`blobs/sha256/${digestOf('two').slice(7)}`), 'too long');
    const changes = await writeLayout(directory, [image]);
    expect(changes.names.size).toBe(0);
    expect(changes.blobs).toHaveLength(2);
    expect(blobsOf(directory)).toEqual(referencedBy(directory));
  });

  test('writes what a layout can only hold once, once', async () => {
    const changes = await writeLayout(directory, [layoutImage('a', ['x', 'x']), layoutImage('b', ['x', 'x'])]);
    expect(changes.blobs).toHaveLength(3);
    expect(indexOf(directory).manifests[0]?.digest).toBe(indexOf(directory).manifests[1]?.digest);
  });
});

describe('blobs out of files', () => {
  function fromFile(source: string): LayoutImage {
    const image = layoutImage('a', ['content']);
    fs.writeFileSync(source, 'content', { mode: 0o444 });
    const [layer, ...rest] = image.blobs;
    return { ...image, blobs: [{ ...layer!, from: source }, ...rest] };
  }
  const blob = (): string => file(`blobs/sha256/${digestOf('content').slice(7)}`);

  test('are hard links where that is possible', async () => {
    await writeLayout(directory, [fromFile(path.join(home, 'source'))]);
    expect(fs.statSync(blob()).ino).toBe(fs.statSync(path.join(home, 'source')).ino);
  });

  test('are copies on another file system, also for an ordinary user', async () => {
    const elsewhere = fs.mkdtempSync('/dev/shm/writer-');
    try {
      const source = path.join(elsewhere, 'source');
      const image = fromFile(source);
      expect(fs.statSync(source).dev).not.toBe(fs.statSync(home).dev);
      fs.chmodSync(elsewhere, 0o755);
      fs.chmodSync(home, 0o777);
      if (process.getuid?.() === 0) process.seteuid?.(65534);
      try {
        await writeLayout(directory, [image]);
      } finally {
        if (process.getuid?.() === 0) process.seteuid?.(0);
      }
      expect(fs.readFileSync(blob(), 'utf8')).toBe('content');
      expect(fs.statSync(blob()).mode & 0o777).toBe(0o644);
      expect(fs.readdirSync(directory).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
    } finally {
      fs.rmSync(elsewhere, { recursive: true, force: true });
    }
  });

  test('must be there', async () => {
    const image = fromFile(path.join(home, 'source'));
    fs.rmSync(path.join(home, 'source'));
    expect(await failureOf(writeLayout(directory, [image]))).toMatchObject({ code: 'STACK6003' });
    expect(blobsOf(directory)).toEqual([]);
  });
});

describe('a place that cannot be written', () => {
  const image = layoutImage('a', ['x']);

  test.each([
    ['a file', () => fs.writeFileSync(directory, 'x'), () => directory],
    ['a path below a file', () => fs.writeFileSync(path.join(home, 'file'), 'x'), () => path.join(home, 'file', 'oci')],
    ['a directory of the kernel', () => undefined, () => '/proc/sys/oci'],
    ['a name that is too long', () => undefined, () => path.join(home, 'x'.repeat(300))],
    ['a layout whose blobs are a file', () => new HandMadeFile(directory), () => directory],
  ])('is an error that names it: %s', async (_, prepare, target) => {
    prepare();
    const before = stateOf(home);
    const error = await failureOf(writeLayout(target(), [image]));
    expect(error).toMatchObject({ code: 'STACK6003', message: expect.stringContaining(target()) as string });
    expect(stateOf(home)).toEqual(before);
  });

  test('also in a dry run, where that shows', async () => {
    fs.writeFileSync(directory, 'x');
    expect(await failureOf(writeLayout(directory, [image], { dryRun: true }))).toMatchObject({ code: 'STACK6003' });
  });

  test.each([
    ['a file', 'letter'],
    ['a hidden file', '.profile'],
    ['an index.json of something else', 'index.json'],
  ])('is left alone when it holds something else: %s', async (_, name) => {
    fs.mkdirSync(directory);
    fs.writeFileSync(file(name), 'precious');
    const before = stateOf(directory);
    expect(await failureOf(writeLayout(directory, [image]))).toMatchObject({
      code: 'STACK6001',
      message: expect.stringContaining(directory) as string,
    });
    expect(stateOf(directory)).toEqual(before);
  });

  test('is one whose index.json cannot be understood', async () => {
    new HandMade(directory).write('index.json', '{"manifests":[{"digest":"sha256:../../x","size":1,"mediaType":"x"}]}');
    const before = stateOf(home);
    expect(await failureOf(writeLayout(directory, [image]))).toMatchObject({ code: 'STACK6005' });
    expect(stateOf(home)).toEqual(before);
  });

  test('an empty directory is a place', async () => {
    fs.mkdirSync(directory);
    await writeLayout(directory, [image]);
    expect(names()).toEqual(['a']);
  });
});

/** A layout that has a file where its blobs should be. */
class HandMadeFile {
  public constructor(directory: string) {
    fs.mkdirSync(directory);
    fs.writeFileSync(path.join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    fs.writeFileSync(path.join(directory, 'index.json'), '{"schemaVersion":2,"manifests":[]}');
    fs.writeFileSync(path.join(directory, 'blobs'), 'x');
  }
}

describe('a write that fails or is aborted half way', () => {
  test('leaves the layout as it was, without what it had written', async () => {
    await writeLayout(directory, [layoutImage('a', ['old'])]);
    const before = stateOf(path.join(directory, 'blobs'));
    const index = stateOf(directory).find((line) => line.startsWith('index.json'));
    const image = layoutImage('a', ['new', 'newer']);
    const broken = { ...image, blobs: [...image.blobs, { descriptor: descriptorOf('gone', MEDIA_TYPE.tar), from: path.join(home, 'gone') }] };
    expect(await failureOf(writeLayout(directory, [broken]))).toMatchObject({ code: 'STACK6003' });
    expect(stateOf(path.join(directory, 'blobs')).map(withoutTimes)).toEqual(before.map(withoutTimes));
    expect(stateOf(directory).find((line) => line.startsWith('index.json'))).toBe(index);
    expect(fs.readdirSync(directory).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  });

  test('ends with the reason of the abort', async () => {
    const controller = new AbortController();
    const writing = writeLayout(directory, [layoutImage('a', ['x', 'y', 'z'])], {
      signal: controller.signal,
      onBlob: () => {
        controller.abort(new Error('enough'));
      },
    });
    await expect(writing).rejects.toThrow('enough');
    expect(fs.existsSync(file('index.json'))).toBe(false);
    expect(blobsOf(directory)).toEqual([]);
  });
});

/** Names and inodes of a state. */
function withoutTimes(line: string): string {
  return line.split(' ').slice(0, 2).join(' ');
}

describe('a layout of thousands of images', () => {
  test('is written and checked in seconds', async () => {
    const images = Array.from({ length: 2000 }, (_, place) => layoutImage(`image-${String(place)}`, ['base']));
    await writeLayout(directory, images);
    expect(names()).toHaveLength(2000);
    const before = performance.now();
    expect((await writeLayout(directory, images)).names.size).toBe(0);
    expect(performance.now() - before).toBeLessThan(1000);
    const began = performance.now();
    await writeLayout(directory, [layoutImage('image-7', ['other'])]);
    expect(performance.now() - began).toBeLessThan(3000);
  }, 60_000);
});
