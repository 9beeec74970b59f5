import { execFile, execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { digestOf } from '../../lib/oci';
import type * as library from '../../lib/registry';
import type * as testing from '../../lib/registry/testing';
import { failureOf } from '../failure';
import { bytes, collect, imageOf, indexOf, publication } from '../registry/world';
import { DockerRegistry } from './docker-registry';

const account = { username: 'someone', password: 'p4ss word/with:signs' };
const MINUTE = 60_000;
jest.setTimeout(MINUTE);

const amd64 = { platform: { os: 'linux', architecture: 'amd64' } };
const base = bytes('base', 3_000_000);
const top = bytes('top', 20_000_000);

/** What users of the package get. */
const installed = createRequire(path.join(process.env['CDK_STACK_INSTALLED'] ?? '', 'user.js'));
const { Registry, fixedCredentials } = installed('cdk-stack/registry') as typeof library;
const { FakeRegistry } = installed('cdk-stack/registry/testing') as typeof testing;

let registry: DockerRegistry;
const clients: library.Registry[] = [];

beforeAll(async () => {
  registry = await DockerRegistry.start({ account });
});
afterAll(() => registry.stop());
afterEach(async () => {
  for (const each of clients.splice(0)) await each.close();
});

function client(options: library.RegistryOptions = {}): library.Registry {
  const made = new Registry({
    env: {},
    credentials: fixedCredentials({ [registry.host]: { kind: 'password', ...account } }),
    ...options,
    retry: { minDelay: 10, maxDelay: 50 },
  });
  clients.push(made);
  return made;
}

function skopeo(command: string, ...args: readonly string[]): string {
  const creds = `${account.username}:${account.password}`;
  return execFileSync('skopeo', [command, '--tls-verify=false', '--creds', creds, ...args], { encoding: 'utf8' });
}

test('images are published, with mounts in place of uploads, and others can read them', async () => {
  const events: library.RegistryEvent[] = [];
  const repository = (name: string): string => `${registry.host}/acme/${name}`;

  await client({ onEvent: (event) => events.push(event) }).publish([
    publication(repository('base'), imageOf([base]), '1'),
    publication(repository('both'), imageOf([base, top]), '1', 'latest'),
  ]);

  const done = (code: string): string[] =>
    events.flatMap((event) => (event.code === code && 'digest' in event ? [event.digest] : []));
  expect(done('blob-uploaded').filter((digest) => digest === digestOf(base))).toHaveLength(1);
  expect(done('blob-mounted')).toEqual([digestOf(base)]);
  const raw = skopeo('inspect', '--raw', `docker://${repository('both')}:latest`);
  expect(raw).toBe(imageOf([base, top]).content.toString());
});

test('an index is published, read for a platform, and its tags are listed', async () => {
  const images = { amd64: imageOf([base]), arm64: imageOf([top], 'arm64') };
  const repository = `${registry.host}/acme/index`;
  const ours = client();

  await ours.publish([{ repository, manifests: [images.amd64, images.arm64, indexOf(images)], tags: ['1', '2'] }]);

  const pulled = await ours.image(`${repository}:2`, { platform: { os: 'linux', architecture: 'arm64' } });
  expect(digestOf(await collect(ours.blob(repository, pulled.manifest.layers[0]!)))).toBe(digestOf(top));
  const tags = [];
  for await (const tag of ours.tags(repository)) tags.push(tag);
  expect(tags.sort()).toEqual(['1', '2']);
});

test('a large blob goes up in chunks', async () => {
  const repository = `${registry.host}/acme/chunks`;
  const ours = client({ chunks: { threshold: 1, size: 6_000_000 } });

  await ours.publish([publication(repository, imageOf([top]), '1')]);

  const { manifest } = await ours.image(`${repository}:1`, amd64);
  expect(digestOf(await collect(ours.blob(repository, manifest.layers[0]!)))).toBe(digestOf(top));
});

test('what skopeo has published can be read', async () => {
  const ours = client();
  await ours.publish([publication(`${registry.host}/acme/from`, imageOf([base]), '1')]);
  execFileSync('skopeo', [
    'copy',
    '--preserve-digests',
    '--src-tls-verify=false',
    '--dest-tls-verify=false',
    '--src-creds',
    `${account.username}:${account.password}`,
    '--dest-creds',
    `${account.username}:${account.password}`,
    `docker://${registry.host}/acme/from:1`,
    `docker://${registry.host}/acme/to:1`,
  ]);

  const { manifest, repository } = await ours.image(`${registry.host}/acme/to:1`, amd64);

  expect(digestOf(await collect(ours.blob(repository, manifest.layers[0]!)))).toBe(digestOf(base));
});

test('an upload survives connections that break', async () => {
  const proxy = await BreakingProxy.start(registry.host, [1_000_000, 5_000_000]);
  const credentials = fixedCredentials({ [proxy.host]: { kind: 'password', ...account } });
  const breaking = client({ credentials });

  await breaking.publish([publication(`${proxy.host}/acme/broken`, imageOf([bytes('broken', 12_000_000)]), '1')]);
  await proxy.stop();

  expect(proxy.broken).toBe(2);
  const ours = client();
  const { manifest, repository } = await ours.image(`${registry.host}/acme/broken:1`, amd64);
  expect(digestOf(await collect(ours.blob(repository, manifest.layers[0]!)))).toBe(manifest.layers[0]!.digest);
});

test('a repository is cleaned: a tag and a manifest are deleted', async () => {
  const repository = `${registry.host}/acme/gone`;
  const ours = client();
  await ours.publish([publication(repository, imageOf([base]), '1')]);
  const { digest } = await ours.resolve(`${repository}:1`);

  await ours.delete(`${repository}@${digest}`);

  expect(await ours.tryResolve(`${repository}:1`)).toBeUndefined();
});

test('a signature is found by what it signs, in a registry without referrers', async () => {
  const repository = `${registry.host}/acme/signed`;
  const ours = client();
  const image = imageOf([base]);
  const subject = { mediaType: image.mediaType, digest: digestOf(image.content), size: image.content.length };
  const signature = imageOf([], 'amd64', { subject, artifactType: 'application/x.signature' });

  await ours.publish([{ repository, manifests: [image, signature] }]);

  expect(await ours.referrers(repository, subject.digest, { artifactType: 'application/x.signature' })).toMatchObject([
    { digest: digestOf(signature.content), artifactType: 'application/x.signature' },
  ]);
});

test('credentials of docker login are used, and a wrong password is refused without being told', async () => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-home-'));
  const login = (password: string): void => {
    const auth = Buffer.from(`${account.username}:${password}`).toString('base64');
    fs.mkdirSync(path.join(home, '.docker'), { recursive: true });
    fs.writeFileSync(path.join(home, '.docker/config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
  };
  const withHome = (): library.Registry => {
    const made = new Registry({ env: { HOME: home } });
    clients.push(made);
    return made;
  };
  try {
    login(account.password);
    expect(await withHome().tryResolve(`${registry.host}/acme/none:1`)).toBeUndefined();

    login('wr0ng');
    const failure = await failureOf(withHome().resolve(`${registry.host}/acme/none:1`));
    expect(failure.code).toBe('STACK6104');
    expect(failure.exitStatus).toBe(3);
    expect(JSON.stringify(failure) + String(failure.stack)).not.toContain('wr0ng');
  } finally {
    fs.rmSync(home, { recursive: true });
  }
});

test('a certificate nobody has signed is refused, unless it is given or not looked at', async () => {
  const secure = await DockerRegistry.start({ tls: true });
  const reference = `${secure.host}/acme/none:1`;
  const asking = (options: library.HostOptions): Promise<unknown> =>
    client({ hosts: { [secure.host]: { plainHttp: false, ...options } } }).tryResolve(reference);
  try {
    const failure = await failureOf(asking({}));
    expect(failure.code).toBe('STACK6103');
    expect(await asking({ ca: secure.certificate })).toBeUndefined();
    expect(await asking({ skipTlsVerify: true })).toBeUndefined();
  } finally {
    await secure.stop();
  }
});

test('the fake registry speaks as other clients expect', async () => {
  const fake = await FakeRegistry.start();
  try {
    await client().publish([publication(`${fake.host}/acme/app`, imageOf([base]), '1')]);
    const copy = ['copy', '--preserve-digests', '--src-tls-verify=false', '--dest-tls-verify=false'];
    // Not with execFileSync: this process has to answer.
    await promisify(execFile)('skopeo', [
      ...copy,
      `docker://${fake.host}/acme/app:1`,
      `docker://${fake.host}/acme/copy:1`,
    ]);
    expect(fake.repository('acme/copy').tags.size).toBe(1);
  } finally {
    await fake.stop();
  }
});

test('a program of its own publishes many blobs at a time, and Node has nothing to warn of', async () => {
  const script = `
    const { createHash } = require('node:crypto');
    const { Registry } = require('cdk-stack/registry');
    const { FakeRegistry } = require('cdk-stack/registry/testing');
    const blobs = Array.from({ length: 40 }, (_, i) => Buffer.from('blob ' + i)).map((content) => ({
      digest: 'sha256:' + createHash('sha256').update(content).digest('hex'),
      size: content.length,
      open: async function* (offset) { yield content.subarray(offset); },
    }));
    (async () => {
      const fake = await FakeRegistry.start({ behavior: { latency: 50 } });
      const registry = new Registry({ env: {} });
      const mediaType = 'application/vnd.oci.image.manifest.v1+json';
      const manifest = { mediaType, content: Buffer.from(JSON.stringify({ schemaVersion: 2 })), blobs };
      await registry.publish([{ repository: fake.host + '/many', manifests: [manifest], tags: ['1'] }]);
      console.log(fake.repository('many').blobs.size);
      await registry.close();
      await fake.stop();
    })();`;

  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', script], {
    cwd: process.env['CDK_STACK_INSTALLED'],
  });

  expect({ stdout, stderr }).toEqual({ stdout: '40\n', stderr: '' });
});

/** Passes bytes on to a registry, and breaks connections that carry much after so many bytes. */
class BreakingProxy {
  public static async start(target: string, breaks: number[]): Promise<BreakingProxy> {
    const proxy = new BreakingProxy(target, breaks);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  public broken = 0;
  private readonly server: net.Server;
  private readonly sockets = new Set<net.Socket>();

  private constructor(target: string, breaks: number[]) {
    const [host = '', port = ''] = target.split(':');
    this.server = net.createServer((client) => {
      const upstream = net.connect(Number(port), host);
      let seen = 0;
      for (const socket of [client, upstream]) {
        this.sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => [client, upstream].forEach((each) => each.destroy()));
      }
      client.on('data', (piece: Buffer) => {
        seen += piece.length;
        const [limit] = breaks;
        if (limit === undefined || seen < limit) {
          upstream.write(piece);
          return;
        }
        breaks.shift();
        this.broken += 1;
        client.destroy();
      });
      upstream.on('data', (piece: Buffer) => client.write(piece));
    });
  }

  public get host(): string {
    return `127.0.0.1:${String((this.server.address() as net.AddressInfo).port)}`;
  }

  public async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
