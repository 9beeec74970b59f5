import { StackError } from '../../lib/core';
import { digestOf } from '../../lib/oci';
import type { RegistryEvent } from '../../lib/registry';
import { faultTimes, type FakeRegistry, type LoggedRequest } from '../../lib/registry/testing';
import { failureOf } from '../failure';
import { bytes, collect, imageOf, indexOf, problemsOf, publication, sourceOf, World } from './world';

const world = new World();
afterEach(() => world.close());
afterEach(() => jest.restoreAllMocks());

const base = bytes('base', 100_000);
const top = bytes('top', 300_000);

const isUpload = ({ method, path }: LoggedRequest): boolean =>
  /PUT|PATCH/.test(method) && path.includes('/blobs/uploads/');

/** Requests that carried bytes of blobs. */
const uploads = (fake: FakeRegistry): LoggedRequest[] => fake.log.filter((each) => isUpload(each) && each.bytes > 0);

/** Most requests that waited for each other. */
function roundTrips(log: readonly LoggedRequest[]): number {
  const depths = new Map<LoggedRequest, number>();
  for (const request of log) {
    const before = log.filter(({ ended }) => ended < request.began).map((each) => depths.get(each) ?? 0);
    depths.set(request, 1 + Math.max(0, ...before));
  }
  return Math.max(...depths.values());
}

test('an image is published and read back', async () => {
  const fake = await world.fake();
  const client = world.client();
  const image = imageOf([base, top]);

  await client.publish([publication(`${fake.host}/acme/app`, image, '1', 'latest')]);

  expect(problemsOf(fake, 'acme/app', '1')).toEqual([]);
  const pulled = await client.image(`${fake.host}/acme/app:latest`, {
    platform: { os: 'linux', architecture: 'amd64' },
  });
  expect(pulled.manifestContent).toEqual(image.content);
  const [, layer] = pulled.manifest.layers;
  expect(digestOf(await collect(client.blob(pulled.repository, layer!)))).toBe(digestOf(top));
  expect(fake.openUploads).toEqual([]);
});

test('publishing again only asks', async () => {
  const fake = await world.fake();
  const client = world.client();
  const publications = [publication(`${fake.host}/acme/app`, imageOf([base, top]), '1')];
  await client.publish(publications);
  fake.log.length = 0;

  const plan = await client.publish(publications);

  expect(plan).toEqual({ blobs: [], manifests: [], tags: [] });
  expect(fake.log.map(({ method }) => method)).toEqual(['HEAD', 'HEAD']);
});

test('every blob is uploaded once to a registry and mounted everywhere else', async () => {
  const fake = await world.fake();
  const client = world.client();

  await client.publish([
    publication(`${fake.host}/acme/base`, imageOf([base]), '1'),
    publication(`${fake.host}/acme/top`, imageOf([top]), '1'),
    publication(`${fake.host}/acme/both`, imageOf([base, top]), '1'),
  ]);

  expect(uploads(fake).reduce((sum, { bytes: sent }) => sum + sent, 0)).toBeLessThan(base.length + top.length + 2000);
  for (const name of ['acme/base', 'acme/top', 'acme/both']) expect(problemsOf(fake, name, '1')).toEqual([]);
});

test('what needs only mounts takes at most four round trips', async () => {
  const fake = await world.fake();
  const client = world.client();
  const image = imageOf([base, top]);
  await client.publish([publication(`${fake.host}/acme/one`, image, '1')]);
  fake.log.length = 0;
  fake.behavior.latency = 100;

  await client.publish([
    publication(`${fake.host}/acme/one`, image, '1'),
    publication(`${fake.host}/acme/two`, image, '1', '2'),
    publication(`${fake.host}/acme/three`, image, '1'),
  ]);

  expect(uploads(fake)).toEqual([]);
  expect(roundTrips(fake.log)).toBeLessThanOrEqual(4);
  expect(problemsOf(fake, 'acme/three', '1')).toEqual([]);
});

test('a blob is mounted from a repository it is known in, without a question', async () => {
  const fake = await world.fake();
  fake.repository('library/debian').addBlob(base);
  const image = { ...imageOf([base]) };
  const blobs = image.blobs.map((blob) =>
    blob.size === base.length ? sourceOf(base, [`${fake.host}/library/debian`]) : blob,
  );

  await world.client().publish([publication(`${fake.host}/acme/app`, { ...image, blobs }, '1')]);

  expect(uploads(fake).filter(({ bytes: sent }) => sent === base.length)).toEqual([]);
  expect(problemsOf(fake, 'acme/app', '1')).toEqual([]);
});

test('a registry that mounts nothing gets uploads in the sessions it opens', async () => {
  const fake = await world.fake({ behavior: { mounts: false } });
  const image = imageOf([base]);

  await world
    .client()
    .publish([publication(`${fake.host}/acme/one`, image, '1'), publication(`${fake.host}/acme/two`, image, '1')]);

  expect(problemsOf(fake, 'acme/two', '1')).toEqual([]);
  expect(fake.openUploads).toEqual([]);
  const begun = fake.log.filter(({ method, path }) => method === 'POST' && path.startsWith('/v2/acme/two/'));
  expect(begun).toHaveLength(2); // config and layer, each asked to be mounted
});

test('a registry that refuses to mount is asked for an ordinary upload', async () => {
  const fake = await world.fake();
  fake.behavior.fault = ({ path }) => (path.includes('mount=') ? { status: 400, code: 'UNSUPPORTED' } : undefined);
  const image = imageOf([base]);

  await world
    .client()
    .publish([publication(`${fake.host}/acme/one`, image, '1'), publication(`${fake.host}/acme/two`, image, '1')]);

  expect(problemsOf(fake, 'acme/two', '1')).toEqual([]);
});

test('an index comes behind its images, and its tags last of all', async () => {
  const fake = await world.fake();
  const amd64 = imageOf([base]);
  const arm64 = imageOf([top], 'arm64');
  const index = indexOf({ amd64, arm64 });
  const client = world.client();

  await client.publish([{ repository: `${fake.host}/acme/app`, manifests: [amd64, arm64, index], tags: ['1'] }]);

  const puts = fake.log.filter(({ method, path }) => method === 'PUT' && path.includes('/manifests/'));
  expect(puts.slice(-2).map(({ path }) => path)).toEqual([
    `/v2/acme/app/manifests/${digestOf(index.content)}`,
    '/v2/acme/app/manifests/1',
  ]);
  const pulled = await client.image(`${fake.host}/acme/app:1`, { platform: { os: 'linux', architecture: 'arm64' } });
  expect(pulled.manifestContent).toEqual(arm64.content);
});

test('a blob goes up whole with its length', async () => {
  const fake = await world.fake();

  await world.client().publish([publication(`${fake.host}/acme/app`, imageOf([top]), '1')]);

  const [put] = uploads(fake).filter(({ bytes: sent }) => sent === top.length);
  expect(put).toMatchObject({ method: 'PUT', headers: { 'content-length': String(top.length) } });
  expect(put?.headers['transfer-encoding']).toBeUndefined();
});

test.each([
  ['above a threshold', {}, { threshold: 200_000, size: 90_000 }],
  ['as large as the registry wants them', { minChunk: 110_000 }, { threshold: 200_000, size: 10_000 }],
  ['with relative locations', { relativeLocations: true }, { threshold: 200_000, size: 90_000 }],
])('a large blob goes up in chunks: %s', async (_, behavior, chunks) => {
  const fake = await world.fake({ behavior });

  await world.client({ chunks }).publish([publication(`${fake.host}/acme/app`, imageOf([top]), '1')]);

  expect(problemsOf(fake, 'acme/app', '1')).toEqual([]);
  const patches = fake.log.filter(({ method }) => method === 'PATCH');
  expect(patches.length).toBeGreaterThanOrEqual(2);
  expect(patches[1]?.headers['content-range']).toMatch(/^\d+-\d+$/);
});

test('a blob that is refused as too large goes up in ever smaller chunks', async () => {
  const large = bytes('large', 6 * 1024 * 1024);
  const fake = await world.fake({ behavior: { maxBody: 1024 * 1024 } });

  await world.client().publish([publication(`${fake.host}/acme/app`, imageOf([large]), '1')]);

  expect(problemsOf(fake, 'acme/app', '1')).toEqual([]);
});

test('a broken upload goes on where the registry is', async () => {
  const fake = await world.fake();
  fake.behavior.fault = faultTimes(
    1,
    { dropRequestAfter: 200_000 },
    (request) => isUpload(request) && request.headers['content-length'] === String(top.length),
  );

  await world.client().publish([publication(`${fake.host}/acme/app`, imageOf([top]), '1')]);

  expect(problemsOf(fake, 'acme/app', '1')).toEqual([]);
  const [broken, rest] = uploads(fake).filter(({ bytes: sent }) => sent > 10_000);
  expect([broken?.bytes, rest?.bytes]).toEqual([200_000, 100_000]);
});

test('an upload whose end was answered into the void is not sent again', async () => {
  const fake = await world.fake();
  fake.behavior.fault = faultTimes(
    1,
    { dropAnswerAfter: 0 },
    (request) => isUpload(request) && request.headers['content-length'] === String(top.length),
  );

  await world.client().publish([publication(`${fake.host}/acme/app`, imageOf([top]), '1')]);

  expect(uploads(fake).filter(({ bytes: sent }) => sent > 10_000)).toHaveLength(1);
});

test('a registry that forgets broken uploads gets them from the start', async () => {
  const fake = await world.fake({ behavior: { resumes: false } });
  fake.behavior.fault = faultTimes(2, { dropRequestAfter: 50_000 }, isUpload);

  await world.client().publish([publication(`${fake.host}/acme/app`, imageOf([top]), '1')]);

  expect(problemsOf(fake, 'acme/app', '1')).toEqual([]);
});

test('a blob whose source is too short fails as changed, and leaves no upload behind', async () => {
  const fake = await world.fake();
  const image = imageOf([top]);
  const short = { ...sourceOf(top), open: () => sourceOf(top.subarray(0, 1000)).open(0) };

  const failure = await failureOf(
    world.client().publish([publication(`${fake.host}/acme/app`, { ...image, blobs: [image.blobs[0]!, short] }, '1')]),
  );

  expect(failure.code).toBe('STACK3002');
  expect(fake.openUploads).toEqual([]);
  expect(fake.repository('acme/app').tags.size).toBe(0);
});

test('a blob whose source is too long fails as changed', async () => {
  const fake = await world.fake();
  const image = imageOf([top]);
  const long = { ...sourceOf(top), open: () => sourceOf(Buffer.concat([top, base])).open(0) };

  const failure = await failureOf(
    world.client().publish([publication(`${fake.host}/acme/app`, { ...image, blobs: [image.blobs[0]!, long] }, '1')]),
  );

  expect(failure.code).toBe('STACK3002');
  expect(fake.repository('acme/app').blobs.has(digestOf(top))).toBe(false);
});

test.each([
  ['whole', {}],
  ['in chunks', { threshold: 1, size: 100_000 }],
])(
  'a blob whose source says at its end that it is wrong fails with that, and is never sent whole: %s',
  async (_, chunks) => {
    const fake = await world.fake();
    const image = imageOf([top]);
    const wrong = {
      ...sourceOf(top),
      async *open(offset: number): AsyncGenerator<Uint8Array> {
        yield* sourceOf(top).open(offset);
        throw new StackError('STACK6109', 'it came with another digest');
      },
    };

    const failure = await failureOf(
      world
        .client({ chunks })
        .publish([publication(`${fake.host}/acme/app`, { ...image, blobs: [image.blobs[0]!, wrong] }, '1')]),
    );

    expect(failure.code).toBe('STACK6109');
    expect(uploads(fake).reduce((sum, { bytes: sent }) => sum + sent, 0)).toBeLessThan(top.length);
    expect(fake.openUploads).toEqual([]);
  },
);

test('a blob whose source has other bytes is refused by the registry, and no tag is set', async () => {
  const fake = await world.fake();
  const image = imageOf([top]);
  const other = { ...sourceOf(top), open: (offset: number) => sourceOf(bytes('other', top.length)).open(offset) };

  const failure = await failureOf(
    world.client().publish([publication(`${fake.host}/acme/app`, { ...image, blobs: [image.blobs[0]!, other] }, '1')]),
  );

  expect(failure.message).toContain('DIGEST_INVALID');
  expect(fake.repository('acme/app').tags.size).toBe(0);
});

test('a blob that vanishes before its manifest comes is brought again', async () => {
  const fake = await world.fake();
  const image = imageOf([top]);
  fake.behavior.fault = (request) => {
    if (request.method !== 'PUT' || !request.path.includes('/manifests/')) return undefined;
    if (fake.log.filter(({ method, path }) => method === 'PUT' && path.includes('/manifests/')).length === 1) {
      fake.repository('acme/app').blobs.delete(digestOf(top));
    }
    return undefined;
  };

  await world.client().publish([publication(`${fake.host}/acme/app`, image, '1')]);

  expect(problemsOf(fake, 'acme/app', '1')).toEqual([]);
});

test('a tag that cannot be moved fails clearly, unless it is right already', async () => {
  const fake = await world.fake({ behavior: { immutableTags: true } });
  const client = world.client();
  await client.publish([publication(`${fake.host}/acme/app`, imageOf([base]), '1')]);

  const failure = await failureOf(client.publish([publication(`${fake.host}/acme/app`, imageOf([top]), '1')]));

  expect(failure.code).toBe('STACK6114');
  expect(fake.repository('acme/app').tags.get('1')).toBe(digestOf(imageOf([base]).content));
});

test('a tag that somebody else has just set to the same image is fine', async () => {
  const fake = await world.fake({ behavior: { immutableTags: true } });
  const image = imageOf([base]);
  fake.behavior.fault = ({ method, path }) => {
    if (method === 'PUT' && path.endsWith('/manifests/1'))
      fake.repository('acme/app').addManifest(image.mediaType, image.content, '1');
    return undefined;
  };

  await world.client().publish([publication(`${fake.host}/acme/app`, image, '1')]);

  expect(problemsOf(fake, 'acme/app', '1')).toEqual([]);
});

test('a burst of 429 slows down and is told', async () => {
  const fake = await world.fake();
  fake.behavior.fault = faultTimes(5, { status: 429, code: 'TOOMANYREQUESTS', headers: { 'retry-after': '0' } });
  const events: RegistryEvent[] = [];

  await world
    .client({ onEvent: (event) => events.push(event) })
    .publish([publication(`${fake.host}/acme/app`, imageOf([top]), '1')]);

  expect(problemsOf(fake, 'acme/app', '1')).toEqual([]);
  expect(events.filter(({ code }) => code === 'registry-paused').length).toBeGreaterThan(0);
});

test('a cancelled publication ends with the reason, cancels its uploads and sets no tag', async () => {
  const fake = await world.fake();
  const controller = new AbortController();
  const reason = new StackError('STACK1008', 'cancelled');
  fake.behavior.fault = (request) => {
    if (isUpload(request)) controller.abort(reason);
    return undefined;
  };

  await expect(
    world
      .client()
      .publish([publication(`${fake.host}/acme/app`, imageOf([base, top]), '1')], { signal: controller.signal }),
  ).rejects.toBe(reason);

  expect(fake.repository('acme/app').tags.size).toBe(0);
  expect(fake.openUploads).toEqual([]);
});

test('progress is told by blob, up to its size', async () => {
  const fake = await world.fake();
  const events: RegistryEvent[] = [];

  await world
    .client({ onEvent: (event) => events.push(event) })
    .publish([publication(`${fake.host}/acme/app`, imageOf([top]), '1')]);

  const sent = events.flatMap((event) =>
    event.code === 'blob-progress' && event.size === top.length ? [event.bytes] : [],
  );
  expect(sent.at(-1)).toBe(top.length);
  expect([...sent].sort((a, b) => a - b)).toEqual(sent);
  expect(events.at(-1)).toMatchObject({ code: 'tag-published', tag: '1' });
});

test('a plan asks, but changes nothing', async () => {
  const fake = await world.fake();

  const { plan } = await world.client().prepare([publication(`${fake.host}/acme/app`, imageOf([top]), '1')]);

  expect(plan.blobs).toHaveLength(2);
  expect(plan.tags).toHaveLength(1);
  expect(new Set(fake.log.map(({ method }) => method))).toEqual(new Set(['HEAD']));
});

/** As if so many milliseconds had passed. */
function laterBy(milliseconds: number): void {
  const later = performance.now() + milliseconds;
  jest.spyOn(performance, 'now').mockImplementation(() => later);
}

test('a tag that somebody else moves meanwhile is left to them, and no other is touched', async () => {
  const fake = await world.fake();
  const [app, other] = ['app', 'other'].map((name) => `${fake.host}/acme/${name}`);
  const client = world.client();
  await client.publish([publication(app!, imageOf([base]), '1')]);
  const { plan, execute } = await client.prepare([
    publication(app!, imageOf([top]), '1'),
    publication(other!, imageOf([top]), '1'),
  ]);
  expect(plan.tags.map(({ was }) => was)).toEqual([digestOf(imageOf([base]).content), undefined]);
  await client.publish([publication(app!, imageOf([base, top]), '1')]);
  laterBy(6000);

  await expect(execute()).rejects.toMatchObject({ code: 'STACK6115' });

  expect((await client.resolve(`${app!}:1`)).digest).toBe(digestOf(imageOf([base, top]).content));
  expect(await client.tryResolve(`${other!}:1`)).toBeUndefined();
});

test('a tag that somebody else moves to the same image meanwhile is right', async () => {
  const fake = await world.fake();
  const client = world.client();
  const wanted = [publication(`${fake.host}/acme/app`, imageOf([top]), '1')];
  const { execute } = await client.prepare(wanted);
  await client.publish(wanted);
  laterBy(6000);
  await execute();
  expect((await client.resolve(`${fake.host}/acme/app:1`)).digest).toBe(digestOf(imageOf([top]).content));
});
