import { encodeImage, type BuiltImage } from '../../lib/build';
import { digestOf } from '../../lib/oci';
import type { Store } from '../../lib/store';
import { emptyStep, image, squashfsLayer, step, tarLayer } from '../stack/fixture';
import { failureOf } from '../failure';
import { EPOCH, layer, Workshop } from './workshop';

let shop: Workshop;
let store: Store;

beforeEach(async () => {
  shop = new Workshop();
  ({ store } = await shop.context());
});

afterEach(() => {
  shop.remove();
});

function built(variant = image(['a', 'b']), changes: Partial<BuiltImage> = {}): BuiltImage {
  return {
    path: 'x',
    plan: layer(),
    platform: variant.platform,
    configuration: { name: 'a', runtime: variant.config, layers: [] },
    deltas: [],
    variants: new Map([['tar', variant]]),
    ...changes,
  };
}

describe('an image as it is published', () => {
  test('has a manifest and a config that describe it', () => {
    const variant = image([], { User: 'me' }, { steps: [emptyStep('from'), step(tarLayer('a'), 'a')] });
    const encoded = encodeImage(built(variant), 'tar', store, EPOCH);
    expect(JSON.parse(encoded.blobs.at(-1)!.from.toString())).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: encoded.document.config.digest,
        size: encoded.document.config.size,
      },
      layers: [tarLayer('a').descriptor],
    });
    expect(JSON.parse(encoded.blobs.at(-2)!.from.toString())).toEqual({
      created: '2001-09-09T01:46:40Z',
      os: 'linux',
      architecture: 'amd64',
      config: { User: 'me' },
      rootfs: { type: 'layers', diff_ids: [tarLayer('a').diffId] },
      history: [{ created_by: 'from', empty_layer: true }, { created_by: 'a' }],
    });
    expect(encoded.manifest.platform).toEqual({ os: 'linux', architecture: 'amd64' });
    for (const { descriptor, from } of encoded.blobs.slice(-2)) expect(descriptor.digest).toBe(digestOf(from));
    expect(encoded.blobs.map(({ from }) => typeof from)).toEqual(['string', 'object', 'object']);
    expect(encoded.blobs[0]?.from).toBe(store.blobPath(tarLayer('a').descriptor.digest));
  });

  test('has the bytes it always had', () => {
    expect(encodeImage(built(), 'tar', store, EPOCH).manifest.digest).toBe(
      'sha256:a4066e05919a965b38b21b7b0275a11329cf67b33857526a2fe655ce765622e0',
    );
  });

  test('keeps the annotations of layers, and has its own on the manifest', () => {
    const variant = image([], {}, { steps: [step(squashfsLayer('a'))] });
    const plan = layer({ annotations: { b: '2', a: '1', 'org.opencontainers.image.base.digest': 'mine' } });
    const base = { digest: digestOf('base'), format: 'squashfs' } as const;
    const encoded = encodeImage(
      built(variant, { plan, base, variants: new Map([['squashfs', variant]]) }),
      'squashfs',
      store,
      EPOCH,
    );
    expect(encoded.document.layers).toEqual([squashfsLayer('a').descriptor]);
    expect(encoded.document.annotations).toEqual(plan.annotations);
  });

  test('has as many steps as layers, or is a fault of ours', async () => {
    const variant = image([], {}, { steps: [step(tarLayer('a')), { history: { created_by: 'claims a layer' } }] });
    expect(await failureOf(() => encodeImage(built(variant), 'tar', store, EPOCH))).toMatchObject({
      code: 'STACK9001',
    });
  });

  test('exists only in the formats it was built in', async () => {
    expect(await failureOf(() => encodeImage(built(), 'squashfs', store, EPOCH))).toMatchObject({ code: 'STACK9001' });
  });
});
