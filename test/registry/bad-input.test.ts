import { createServer, type AddressInfo } from 'node:net';
import { MEDIA_TYPE } from '../../lib/oci';
import { fixedCredentials, type Registry, type RegistryOptions } from '../../lib/registry';
import type { FakeOptions, FakeRegistry } from '../../lib/registry/testing';
import { failureOf } from '../failure';
import { bytes, collect, imageOf, indexOf, publication, sourceOf, World } from './world';

const SECRET = 'very-s3cret-password';
const world = new World();
afterEach(() => world.close());

/** A port of this machine on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Row {
  readonly name: string;
  readonly fake?: FakeOptions;
  readonly client?: (host: string) => RegistryOptions;
  readonly work: (client: Registry, host: string, fake: FakeRegistry) => Promise<unknown>;
  readonly code: string;
  readonly message: RegExp;
  readonly exit?: number;
}

const auth = { kind: 'bearer', username: 'someone', password: 'right' } as const;
const withSecret = (host: string): RegistryOptions => ({
  credentials: fixedCredentials({ [host]: { kind: 'password', username: 'someone', password: SECRET } }),
});
const realm = (address: string): FakeOptions => ({ auth: { ...auth, realm: address } });
const layer = bytes('layer', 50_000);

const ROWS: readonly Row[] = [
  {
    name: 'a reference that is none',
    work: (c) => c.resolve('Not/A reference'),
    code: 'STACK6101',
    message: /not a reference/,
    exit: 2,
  },
  {
    name: 'a digest that is none',
    work: (c) => c.resolve('a@sha256:../../etc'),
    code: 'STACK6101',
    message: /digest/,
    exit: 2,
  },
  {
    name: 'an unknown host',
    work: (c) => c.resolve('registry.invalid/a:1'),
    code: 'STACK6102',
    message: /cannot reach registry\.invalid/,
  },
  {
    name: 'a port where nothing listens',
    work: async (c) => c.resolve(`127.0.0.1:${String(await closedPort())}/a:1`),
    code: 'STACK6102',
    message: /ECONNREFUSED/,
  },
  {
    name: 'a registry that says nothing',
    fake: { behavior: { latency: 3000 } }, // undici looks at its clock about once a second
    client: () => ({ idleTimeout: 100, retry: { attempts: 2 } }),
    work: (c, host) => c.resolve(`${host}/a:1`),
    code: 'STACK6102',
    message: /Timeout/,
  },
  {
    name: 'a registry that speaks http where https is wanted',
    client: (host) => ({ hosts: { [host]: { plainHttp: false } } }),
    work: (c, host) => c.resolve(`${host}/a:1`),
    code: 'STACK6102',
    message: /cannot reach/,
  },
  {
    name: 'a wrong password for a token',
    fake: { auth },
    client: withSecret,
    work: (c, host) => c.resolve(`${host}/a:1`),
    code: 'STACK6104',
    message: /get a token.*401 \(UNAUTHORIZED/,
    exit: 3,
  },
  {
    name: 'a wrong password',
    fake: { auth: { ...auth, kind: 'basic' } },
    client: withSecret,
    work: (c, host) => c.resolve(`${host}/a:1`),
    code: 'STACK6104',
    message: /answered 401/,
    exit: 3,
  },
  {
    name: 'no password where one is wanted',
    fake: { auth },
    work: (c, host) => c.resolve(`${host}/a:1`),
    code: 'STACK6104',
    message: /401/,
    exit: 3,
  },
  {
    name: 'what the account may not do',
    fake: { behavior: { fault: () => ({ status: 403, code: 'DENIED' }) } },
    work: (c, host) => c.manifest(`${host}/a:1`),
    code: 'STACK6106',
    message: /403 \(DENIED: denied\)/,
    exit: 3,
  },
  {
    name: 'what the account may not look for',
    fake: { behavior: { fault: () => ({ status: 403, code: 'DENIED' }) } },
    work: (c, host) => c.resolve(`${host}/a:1`),
    code: 'STACK6106',
    message: /GET .* 403 \(DENIED: denied\)/,
    exit: 3,
  },
  {
    name: 'what the account may not publish',
    fake: { behavior: { fault: () => ({ status: 403, code: 'DENIED' }) } },
    work: (c, host) => c.publish([publication(`${host}/a`, imageOf([layer]), '1')]),
    code: 'STACK6106',
    message: /POST .* 403 \(DENIED: denied\)/,
    exit: 3,
  },
  {
    name: 'a missing image',
    work: (c, host) => c.image(`${host}/a:1`),
    code: 'STACK6107',
    message: /404 \(MANIFEST_UNKNOWN: manifest unknown\)/,
  },
  {
    name: 'a missing platform',
    work: async (c, host) => {
      const amd64 = imageOf([layer]);
      await c.publish([{ repository: `${host}/a`, manifests: [amd64, indexOf({ amd64 })], tags: ['1'] }]);
      return c.image(`${host}/a:1`, { platform: { os: 'linux', architecture: 's390x' } });
    },
    code: 'STACK6108',
    message: /no image for linux\/s390x/,
  },
  {
    name: 'a corrupted blob',
    work: async (c, host, fake) => {
      const digest = fake.repository('a').addBlob(layer);
      fake.behavior.corrupt = new Set([digest]);
      return collect(c.blob(`${host}/a`, { digest, size: layer.length }));
    },
    code: 'STACK6109',
    message: /came with the digest sha256:/,
  },
  {
    name: 'a blob of another size',
    work: (c, host, fake) =>
      collect(c.blob(`${host}/a`, { digest: fake.repository('a').addBlob(layer), size: 49_000 })),
    code: 'STACK6109',
    message: /50000 bytes instead of 49000/,
  },
  {
    name: 'a blob that is longer than it says',
    fake: { behavior: { contentLength: false } },
    work: (c, host, fake) => collect(c.blob(`${host}/a`, { digest: fake.repository('a').addBlob(layer), size: 10 })),
    code: 'STACK6109',
    message: /more than 10 bytes/,
  },
  {
    name: 'a blob that is shorter than it says',
    fake: { behavior: { contentLength: false, ranges: false } },
    work: (c, host, fake) =>
      collect(c.blob(`${host}/a`, { digest: fake.repository('a').addBlob(layer), size: 60_000 })),
    code: 'STACK6109',
    message: /ended after 50000 of 60000 bytes/,
  },
  {
    name: 'a corrupted manifest',
    work: (c, host, fake) => {
      const digest = fake.repository('a').addManifest(MEDIA_TYPE.manifest, imageOf([]).content);
      fake.behavior.corrupt = new Set([digest]);
      return c.manifest(`${host}/a@${digest}`);
    },
    code: 'STACK6109',
    message: /came with the digest/,
  },
  {
    name: 'a manifest above 4 MiB',
    work: (c, host, fake) => {
      fake.repository('a').addManifest(MEDIA_TYPE.manifest, Buffer.alloc(4 * 1024 * 1024 + 1, ' '), '1');
      return c.manifest(`${host}/a:1`);
    },
    code: 'STACK6005',
    message: /more than 4194304 bytes/,
  },
  {
    name: 'a manifest that says it is something else',
    work: (c, host, fake) => {
      fake.repository('a').addManifest(MEDIA_TYPE.index, imageOf([]).content, '1');
      return c.manifest(`${host}/a:1`);
    },
    code: 'STACK6005',
    message: /is sent as/,
  },
  {
    name: 'a manifest that is two things',
    work: (c, host, fake) => {
      fake.repository('a').addManifest(MEDIA_TYPE.manifest, Buffer.from('{"layers":[],"manifests":[]}'), '1');
      return c.manifest(`${host}/a:1`);
    },
    code: 'STACK6005',
    message: /both manifests and layers/,
  },
  {
    name: 'a manifest that is no JSON',
    work: (c, host, fake) => {
      fake.repository('a').addManifest(MEDIA_TYPE.manifest, Buffer.from('<html>'), '1');
      return c.manifest(`${host}/a:1`);
    },
    code: 'STACK6005',
    message: /not JSON/,
  },
  {
    name: 'a token service that is no address',
    fake: realm('not an address'),
    client: withSecret,
    work: (c, host) => c.resolve(`${host}/a:1`),
    code: 'STACK6110',
    message: /does not say where/,
  },
  {
    name: 'a token service with a password in its address',
    fake: realm('https://a:b@example.com/token'),
    client: withSecret,
    work: (c, host) => c.resolve(`${host}/a:1`),
    code: 'STACK6111',
    message: /password in the address/,
  },
  {
    name: 'a token service that is a file',
    fake: realm('file:///etc/passwd'),
    client: withSecret,
    work: (c, host) => c.resolve(`${host}/a:1`),
    code: 'STACK6111',
    message: /not https/,
  },
  {
    name: 'a registry that keeps failing',
    fake: { behavior: { fault: () => ({ status: 503, code: 'UNAVAILABLE' }) } },
    work: (c, host) => c.resolve(`${host}/a:1`),
    code: 'STACK6112',
    message: /503/,
  },
  {
    name: 'a registry that does not delete',
    fake: { behavior: { fault: () => ({ status: 405, code: 'UNSUPPORTED' }) } },
    work: (c, host) => c.delete(`${host}/a:1`),
    code: 'STACK6113',
    message: /405 \(UNSUPPORTED/,
  },
  {
    name: 'a source that cannot be read',
    work: (c, host) => {
      const image = imageOf([layer]);
      const broken = {
        ...sourceOf(layer),
        async *open(): AsyncGenerator<Uint8Array> {
          await Promise.reject(new Error('EIO: i/o error'));
        },
      };
      return c.publish([publication(`${host}/a`, { ...image, blobs: [image.blobs[0]!, broken] }, '1')]);
    },
    code: 'STACK3003',
    message: /cannot read the blob sha256:.*EIO/,
  },
  {
    name: 'a tag that is none',
    work: (c, host) => c.publish([publication(`${host}/a`, imageOf([]), 'not a tag')]),
    code: 'STACK6101',
    message: /not a tag/,
    exit: 2,
  },
];

test.each(ROWS)('$name is one clear error', async ({ fake: options, client, work, code, message, exit }) => {
  const fake = await world.fake(options);

  const failure = await failureOf(work(world.client(client?.(fake.host)), fake.host, fake));

  expect(failure.code).toBe(code);
  expect(failure.message).toMatch(message);
  expect(failure.exitStatus).toBe(exit ?? 1);
  const all = `${JSON.stringify(failure)}${String(failure.stack)}${String(failure.cause)}`;
  expect(all).not.toContain(SECRET);
  expect(all).not.toContain(Buffer.from(`someone:${SECRET}`).toString('base64'));
  expect(failure.all()).toHaveLength(1);
});
