import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { ownIdentity } from '../../lib/core';
import { digestOf } from '../../lib/oci';
import { Store, TREE, type CollectPolicy } from '../../lib/store';
import { failureOf } from '../failure';

const HOUR = 3_600_000;
const NOW = Date.now();
let home: string;
let store: Store;

beforeEach(async () => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'collect-'));
  store = await Store.open(home);
});

afterEach(() => {
  fs.rmSync(home, { recursive: true, force: true });
});

const inStore = (...parts: string[]): string => path.join(home, 'v1', ...parts);

function usedHoursAgo(file: string, hours: number): void {
  const then = new Date(NOW - hours * HOUR);
  fs.utimesSync(file, then, then);
}

/** A blob of some bytes that was last used some hours ago. */
async function blob(bytes: number, hours: number): Promise<string> {
  const digest = await store.addBlob(`${String(hours)}:`.padEnd(bytes, 'x'));
  usedHoursAgo(store.blobPath(digest), hours);
  return digest;
}

async function tree(bytes: number, hours: number): Promise<string> {
  const key = digestOf(`tree ${String(hours)}`);
  const directory = path.join(await store.runDirectory(), 'around');
  fs.mkdirSync(path.join(directory, TREE, 'deep'), { recursive: true });
  fs.writeFileSync(path.join(directory, TREE, 'deep', 'file'), 'x');
  await store.adoptTree(key, directory, bytes);
  fs.rmSync(path.dirname(directory), { recursive: true });
  usedHoursAgo(inStore('trees', key.slice(7)), hours);
  return key;
}

async function collect(policy: CollectPolicy): Promise<string[]> {
  const planned = await store.planCollection(policy);
  const { plan, directories } = await store.collect(policy, { patience: 0 });
  expect(plan).toEqual(planned);
  for (const directory of directories) fs.rmSync(directory, { recursive: true });
  expect(fs.readdirSync(inStore('runs'))).toEqual([]);
  expect(fs.readdirSync(inStore('locks'))).toEqual([]);
  return plan.items.map(({ name }) => name);
}

describe('collecting', () => {
  test('takes what was not used for longest until the rest is small enough', async () => {
    const [old, middle, young] = [await blob(100, 3), await blob(200, 2), await blob(300, 1)];
    expect(await collect({ keepBytes: 600 })).toEqual([]);
    expect(await collect({ keepBytes: 599 })).toEqual([old]);
    expect(await collect({ keepBytes: 300 })).toEqual([middle]);
    expect(await store.hasBlob(young)).toBe(true);
    expect(await collect({ keepBytes: 0 })).toEqual([young]);
    expect(fs.readdirSync(inStore('blobs/sha256'))).toEqual([]);
  });

  test('takes what was not used since some time, whatever its size', async () => {
    const [old, young] = [await blob(1, 48), await blob(1000, 1)];
    expect(await collect({ unusedSince: NOW - 49 * HOUR })).toEqual([]);
    expect(await collect({ unusedSince: NOW - 24 * HOUR, keepBytes: 1000 })).toEqual([old]);
    expect(await store.hasBlob(young)).toBe(true);
  });

  test('takes records, unpacked trees and state likewise', async () => {
    const key = digestOf('key');
    await store.writeRecord('kind', key, 'value');
    usedHoursAgo(inStore('records/kind', `${key.slice(7)}.record`), 5);
    const unpacked = await tree(5000, 4);
    const logs = await store.stateDirectory('logs/app');
    fs.writeFileSync(path.join(logs, 'x.log'), 'said');
    usedHoursAgo(path.join(logs, 'x.log'), 3);
    usedHoursAgo(logs, 30);
    const { items, kept } = await store.planCollection({ keepBytes: 0 });
    expect(items.map(({ kind, name, bytes }) => [kind, name, bytes])).toEqual([
      ['record', `records/kind/${key.slice(7)}.record`, expect.any(Number)],
      ['tree', `trees/${unpacked.slice(7)}`, 5000],
      ['state', 'state/logs/app', 4],
    ]);
    expect(kept).toEqual({ items: 0, bytes: 0 });
    expect(await collect({ keepBytes: 0 })).toHaveLength(3);
    expect(await store.readRecord('kind', key)).toBeUndefined();
    expect(await store.findTree(unpacked)).toBeUndefined();
    expect(fs.existsSync(logs)).toBe(false);
  });

  test('leaves alone what was found since', async () => {
    const [found, forgotten] = [await blob(10, 48), await blob(10, 47)];
    const key = digestOf('key');
    await store.writeRecord('kind', key, 'value');
    usedHoursAgo(inStore('records/kind', `${key.slice(7)}.record`), 48);
    const unpacked = await tree(10, 48);
    expect(await store.hasBlob(found)).toBe(true);
    expect(await store.readRecord('kind', key)).toBe('value');
    expect(await store.findTree(unpacked)).toBe(inStore('trees', unpacked.slice(7), TREE));
    expect(await collect({ unusedSince: NOW - 24 * HOUR })).toEqual([forgotten]);
  });

  test('notes a use once an hour, and never when a file was written', async () => {
    const digest = await blob(10, 0.5);
    const before = fs.statSync(store.blobPath(digest));
    await store.hasBlob(digest);
    expect(fs.statSync(store.blobPath(digest))).toMatchObject({ atimeMs: before.atimeMs, ctimeMs: before.ctimeMs });
    usedHoursAgo(store.blobPath(digest), 2);
    const written = fs.statSync(store.blobPath(digest)).mtimeMs;
    await store.hasBlob(digest);
    const after = fs.statSync(store.blobPath(digest));
    expect(after.atimeMs).toBeGreaterThan(NOW - HOUR);
    expect(after.mtimeMs).toBeCloseTo(written, -1);
  });

  test('counts and hands out what killed processes left', async () => {
    const { started, machine } = ownIdentity();
    const dead = `4194305-${started}-${machine}-abcdef`;
    for (const room of ['tmp', 'runs']) {
      fs.mkdirSync(inStore(room, dead, 'deep'), { recursive: true });
      fs.writeFileSync(inStore(room, dead, 'deep', 'half'), '12345');
    }
    expect(await store.planCollection({})).toMatchObject({ items: [], leftoverBytes: 10 });
    const { directories } = await store.collect({}, { patience: 0 });
    expect(directories).toEqual([inStore('tmp', dead), inStore('runs', dead)]);
  });

  test('does not disturb who is at work in the store', async () => {
    await blob(10, 48);
    await store.use(async () => {
      expect(await failureOf(store.collect({ keepBytes: 0 }, { patience: 0 }))).toMatchObject({
        code: 'STACK7003',
        message: `process ${String(process.pid)} is at work in the local store`,
      });
    });
    const work = store.use(() => new Promise((resolve) => setTimeout(resolve, 200)));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { plan } = await store.collect({ keepBytes: 0 }, { patience: 10_000 });
    await work;
    expect(plan.items).toHaveLength(1);
  });

  test('tells once whom it waits for', async () => {
    const onWait = jest.fn();
    const told = await Store.open(home, { onWait });
    const work = store.use(() => new Promise((resolve) => setTimeout(resolve, 1500)));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await told.collect({}, { patience: 30_000 });
    await work;
    expect(onWait.mock.calls).toEqual([[`process ${String(process.pid)}`, 'the local store']]);
  });

  test('that was killed between taking out and removing is finished by the next', async () => {
    await blob(10, 48);
    const { directories } = await store.collect({ keepBytes: 0 }, { patience: 0 });
    const [out = ''] = directories;
    const { started, machine } = ownIdentity();
    fs.renameSync(out, inStore('runs', `4194305-${started}-${machine}-abcdef`));
    expect(await store.planCollection({})).toMatchObject({ leftoverBytes: 10, kept: { items: 0, bytes: 0 } });
  });
});
