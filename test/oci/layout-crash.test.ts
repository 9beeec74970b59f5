import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { writeLayout, type LayoutImage } from '../../lib/oci';
import { Child, compileLibrary } from '../compiled';
import { blobsOf, indexOf, layoutImage, referencedBy } from './fixture';

let home: string;
let library: string;
let directory: string;

beforeAll(() => {
  library = fs.mkdtempSync(path.join(os.tmpdir(), 'library-'));
  compileLibrary(library, ['core', 'oci']);
});

afterAll(() => {
  fs.rmSync(library, { recursive: true, force: true });
});

beforeEach(() => {
  // In memory where possible: every write is synced.
  home = fs.mkdtempSync(path.join(fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'crash-'));
  directory = path.join(home, 'oci');
});

afterEach(() => {
  fs.rmSync(home, { recursive: true, force: true });
});

/** Writes images that come as JSON: blobs are texts. */
const WRITE = `
  const images = args[1].map((image) => ({
    ...image,
    blobs: image.blobs.map(({ descriptor, text }) => ({ descriptor, from: Buffer.from(text) })),
  }));
  await lib('oci').writeLayout(args[0], images);
`;

function asJson(images: readonly LayoutImage[]): unknown {
  return images.map((image) => ({
    ...image,
    blobs: image.blobs.map(({ descriptor, from }) => ({ descriptor, text: from.toString() })),
  }));
}

/** The same, killed before it changes anything for the `args[2]`th time. */
const WRITE_UNTIL = `
  const fs = require('node:fs');
  let steps = 0;
  for (const name of args[3]) {
    const original = fs.promises[name];
    fs.promises[name] = (...parameters) => {
      steps += 1;
      if (steps === args[2]) process.kill(process.pid, 'SIGKILL');
      return original.apply(fs.promises, parameters);
    };
  }
  ${WRITE}
`;

/** What changes something. */
const CHANGES = ['writeFile', 'rename', 'link', 'rm', 'mkdir', 'copyFile'] as const;

/** Some images, of which each generation shares layers with the one before. */
function generation(number: number): LayoutImage[] {
  return ['a', 'b'].map((name) => layoutImage(name, ['base', `${String(number)}${name}`, `${String(number + 1)}${name}`]));
}

/**
 * Stops a write in this process before it changes anything for the nth time: that change and all later ones never come back.
 * @returns whether it came to that
 */
async function stopAt(step: number, write: () => Promise<unknown>): Promise<boolean> {
  let steps = 0;
  let stopped = (): void => undefined;
  const isStopped = new Promise<boolean>((resolve) => {
    stopped = () => {
      resolve(true);
    };
  });
  const spies = CHANGES.map((name) => {
    const original = fs.promises[name] as (...parameters: unknown[]) => Promise<unknown>;
    return jest.spyOn(fs.promises, name).mockImplementation(((...parameters: unknown[]) => {
      steps += 1;
      if (steps < step) return original.apply(fs.promises, parameters);
      stopped();
      return new Promise(() => undefined);
    }) as never);
  });
  try {
    return await Promise.race([isStopped, write().then(() => false)]);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** A write that never comes back leaves a lock that says this process holds it; a killed one's owner is dead. */
function buryOwner(target: string): void {
  const lock = path.join(target, '.cdk-stack.lock');
  if (!fs.existsSync(lock)) return;
  fs.writeFileSync(lock, fs.readFileSync(lock, 'utf8').replace(`"pid":${String(process.pid)}`, '"pid":4194305'));
}

type Outcome = 'before' | 'after' | 'nothing';

/** What a reader sees, without the code under test: fails unless every blob that the index needs is whole. */
function outcomeAt(target: string, before: readonly LayoutImage[], after: readonly LayoutImage[]): Outcome {
  if (!fs.existsSync(path.join(target, 'index.json'))) return 'nothing';
  referencedBy(target);
  const digests = JSON.stringify(indexOf(target).manifests.map(({ digest }) => digest));
  const isState = (images: readonly LayoutImage[]): boolean =>
    digests === JSON.stringify(images.map(({ manifest }) => manifest.digest));
  if (isState(before)) return 'before';
  if (isState(after)) return 'after';
  throw new Error('it reads neither as before nor as after');
}

function expectClean(target: string): void {
  expect(blobsOf(target)).toEqual(referencedBy(target));
  expect(fs.readdirSync(target).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
}

describe('a layout whose writer is stopped', () => {
  const foreign = layoutImage('foreign', ['foreign', 'base']);
  const before = [foreign, ...generation(0)];
  const after = [foreign, ...generation(1)];

  test('reads as before or as after, at whatever step that is, and the next write cleans up', async () => {
    const outcomes: Outcome[] = [];
    let leftOver = 0;
    for (let step = 1, goesOn = true; goesOn; step += 1) {
      const target = path.join(home, String(step));
      await writeLayout(target, before);
      goesOn = await stopAt(step, () => writeLayout(target, generation(1)));
      outcomes.push(outcomeAt(target, before, after));
      if (blobsOf(target).length > referencedBy(target).length) leftOver += 1;
      buryOwner(target);
      await writeLayout(target, generation(step % 3));
      expectClean(target);
      expect(indexOf(target).manifests[0]?.digest).toBe(foreign.manifest.digest);
    }
    const firstAfter = outcomes.indexOf('after');
    expect(firstAfter).toBeGreaterThan(10);
    expect(outcomes.slice(firstAfter).every((outcome) => outcome === 'after')).toBe(true);
    expect(outcomes.length - firstAfter).toBeGreaterThan(5);
    expect(leftOver).toBeGreaterThan(10);
  }, 60_000);

  test('is made by the next write when the first one was stopped', async () => {
    for (let step = 1, goesOn = true; goesOn; step += 1) {
      const target = path.join(home, String(step));
      goesOn = await stopAt(step, () => writeLayout(target, generation(1)));
      expect(['nothing', 'after']).toContain(outcomeAt(target, before, generation(1)));
      buryOwner(target);
      await writeLayout(target, generation(2));
      expectClean(target);
    }
  }, 60_000);

  test('is the same for a process that is killed', async () => {
    await writeLayout(directory, before);
    for (const step of [3, 9, 15]) {
      const child = new Child(library, WRITE_UNTIL, directory, asJson(generation(1)), step, CHANGES);
      expect(await child.ended()).toBe('SIGKILL');
      expect(outcomeAt(directory, before, after)).toBe('before');
    }
    await writeLayout(directory, generation(0));
    expectClean(directory);
  }, 60_000);

  test('does not lose what a killed write left when there is nothing else to do', async () => {
    await writeLayout(directory, generation(0));
    const stray = 'f'.repeat(64);
    fs.writeFileSync(path.join(directory, 'blobs/sha256', stray), 'x');
    fs.writeFileSync(path.join(directory, 'blobs/sha256', `${stray}.123-0123abcd.tmp`), 'x');
    fs.writeFileSync(path.join(directory, '.cdk-stack.pending'), JSON.stringify([`sha256:${stray}`, 'sha256:../../index.json', 7]));
    expect((await writeLayout(directory, generation(0))).blobs).toEqual([]);
    expect(blobsOf(directory)).toEqual(referencedBy(directory));
    expect(fs.readdirSync(directory).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  });
});

test('writers of one layout at the same time do not lose each other’s images', async () => {
  const sets = ['a', 'b', 'c', 'd'].map((word) =>
    Array.from({ length: 5 }, (_, place) => layoutImage(`${word}-${String(place)}`, ['base', `${word}${String(place)}`])),
  );
  const children = sets.map((images) => new Child(library, WRITE, directory, asJson(images)));
  expect(await Promise.all(children.map((child) => child.ended()))).toEqual([0, 0, 0, 0]);
  const names = indexOf(directory).manifests.map((entry) => entry.annotations?.['org.opencontainers.image.ref.name']);
  expect(names.sort()).toEqual(sets.flat().map(({ refName }) => refName).sort());
  expect(blobsOf(directory)).toEqual(referencedBy(directory));
  expect(fs.readdirSync(directory).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
}, 60_000);
