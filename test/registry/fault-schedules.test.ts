import { forEachParallel, StackError } from '../../lib/core';
import { digestOf } from '../../lib/oci';
import { type FakeBehavior, type Fault, type LoggedRequest } from '../../lib/registry/testing';
import { bytes, collect, imageOf, indexOf, problemsOf, World } from './world';

const SCHEDULES = 200;
const amd64 = { platform: { os: 'linux', architecture: 'amd64' } };

/** Numbers below 1 that are the same for every seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const FAULTS: readonly ((dice: () => number) => Fault)[] = [
  () => ({ status: 429, code: 'TOOMANYREQUESTS', headers: { 'retry-after': '0' } }),
  () => ({ status: 500, code: 'UNKNOWN' }),
  () => ({ status: 503, code: 'UNAVAILABLE' }),
  (dice) => (dice() < 0.8 ? { status: 502 } : { status: 403, code: 'DENIED' }),
  (dice) => (dice() < 0.5 ? { status: 504 } : { status: 404, code: 'BLOB_UPLOAD_UNKNOWN' }),
  (dice) => ({ dropRequestAfter: Math.floor(dice() * 100_000) }),
  (dice) => ({ dropAnswerAfter: dice() < 0.5 ? 0 : Math.floor(dice() * 100_000) }),
  () => ({ slowAnswer: 1 }),
];

/** What kind of registry it is, and what goes wrong: from almost nothing to nearly every second request. */
function schedule(seed: number): {
  readonly behavior: Partial<FakeBehavior>;
  readonly faults: (request: LoggedRequest) => Fault | undefined;
} {
  const dice = random(seed);
  const maybe = (): boolean => dice() < 0.3;
  const behavior = {
    mounts: !maybe(),
    relativeLocations: maybe(),
    contentLength: !maybe(),
    digestHeaders: !maybe(),
    ranges: !maybe(),
    resumes: !maybe(),
    redirects: maybe(),
    immutableTags: maybe(),
    minChunk: maybe() ? 10_000 : 0,
    ...(dice() < 0.1 ? { maxBody: 1_100_000 } : {}),
  };
  const rate = dice() * dice() * 0.3;
  const faults = (): Fault | undefined =>
    dice() < rate ? FAULTS[Math.floor(dice() * FAULTS.length)]?.(dice) : undefined;
  return { behavior, faults };
}

/** Publishes and reads under one schedule; gives the error's code, or that it went well. */
async function outcomeOf(seed: number): Promise<string> {
  const world = new World();
  const { behavior, faults } = schedule(seed);
  // Only what a registry with small bodies refuses has to be large.
  const large = behavior.maxBody === undefined ? 100_000 : 1_200_000;
  const layers = [bytes('one', large), bytes('two', 60_000), bytes('three', 10)];
  const images = { amd64: imageOf(layers), arm64: imageOf(layers.slice(1), 'arm64') };
  const index = indexOf(images);
  const manifests = [images.amd64, images.arm64, index];
  const account = { username: 'u', password: 'p' };
  const fake = await world.fake({ behavior, ...(seed % 3 === 0 ? { auth: { kind: 'bearer', ...account } } : {}) });
  fake.behavior.fault = faults;
  const client = world.client({
    credentials: () => Promise.resolve({ kind: 'password', ...account }),
    chunks: seed % 2 === 0 ? { threshold: 50_000, size: 20_000 } : {},
  });
  try {
    await client.publish([
      { repository: `${fake.host}/acme/first`, manifests: [imageOf([layers[0]!])], tags: ['1'] },
      { repository: `${fake.host}/acme/all`, manifests, tags: ['1', '2'] },
    ]);
    expect([seed, fake.repository('acme/all').tags.size]).toEqual([seed, 2]);
    const image = await client.image(`${fake.host}/acme/all:1`, amd64);
    for (const layer of image.manifest.layers) {
      expect(digestOf(await collect(client.blob(image.repository, layer)))).toBe(layer.digest);
    }
    return 'went well';
  } catch (error) {
    if (!StackError.is(error)) throw new Error(`seed ${String(seed)}: no clear error`, { cause: error });
    expect([seed, error.message]).toEqual([seed, expect.not.stringMatching(/undefined|\[object|Basic |Bearer /)]);
    return error.code;
  } finally {
    // Whatever happened: what a tag names is all there.
    const { tags, manifests: stored } = fake.repository('acme/all');
    for (const digest of tags.values()) expect([seed, digest]).toEqual([seed, digestOf(index.content)]);
    if (tags.size > 0) expect([seed, stored.size]).toEqual([seed, manifests.length]);
    for (const digest of stored.keys()) expect([seed, problemsOf(fake, 'acme/all', digest)]).toEqual([seed, []]);
    await world.close();
  }
}

test(`${String(SCHEDULES)} schedules of faults end with the right content or with one clear error`, async () => {
  const outcomes: string[] = [];
  await forEachParallel(
    Array.from({ length: SCHEDULES }, (_, index) => index + 1),
    8,
    async (seed) => {
      outcomes.push(await outcomeOf(seed));
    },
  );

  // The schedules are of use only if both happen, and success is the rule.
  expect(outcomes.filter((outcome) => outcome === 'went well').length).toBeGreaterThan(SCHEDULES / 2);
  expect(outcomes.filter((outcome) => outcome.startsWith('STACK')).length).toBeGreaterThan(0);
}, 120_000);
