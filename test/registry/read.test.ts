import * as fs from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { digestOf, MEDIA_TYPE } from '../../lib/oci';
import { formatReference, parseReference, type RegistryEvent } from '../../lib/registry';
import { faultTimes } from '../../lib/registry/testing';
import { bytes, collect, descriptorOf, imageOf, publication, World } from './world';

const world = new World();
afterEach(() => world.close());

const blob = bytes('blob', 3_000_000);
const isBlob = ({ method, path: each }: { readonly method: string; readonly path: string }): boolean =>
  method === 'GET' && each.includes('/blobs/');

test.each([
  ['debian', 'docker.io/library/debian:latest'],
  ['debian:12', 'docker.io/library/debian:12'],
  ['acme/app', 'docker.io/acme/app:latest'],
  ['index.docker.io/debian', 'docker.io/library/debian:latest'],
  ['localhost/app', 'localhost/app:latest'],
  ['localhost:5000/app:1', 'localhost:5000/app:1'],
  ['GHCR.io/acme/app', 'ghcr.io/acme/app:latest'],
  ['[::1]:5000/app', '[::1]:5000/app:latest'],
  [`ghcr.io/acme/app@sha256:${'a'.repeat(64)}`, `ghcr.io/acme/app@sha256:${'a'.repeat(64)}`],
  [`ghcr.io/acme/app:1@sha512:${'b'.repeat(128)}`, `ghcr.io/acme/app:1@sha512:${'b'.repeat(128)}`],
])('the reference %s means %s', (text, expected) => {
  expect(formatReference(parseReference(text))).toBe(expected);
});

test.each([
  '',
  'Debian',
  'a b',
  'ghcr.io/',
  'ghcr.io/a:',
  'ghcr.io/a:b c',
  'ghcr.io/../a',
  'a@sha256:abc',
  'a@md5:abc',
  'a..b/c',
  `ghcr.io/${'a'.repeat(250)}`,
  'user:pw@ghcr.io/a',
])("'%s' is no reference", (text) => {
  expect(() => parseReference(text)).toThrow(/is not a reference|that is not a digest/);
});

test('a download goes on where it broke off', async () => {
  const fake = await world.fake();
  const digest = fake.repository('a').addBlob(blob);
  fake.behavior.fault = faultTimes(2, { dropAnswerAfter: 1_200_000 }, isBlob);
  const events: RegistryEvent[] = [];

  const read = await collect(
    world.client({ onEvent: (event) => events.push(event) }).blob(`${fake.host}/a`, { digest, size: blob.length }),
  );

  expect(digestOf(read)).toBe(digest);
  const ranges = fake.log.map(({ headers }) => headers['range']);
  expect(ranges[0]).toBeUndefined();
  expect(Number(/^bytes=(\d+)-$/.exec(String(ranges[1]))?.[1])).toBeGreaterThan(500_000);
  expect(events.at(-1)).toMatchObject({ code: 'blob-progress', direction: 'pull', bytes: blob.length });
});

test('a registry that sends no parts sends all of it again, which is put together right', async () => {
  const fake = await world.fake({ behavior: { ranges: false } });
  const digest = fake.repository('a').addBlob(blob);
  fake.behavior.fault = faultTimes(1, { dropAnswerAfter: 1_200_000 }, isBlob);

  const read = await collect(world.client().blob(`${fake.host}/a`, { digest, size: blob.length }));

  expect(digestOf(read)).toBe(digest);
});

test('a slow download is no broken one: only silence counts', async () => {
  const fake = await world.fake();
  const digest = fake.repository('a').addBlob(blob);
  fake.behavior.fault = () => ({ slowAnswer: 20 });

  // 46 pieces, so about a second: longer than the timeout, which none of the pauses is.
  const read = await collect(
    world.client({ idleTimeout: 700, retry: { attempts: 1 } }).blob(`${fake.host}/a`, { digest, size: blob.length }),
  );

  expect(digestOf(read)).toBe(digest);
});

test('a reader that stops early leaves nothing open', async () => {
  const fake = await world.fake();
  const digest = fake.repository('a').addBlob(blob);

  for await (const piece of world.client().blob(`${fake.host}/a`, { digest, size: blob.length })) {
    expect(piece.length).toBeGreaterThan(0);
    break;
  }

  await world.close(); // would wait for connections in use
});

test('a blob with a sha512 digest is read and published', async () => {
  const fake = await world.fake();
  const content = bytes('x', 100_000);
  const { createHash } = await import('node:crypto');
  const digest = `sha512:${createHash('sha512').update(content).digest('hex')}`;
  fake.repository('a').blobs.set(digest, content);

  expect(await collect(world.client().blob(`${fake.host}/a`, { digest, size: content.length }))).toHaveLength(
    content.length,
  );
});

test.each([
  ['without digests in its headers', { digestHeaders: false }],
  ['without lengths', { contentLength: false }],
])('a registry %s still tells what a tag names', async (_, behavior) => {
  const fake = await world.fake({ behavior });
  const { content } = imageOf([]);
  fake.repository('a').addManifest(MEDIA_TYPE.manifest, content, '1');

  expect(await world.client().resolve(`${fake.host}/a:1`)).toEqual(descriptorOf(MEDIA_TYPE.manifest, content));
});

test('tags are listed page by page', async () => {
  const fake = await world.fake({ behavior: { pageSize: 3 } });
  const tags = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  fake.repository('a').addManifest(MEDIA_TYPE.manifest, imageOf([]).content, ...tags);

  const found = [];
  for await (const tag of world.client().tags(`${fake.host}/a`)) found.push(tag);

  expect(found).toEqual(tags);
  expect(fake.log).toHaveLength(3);
});

test.each([
  ['with referrers', { referrers: true }],
  ['without referrers', { referrers: false }],
  ['without referrers and ETags', { referrers: false, etags: false }],
])('what refers to an image is found in a registry %s', async (_, behavior) => {
  const fake = await world.fake({ behavior });
  const client = world.client();
  const image = imageOf([bytes('layer', 10)]);
  const subject = descriptorOf(image.mediaType, image.content);
  const [signature, list] = ['signature', 'list'].map((name) =>
    imageOf([], 'amd64', { subject, artifactType: `application/x.${name}`, annotations: { name } }),
  );

  await client.publish([
    { repository: `${fake.host}/a`, manifests: [image], tags: ['1'] },
    { repository: `${fake.host}/a`, manifests: [signature!] },
    { repository: `${fake.host}/a`, manifests: [list!] },
  ]);

  expect(await client.referrers(`${fake.host}/a`, subject.digest)).toHaveLength(2);
  expect(
    await client.referrers(`${fake.host}/a`, subject.digest, { artifactType: 'application/x.list' }),
  ).toMatchObject([{ digest: digestOf(list!.content), annotations: { name: 'list' } }]);
});

test('a mirror is asked first and told whom it stands for; what it lacks comes from the registry', async () => {
  const [mirror, fake] = [await world.fake(), await world.fake()];
  const layer = bytes('layer', 1000);
  await world.client().publish([publication(`${fake.host}/a`, imageOf([layer]), '1')]);
  mirror.repository('a').addBlob(layer);
  fake.log.length = 0;
  const client = world.client({ hosts: { [fake.host]: { mirrors: [mirror.host] } } });

  const image = await client.image(`${fake.host}/a:1`, { platform: { os: 'linux', architecture: 'amd64' } });
  await collect(client.blob(`${fake.host}/a`, image.manifest.layers[0]!));

  expect(mirror.log.every(({ path: each }) => each.includes(`ns=${encodeURIComponent(fake.host)}`))).toBe(true);
  expect(mirror.log.some(({ status }) => status === 404)).toBe(true);
  expect(fake.log.some(({ path: each }) => each.includes(digestOf(layer)))).toBe(false);
});

test('a warning is told once', async () => {
  const fake = await world.fake();
  fake.behavior.fault = () => ({
    status: 404,
    code: 'X',
    headers: { warning: '299 - "this registry \\"closes\\" soon"' },
  });
  const events: RegistryEvent[] = [];
  const client = world.client({ onEvent: (event) => events.push(event) });

  await client.tryResolve(`${fake.host}/a:1`);
  await client.tryResolve(`${fake.host}/a:2`);

  expect(events).toEqual([{ code: 'registry-warning', registry: fake.host, message: 'this registry "closes" soon' }]);
});

test('the client says what it is, with its version', async () => {
  const fake = await world.fake();

  await world.client().tryResolve(`${fake.host}/a:1`);

  expect(fake.log[0]?.headers['user-agent']).toMatch(/^cdk-stack\/\d+\.\d+\.\d+/);
});

test('a proxy of the environment is used, but not for this machine', async () => {
  const seen: string[] = [];
  const proxy = createServer((request, response) => {
    seen.push(`${request.method ?? ''} ${request.url ?? ''}`);
    response.writeHead(502).end();
  });
  proxy.on('connect', (request, socket) => {
    seen.push(`CONNECT ${request.url ?? ''}`);
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${String((proxy.address() as AddressInfo).port)}`;
  const fake = await world.fake();
  const client = world.client({
    env: { HTTPS_PROXY: url, HTTP_PROXY: url, NO_PROXY: 'direct.invalid' },
    retry: { attempts: 1 },
  });

  await expect(client.resolve('registry.invalid/a:1')).rejects.toMatchObject({ code: 'STACK6102' });
  await expect(client.resolve('direct.invalid/a:1')).rejects.toMatchObject({ code: 'STACK6102' });
  expect(await client.tryResolve(`${fake.host}/a:1`)).toBeUndefined();
  await new Promise((resolve) => proxy.close(resolve));

  expect(seen).toEqual(['CONNECT registry.invalid:443']);
});

test('certificates that cannot be read are one clear error', async () => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-home-'));
  const fake = await world.fake();
  const directory = path.join(home, '.config/containers/certs.d', fake.host);
  fs.mkdirSync(directory, { recursive: true });
  fs.writeFileSync(path.join(directory, 'client.cert'), 'no key beside it');

  await expect(world.client({ env: { HOME: home } }).resolve(`${fake.host}/a:1`)).rejects.toMatchObject({
    code: 'STACK6103',
  });
  fs.rmSync(home, { recursive: true });
});

test('a client that is closed has no connections left, though the registry would keep them', async () => {
  const server = createServer({ keepAliveTimeout: 600_000 }, (_, response) => response.writeHead(404).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const client = world.client();
  const connections = (): Promise<number> =>
    new Promise((resolve) => {
      server.getConnections((_, count) => {
        resolve(count);
      });
    });
  try {
    // Not HEAD, behind which the HTTP library closes connections itself.
    await Promise.allSettled(['1', '2', '3'].map((tag) => client.manifest(`${host}/a:${tag}`)));
    expect(await connections()).toBeGreaterThan(0);

    await client.close();

    for (let tries = 0; tries < 400 && (await connections()) > 0; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await connections()).toBe(0);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
