import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { digestOf, writeLayout } from '../../lib/oci';
import type { FakeRegistry } from '../../lib/registry/testing';
import { copy, type CopyOptions, type PlacedImage } from '../../lib/toolkit';
import { failureOf } from '../failure';
import { blobsOf, indexOf as layoutIndex, layoutImage, referencedBy, stateOf } from '../oci/fixture';
import { bytes, imageOf, indexOf, problemsOf, World } from '../registry/world';

const world = new World();
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'copy-'));
let fake: FakeRegistry;
let there: string;

const base = bytes('base', 100_000);
const images = {
  amd64: imageOf([base, bytes('amd64', 50_000)]),
  arm64: imageOf([base, bytes('arm64', 60_000)], 'arm64'),
};
const index = indexOf(images);

beforeEach(async () => {
  process.env['STACK_HOME'] = path.join(directory, 'store');
  fake = await world.fake();
  there = `docker://${fake.host}`;
  const client = world.client();
  await client.publish([
    { repository: `${fake.host}/acme/app`, manifests: [...Object.values(images), index], tags: ['1'] },
  ]);
  fake.log.length = 0;
});
afterEach(async () => {
  await world.close();
  for (const name of fs.readdirSync(directory)) fs.rmSync(path.join(directory, name), { recursive: true });
});
afterAll(() => {
  fs.rmSync(directory, { recursive: true });
});

function copied(from: string, to: string, options: Partial<CopyOptions> = {}): Promise<PlacedImage> {
  return copy({ from, to, directory, listener: () => undefined, ...options });
}

const methods = ({ log }: FakeRegistry): string[] => [...new Set(log.map(({ method }) => method))].sort();

test('an index with all its images comes into a layout, and from there into another registry, byte for byte', async () => {
  const other = await world.fake();

  const here = await copied(`${there}/acme/app:1`, 'oci:./oci');
  const gone = await copied('oci:oci:app:1', `docker://${other.host}/x/y:2`);

  expect(here).toMatchObject({ reference: 'oci:./oci:app:1', digest: digestOf(index.content), changed: true });
  expect(here).not.toHaveProperty('was');
  expect(blobsOf(path.join(directory, 'oci'))).toEqual(referencedBy(path.join(directory, 'oci')));
  expect(gone).toMatchObject({ reference: `docker://${other.host}/x/y:2`, digest: here.digest, blobsWritten: 5 });
  expect(problemsOf(other, 'x/y', '2')).toEqual([]);
  expect(other.repository('x/y').manifest('2')?.content).toEqual(index.content);
});

test('what is there already is not transferred', async () => {
  await copied(`${there}/acme/app:1`, 'oci:./oci');
  const before = stateOf(path.join(directory, 'oci'));
  fake.log.length = 0;

  const again = await copied(`${there}/acme/app:1`, 'oci:./oci');
  const back = await copied('oci:./oci:app:1', `${there}/acme/app:1`);

  for (const result of [again, back]) {
    expect(result).toMatchObject({ changed: false, was: digestOf(index.content), blobs: [] });
  }
  expect(stateOf(path.join(directory, 'oci'))).toEqual(before);
  expect(fake.log.filter(({ path: asked }) => asked.includes('/blobs/'))).toEqual([]);
  expect(methods(fake)).toEqual(['GET', 'HEAD']);
});

test('inside of a registry blobs are mounted', async () => {
  const result = await copied(`${there}/acme/app:1`, `${there}/other/app:1`);

  expect(result).toMatchObject({ blobsWritten: 0, blobsMounted: 5, bytesWritten: 0 });
  expect(result.blobs[0]).toMatchObject({ to: `${fake.host}/other/app`, from: `${fake.host}/acme/app` });
  expect(problemsOf(fake, 'other/app', '1')).toEqual([]);
  expect(fake.log.filter(({ method, path: asked }) => method === 'GET' && asked.includes('/blobs/'))).toEqual([]);
});

test('what was published to a registry before is mounted from there', async () => {
  await copied(`${there}/acme/app:1`, 'oci:./oci');
  const other = await world.fake();
  await copied('oci:./oci', `docker://${other.host}/first`);
  const second = await copied('oci:./oci', `docker://${other.host}/second`);
  expect(second).toMatchObject({ blobsWritten: 0, blobsMounted: 5 });
  expect(problemsOf(other, 'second', 'latest')).toEqual([]);
  other.repository('second').blobs.clear();
  other.repository('first').blobs.clear();
  other.repository('second').manifests.clear();
  await copied('oci:./oci', `docker://${other.host}/second`);
  expect(problemsOf(other, 'second', 'latest')).toEqual([]);
});

test('between registries blobs pass through, once', async () => {
  const other = await world.fake();
  await copied(`${there}/acme/app:1`, `docker://${other.host}/app`);
  expect(problemsOf(other, 'app', 'latest')).toEqual([]);
  const read = fake.log.filter(({ method, path: asked }) => method === 'GET' && asked.includes('/blobs/'));
  expect(read).toHaveLength(5);
});

test('one platform is copied alone', async () => {
  const result = await copied(`${there}/acme/app:1`, 'oci:./oci:arm', { platform: 'linux/arm64' });
  expect(result).toMatchObject({ reference: 'oci:./oci:arm', digest: digestOf(images.arm64.content), blobsWritten: 4 });
  expect(layoutIndex(path.join(directory, 'oci')).manifests).toHaveLength(1);
  await copied('oci:./oci', 'oci:./second');
  expect(layoutIndex(path.join(directory, 'second'))).toEqual(layoutIndex(path.join(directory, 'oci')));
});

test('a dry run tells all, and changes nothing', async () => {
  const planned = await copied(`${there}/acme/app:1`, `${there}/other/app:1`, { dryRun: true });
  expect(planned).toMatchObject({ changed: true, blobsMounted: 5 });
  expect(fake.repository('other/app').blobs.size).toBe(0);
  await copied(`${there}/acme/app:1`, 'oci:./oci', { dryRun: true });
  expect(fs.readdirSync(directory)).toEqual(['store']);
});

test('a name that named something else says what that was', async () => {
  const old = layoutImage('app', ['old']);
  await writeLayout(path.join(directory, 'oci'), [old]);
  expect(await copied(`${there}/acme/app:1`, 'oci:./oci:app')).toMatchObject({
    was: old.manifest.digest,
    changed: true,
  });
  expect(blobsOf(path.join(directory, 'oci'))).toEqual(referencedBy(path.join(directory, 'oci')));
});

test('a blob that is damaged is never there, and no name is', async () => {
  await copied(`${there}/acme/app:1`, 'oci:./oci');
  fs.writeFileSync(path.join(directory, 'oci', 'blobs', 'sha256', digestOf(base).slice(7)), Buffer.alloc(base.length));
  const other = await world.fake();

  const pushed = await failureOf(copied('oci:./oci', `docker://${other.host}/app:1`));
  const placed = await failureOf(copied('oci:./oci', 'oci:./second'));

  for (const error of [pushed, placed]) expect(error.code).toBe('STACK6004');
  expect(other.repository('app').tags.size).toBe(0);
  expect(other.repository('app').blobs.has(digestOf(Buffer.alloc(base.length)))).toBe(false);
  expect(fs.readdirSync(path.join(directory, 'second')).filter((name) => name !== 'blobs')).toEqual([]);
  expect(blobsOf(path.join(directory, 'second'))).toEqual([]);
});

test.each<[string, () => [string, string], Partial<CopyOptions>, string]>([
  ['no place', () => ['app', 'oci:x'], {}, 'STACK1006'],
  ['no reference', () => ['docker://A B', 'oci:x'], {}, 'STACK6101'],
  ['no layout', () => ['oci:missing', 'oci:x'], {}, 'STACK6001'],
  ['an image that is not there', () => [`${there}/acme/app:2`, 'oci:x'], {}, 'STACK6107'],
  ['a platform that is not there', () => [`${there}/acme/app:1`, 'oci:x'], { platform: 'linux/riscv64' }, 'STACK6108'],
  ['no platform', () => [`${there}/acme/app:1`, 'oci:x'], { platform: 'arm' }, 'STACK1001'],
  ['another digest', () => [`${there}/acme/app:1`, `${there}/b@${digestOf(base)}`], {}, 'STACK6109'],
])('%s is one clear error', async (_, places, options, code) => {
  const [from, to] = places();
  expect(await failureOf(copied(from, to, options))).toMatchObject({ code, others: [] });
  expect(fs.existsSync(path.join(directory, 'x'))).toBe(false);
});
