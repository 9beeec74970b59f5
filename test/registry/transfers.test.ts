import { randomInt } from 'node:crypto';
import { digestOf } from '../../lib/oci';
import type { BlobSource, Publication } from '../../lib/registry';
import type { FakeRegistry } from '../../lib/registry/testing';
import { bytes, imageOf, problemsOf, sourceOf, World } from './world';

const world = new World();
afterEach(() => world.close());

const RUNS = Number(process.env['STACK_RUNS'] ?? 40);
const SEED = Number(process.env['STACK_SEED'] ?? randomInt(2 ** 31));

/** Numbers that follow from a seed alone (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** What the registry itself saw since its log was emptied. */
function seen(fake: FakeRegistry): { readonly uploaded: number; readonly uploads: number; readonly mounts: number } {
  const carried = fake.log.filter(({ method, path }) => /PUT|PATCH/.test(method) && path.includes('/blobs/uploads/'));
  return {
    uploaded: carried.reduce((sum, { bytes: sent }) => sum + sent, 0),
    uploads: fake.log.filter(
      ({ method, path, status }) => method === 'PUT' && path.includes('/blobs/') && status === 201,
    ).length,
    mounts: fake.log.filter(
      ({ method, path, status }) => method === 'POST' && path.includes('mount=') && status === 201,
    ).length,
  };
}

/** What the client says of the same. */
function said(blobs: readonly { readonly size: number; readonly from: string | undefined }[]): ReturnType<typeof seen> {
  const written = blobs.filter(({ from }) => from === undefined);
  return {
    uploaded: written.reduce((sum, { size }) => sum + size, 0),
    uploads: written.length,
    mounts: blobs.length - written.length,
  };
}

const NAMES = ['a', 'b', 'c', 'd'];
const LAYERS = Array.from({ length: 6 }, (_, n) => bytes(`layer ${String(n)}`, 9_000 + 1000 * n));

/** Images of random layers with hints and guesses of which some are wrong. */
function randomPublications(fake: FakeRegistry, next: (below: number) => number): Publication[] {
  const some = <T>(list: readonly T[], most: number): T[] => list.filter(() => next(list.length) < most);
  const repositories = NAMES.map((name) => `${fake.host}/${name}`);
  const withPlaces = (blob: BlobSource): BlobSource => ({
    ...blob,
    knownIn: some(repositories, 1),
    maybeIn: some([...repositories, `${fake.host}/elsewhere`], 2),
  });
  return some(NAMES, 2).map((name) => {
    const image = imageOf(some(LAYERS, 3), 'amd64', { annotations: { n: String(next(3)) } });
    return {
      repository: `${fake.host}/${name}`,
      manifests: [{ ...image, blobs: image.blobs.map(withPlaces) }],
      tags: ['1'],
    };
  });
}

test(`what is said to be uploaded and mounted is what the registry saw (seed ${String(SEED)})`, async () => {
  let mounts = 0;
  for (let run = 0; run < RUNS; run += 1) {
    const next = numbers(SEED + run);
    const fake = await world.fake({ behavior: { mounts: next(4) > 0 } });
    const client = world.client();
    for (let round = 0; round < 4; round += 1) {
      const publications = randomPublications(fake, next);
      fake.log.length = 0;
      const { blobs } = await client.publish(publications);
      const facts = seen(fake);
      expect({ run, round, ...said(blobs) }).toEqual({ run, round, ...facts });
      for (const { repository } of publications) {
        expect(problemsOf(fake, repository.slice(fake.host.length + 1), '1')).toEqual([]);
      }
      mounts += facts.mounts;
    }
    await world.close();
  }
  expect(mounts).toBeGreaterThan(0);
}, 120_000);

test('a first push guesses nothing: each blob is uploaded once, and mounts are mounts', async () => {
  const fake = await world.fake();
  const [layer] = LAYERS as [Buffer];
  const image = imageOf([layer]);
  const blobs = image.blobs.map((blob) => ({
    ...blob,
    maybeIn: ['a', 'b', 'never'].map((name) => `${fake.host}/${name}`),
  }));
  const publications = ['a', 'b'].map((name) => ({
    repository: `${fake.host}/${name}`,
    manifests: [{ ...image, blobs }],
    tags: ['1'],
  }));

  const { plan, execute } = await world.client().prepare(publications);
  const done = await execute();

  expect(plan.blobs.map(({ repository, from }) => [repository, from])).toEqual(
    image.blobs.map(() => [`${fake.host}/a`, undefined]),
  );
  expect(said(done.blobs)).toEqual(seen(fake));
  expect(said(done.blobs)).toMatchObject({ uploads: 2, mounts: 2 });
});

test('a guess that leads to a repository out of reach is an upload, not a failure', async () => {
  for (const status of [401, 403, 404]) {
    const fake = await world.fake({
      behavior: { fault: ({ path }) => (path.startsWith('/v2/secret/') ? { status, code: 'DENIED' } : undefined) },
    });
    const [layer] = LAYERS as [Buffer];
    const image = imageOf([layer]);
    const blobs = image.blobs.map((blob) => ({ ...blob, maybeIn: [`${fake.host}/secret`] }));

    const done = await world
      .client()
      .publish([{ repository: `${fake.host}/a`, manifests: [{ ...image, blobs }], tags: ['1'] }]);

    expect(said(done.blobs)).toMatchObject({ uploads: 2, mounts: 0 });
    expect(problemsOf(fake, 'a', '1')).toEqual([]);
  }
});

test('a place that has lost a blob costs an upload, and is told as one', async () => {
  const fake = await world.fake();
  const [layer] = LAYERS as [Buffer];
  const image = imageOf([layer]);
  const blobs = image.blobs.map((blob) =>
    blob.digest === digestOf(layer) ? sourceOf(layer, [`${fake.host}/lost`]) : blob,
  );

  const { plan, execute } = await world
    .client()
    .prepare([{ repository: `${fake.host}/a`, manifests: [{ ...image, blobs }], tags: ['1'] }]);

  expect(plan.blobs.map(({ from }) => from)).toContain(`${fake.host}/lost`);
  const done = await execute();
  expect(said(done.blobs)).toEqual({ ...seen(fake), mounts: 0 });
});
