import { digestOf } from '../../lib/oci';
import type { Publication } from '../../lib/registry';
import type { FakeRegistry } from '../../lib/registry/testing';
import { bytes, imageOf, publication, World } from './world';
import { countOf, withoutSecondLooks } from './requests';

const world = new World();
afterEach(() => world.close());

const LAYERS = Array.from({ length: 20 }, (_, index) => bytes(`layer ${String(index)}`, 20_000));

/** Images that each have all layers, and differ in their configs. */
function images(count: number, host: string): Publication[] {
  return Array.from({ length: count }, (_, index) =>
    publication(`${host}/acme/image-${String(index)}`, imageOf(LAYERS, `arch${String(index)}`), '1'),
  );
}

/** Digests of what was uploaded, each as often as it was. */
function uploaded(fake: FakeRegistry): string[] {
  return fake.log.flatMap(({ method, path }) => {
    const digest = new URL(path, 'http://x').searchParams.get('digest');
    return method === 'PUT' && digest !== null ? [digest] : [];
  });
}

test('images that share layers upload each once, with requests in proportion to the images', async () => {
  const requests = new Map<number, number>();
  for (const size of [15, 30, 60]) {
    const fake = await world.fake();
    const publications = images(size, fake.host);

    await world.client().publish(publications);

    const digests = uploaded(fake);
    expect(digests).toHaveLength(LAYERS.length + size); // and a config for each
    for (const layer of LAYERS) expect(digests).toContain(digestOf(layer));
    expect(new Set(digests).size).toBe(digests.length);
    requests.set(size, withoutSecondLooks(fake.log).length);

    fake.log.length = 0;
    await world.client().publish(publications);
    expect(countOf(fake.log)).toEqual({ HEAD: 2 * size });
  }
  const [of15 = 0, of30 = 0, of60 = 0] = [15, 30, 60].map((size) => requests.get(size));
  // eslint-disable-next-line no-console -- for those who compare
  console.info(`requests for 15, 30 and 60 images of 20 layers: ${[of15, of30, of60].join(', ')}`);
  expect(of60 - of30).toBe(2 * (of30 - of15));
}, 60_000);
