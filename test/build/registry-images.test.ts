import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { buildImages, encodeImage, type BuiltImage } from '../../lib/build';
import { digestOf, MEDIA_TYPE, type Descriptor } from '../../lib/oci';
import { order, type LayerFormat, type SourcePlan } from '../../lib/plan';
import type { PublishedManifest } from '../../lib/registry';
import { FakeRegistry, faultTimes, type FakeAuth } from '../../lib/registry/testing';
import { layersOf } from '../../lib/stack';
import { failureOf } from '../failure';
import { collect, imageOf, indexOf } from '../registry/world';
import { EPOCH, hostImport, imageImport, layer, stacked, Workshop, type Recipe } from './workshop';

let shop: Workshop;
let fake: FakeRegistry;

beforeEach(async () => {
  shop = new Workshop();
  fake = await FakeRegistry.start();
});

afterEach(async () => {
  await shop.close();
  await fake.stop();
  shop.remove();
});

const PLATFORM = 'linux/amd64';
const ACCOUNT: FakeAuth = { kind: 'basic', username: 'someone', password: 'secret' };

function tarOf(files: Readonly<Record<string, string>>): Buffer {
  const directory = fs.mkdtempSync(`${shop.home}/tar-`);
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(`${directory}/${name}`, content);
  const names = Object.keys(files).sort();
  const how = ['-c', '--mtime=@7', '--owner=0', '--group=0', '--mode=0644'];
  return execFileSync('tar', [...how, ...names], { cwd: directory, maxBuffer: 64 * 1024 * 1024 });
}

/** Puts images there as if somebody had pushed them, and gives what the tag names. */
async function push(image: PublishedManifest, tag: string, others: readonly PublishedManifest[] = []): Promise<string> {
  const repository = fake.repository('acme/base');
  for (const each of [...others, image]) {
    for (const blob of each.blobs) repository.addBlob(await collect(blob.open(0)));
    repository.addManifest(each.mediaType, each.content);
  }
  return repository.addManifest(image.mediaType, image.content, tag);
}

const origin = (): string => `${fake.host}/acme/base`;
const from = (suffix = ':1'): SourcePlan => ({ type: 'registry', reference: `${origin()}${suffix}` });

async function buildOne(changes: Parameters<typeof layer>[0] = {}, recipe: Partial<Recipe> = {}): Promise<BuiltImage> {
  const built = await shop.build({
    images: { x: layer({ from: changes?.from ?? from(), platform: PLATFORM, ...changes }) },
    ...recipe,
  });
  return built.get('x')!;
}

function layersIn(image: BuiltImage, format: LayerFormat = 'tar'): readonly Descriptor[] {
  return layersOf(image.variants.get(format)!).map(({ descriptor }) => descriptor);
}

function lock(): unknown {
  const file = shop.path('cdk-stack.lock.json');
  return fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as { images: unknown }).images : undefined;
}

/** Times a blob was asked for. */
const reads = (blob: Buffer): number =>
  fake.log.filter(({ method, path }) => method === 'GET' && path.endsWith(`/blobs/${digestOf(blob)}`)).length;

const inStore = (digest: string): boolean => fs.existsSync(`${shop.home}/store/v1/blobs/sha256/${digest.slice(7)}`);

test('an image is used by its descriptors, without a transfer of its layers', async () => {
  const tars = [tarOf({ a: 'A' }), tarOf({ b: 'B' })];
  const image = imageOf(tars);
  const digest = await push(image, '1');

  const built = await buildOne({ config: { user: 'me' } });

  expect(layersIn(built)).toEqual((JSON.parse(image.content.toString()) as { layers: unknown }).layers);
  expect(tars.map(reads)).toEqual([0, 0]);
  expect(lock()).toEqual({ [`${origin()}:1`]: { digest } });
  const { store } = await shop.context();
  const { document, blobs } = encodeImage(built, 'tar', store, EPOCH);
  expect(document.annotations).toEqual({
    'org.opencontainers.image.base.name': `${origin()}:1`,
    'org.opencontainers.image.base.digest': digest,
  });
  expect(blobs.map((blob) => blob.origin)).toEqual([origin(), origin(), undefined, undefined]);
});

test('the tag is looked up once, and the second build asks for nothing', async () => {
  const image = imageOf([tarOf({ a: 'A' })]);
  await push(image, '1');
  const first = await buildOne();
  expect(fake.log.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'GET']);
  fake.log.length = 0;

  const second = await buildOne({}, { frozen: true });

  expect(fake.log).toEqual([]);
  expect(layersIn(second)).toEqual(layersIn(first));
});

test('what is locked stays when the tag moves, also with an empty store', async () => {
  const digest = await push(imageOf([tarOf({ a: 'A' })]), '1');
  const first = await buildOne();
  await push(imageOf([tarOf({ a: 'B' })]), '1');
  fs.rmSync(`${shop.home}/store`, { recursive: true });

  expect(layersIn(await buildOne())).toEqual(layersIn(first));
  expect(lock()).toEqual({ [`${origin()}:1`]: { digest } });
});

test('a reference by digest is not locked, and an index is followed to the platform', async () => {
  const tar = tarOf({ a: 'A' });
  const images = { amd64: imageOf([tar]), arm64: imageOf([tarOf({ a: 'ARM' })], 'arm64') };
  const digest = await push(indexOf(images), '1', Object.values(images));

  const built = await buildOne({ from: from(`@${digest}`) }, { frozen: true });

  expect(layersIn(built).map((each) => each.digest)).toEqual([digestOf(tar)]);
  expect(built.base).toEqual({ digest: digestOf(images.amd64.content), name: `${origin()}@${digest}`, format: 'tar' });
  expect(lock()).toBeUndefined();
});

test('--frozen without an entry is an error, and nothing is asked for', async () => {
  await push(imageOf([tarOf({ a: 'A' })]), '1');
  expect(await failureOf(buildOne({}, { frozen: true }))).toMatchObject({
    code: 'STACK3021',
    constructPath: 'x',
    message: `the lock file has no entry for '${origin()}:1'`,
  });
  expect(fake.log).toEqual([]);
});

test('blobs are transferred when files are taken or imported over, each once for all images', async () => {
  const tars = [tarOf({ a: 'A' }), tarOf({ b: 'B' })];
  await push(imageOf(tars), '1');
  shop.write({ f: 'F' });
  const base = { from: from(), platform: PLATFORM };
  const images = {
    base: layer({ ...base, buildOnly: true }),
    one: layer({ ...base, imports: [hostImport('f', '/f')] }),
    two: layer({ ...base, imports: [hostImport('f', '/g')] }),
    taker: layer({ imports: [imageImport('base', '/b', '/b')], platform: PLATFORM }),
  };

  const built = await shop.build({ images, concurrency: 4 });

  expect(tars.map(reads)).toEqual([1, 1]);
  expect(layersIn(built.get('one')!)).toHaveLength(3);
  expect(layersIn(built.get('taker')!)).toHaveLength(1);
  const done = shop.events.filter(({ code }) => code === 'download-done');
  expect(done).toHaveLength(2);
  expect(done).toContainEqual(expect.objectContaining({ url: `${origin()}@${digestOf(tars[0]!)}` }));
});

test('blobs are transferred together, to be converted once', async () => {
  const tars = ['a', 'b', 'c'].map((name) => tarOf({ [name]: name }));
  await push(imageOf(tars), '1');
  fake.behavior.latency = 100;

  const built = await buildOne({}, { formats: ['squashfs'] });

  const blobs = fake.log.filter(({ path }) => tars.some((tar) => path.endsWith(digestOf(tar))));
  const lastBegin = Math.max(...blobs.map(({ began }) => began));
  const firstEnd = Math.min(...blobs.map(({ ended }) => ended));
  expect(blobs).toHaveLength(3);
  expect(lastBegin).toBeLessThan(firstEnd);
  expect(layersIn(built, 'squashfs').map(({ mediaType }) => mediaType)).toEqual(Array(3).fill(MEDIA_TYPE.squashfs));
  fake.log.length = 0;
  expect(layersIn(await buildOne({}, { formats: ['squashfs'] }), 'squashfs')).toEqual(layersIn(built, 'squashfs'));
  expect(fake.log).toEqual([]);
});

test('a component passes through a combination, and keeps where it is from', async () => {
  const tar = tarOf({ a: 'A' });
  await push(imageOf([tar]), '1');
  shop.write({ f: 'F' });
  const images = {
    base: layer({ from: from(), platform: PLATFORM, buildOnly: true }),
    mine: layer({ imports: [hostImport('f', '/f')], platform: PLATFORM }),
    both: stacked('base', 'mine'),
  };

  const built = await shop.build({ images });

  const layers = layersOf(built.get('both')!.variants.get('tar')!);
  expect(layers.map((each) => each.origin)).toEqual([origin(), undefined]);
  expect(layers[0]!.descriptor.digest).toBe(digestOf(tar));
  expect(reads(tar)).toBe(1); // once, to know its paths
});

test('a broken connection is mended, and progress is told', async () => {
  const tar = tarOf({ a: 'A'.repeat(3_000_000) });
  await push(imageOf([tar]), '1');
  const isTar = ({ path }: { path: string }): boolean => path.endsWith(digestOf(tar));
  fake.behavior.fault = faultTimes(1, { dropAnswerAfter: 2_000_000 }, isTar);

  await buildOne({}, { formats: ['squashfs'] });

  expect(reads(tar)).toBe(2);
  expect(shop.events).toContainEqual(expect.objectContaining({ code: 'download-progress', total: tar.length }));
});

test('a wrong blob is refused, and nothing of it is kept', async () => {
  const tar = tarOf({ a: 'A' });
  await push(imageOf([tar]), '1');
  fake.behavior.corrupt = new Set([digestOf(tar)]);

  const failure = await failureOf(buildOne({}, { formats: ['squashfs'] }));

  expect(failure).toMatchObject({ code: 'STACK6109', constructPath: 'x' });
  expect(inStore(digestOf(tar))).toBe(false);
  expect(fs.readdirSync(`${shop.home}/store/v1/tmp`)).toEqual([]);
  fake.behavior.corrupt = new Set();
  expect(layersIn(await buildOne({}, { formats: ['squashfs'] }), 'squashfs')).toHaveLength(1);
});

describe('one clear error, and no entry in the lock file, for', () => {
  test('a missing image', async () => {
    expect(await failureOf(buildOne())).toMatchObject({ code: 'STACK6107', constructPath: 'x', others: [] });
    expect(lock()).toBeUndefined();
  });

  test('a missing platform', async () => {
    await push(imageOf([tarOf({ a: 'A' })], 'arm64'), '1');
    const failure = await failureOf(buildOne());
    expect(failure).toMatchObject({ code: 'STACK6108', constructPath: 'x', others: [] });
    expect(failure.hint).toContain('linux/arm64');
    expect(lock()).toBeUndefined();
  });

  test('a registry that wants credentials', async () => {
    await fake.stop();
    fake = await FakeRegistry.start({ auth: ACCOUNT });
    expect(await failureOf(buildOne())).toMatchObject({ code: 'STACK6104', constructPath: 'x', others: [] });
    expect(lock()).toBeUndefined();
  });

  test('a registry that is not there', async () => {
    const gone = from();
    await fake.stop();
    const failure = await failureOf(buildOne({ from: gone }));
    fake = await FakeRegistry.start();
    expect(failure).toMatchObject({ code: 'STACK6102', constructPath: 'x' });
  });
});

test('a locked digest that is gone names the cure', async () => {
  const digest = await push(imageOf([tarOf({ a: 'A' })]), '1');
  await buildOne();
  fake.repository('acme/base').manifests.delete(digest);
  fs.rmSync(`${shop.home}/store`, { recursive: true });
  expect(await failureOf(buildOne())).toMatchObject({
    code: 'STACK6107',
    hint: expect.stringContaining(`run stack update ${origin()}:1 to`) as string,
  });
});

test('a damaged document in the store is noticed', async () => {
  const image = imageOf([tarOf({ a: 'A' })]);
  await push(image, '1');
  await buildOne();
  const file = `${shop.home}/store/v1/blobs/sha256/${digestOf(image.content).slice(7)}`;
  fs.chmodSync(file, 0o644);
  fs.writeFileSync(file, image.content.toString().replace('{', ' '));
  expect(await failureOf(buildOne())).toMatchObject({ code: 'STACK7004' });
});

test('a build that is cancelled while a blob comes ends with the reason, and leaves nothing', async () => {
  const tar = tarOf({ a: 'A'.repeat(3_000_000) });
  await push(imageOf([tar]), '1');
  fake.behavior.fault = ({ path }) => (path.endsWith(digestOf(tar)) ? { slowAnswer: 20 } : undefined);
  const controller = new AbortController();
  const recipe: Recipe = {
    images: { x: layer({ from: from(), platform: PLATFORM }) },
    signal: controller.signal,
    onEvent: ({ code }) => {
      if (code === 'download-progress') controller.abort(new Error('enough'));
    },
  };
  const context = await shop.context(recipe);
  const work = buildImages(context, { order: order(context.plan), formatsOf: () => ['squashfs'], concurrency: 1 });
  await expect(work).rejects.toThrow('enough');
  expect(fs.readdirSync(`${shop.home}/store/v1/tmp`)).toEqual([]);
});

test('one image by two names is one base, whether the combination is in a format or not', async () => {
  const image = imageOf([tarOf({ a: 'A' })]);
  for (const tag of ['1', '2']) await push(image, tag);
  const part = (tag: string, user?: string) =>
    layer({ from: from(`:${tag}`), platform: PLATFORM, buildOnly: true, ...(user ? { config: { user } } : {}) });
  const runtimeOf = async (buildOnly: boolean): Promise<unknown> => {
    const both = { ...stacked('x', 'y'), buildOnly };
    const built = await shop.build({ images: { x: part('1', 'me'), y: part('2'), both } });
    expect(built.get('both')!.variants.size).toBe(buildOnly ? 0 : 1);
    const { runtime, base } = built.get('both')!.configuration;
    expect(base?.name).toBe(`docker://${origin()}:1`);
    return runtime;
  };
  const published = await runtimeOf(false);
  expect(published).toMatchObject({ User: 'me' });
  expect(await runtimeOf(true)).toEqual(published);
});
