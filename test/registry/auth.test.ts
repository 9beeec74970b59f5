import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { defaultCredentials, fixedCredentials, parseReference, type Credential } from '../../lib/registry';
import { parseChallenges } from '../../lib/registry/challenge';
import { FakeRegistry } from '../../lib/registry/testing';
import { failureOf } from '../failure';
import { bytes, collect, imageOf, publication, World } from './world';

const world = new World();
const homes: string[] = [];
afterEach(async () => {
  await world.close();
  for (const home of homes.splice(0)) fs.rmSync(home, { recursive: true });
});

const bearer = { kind: 'bearer', username: 'someone', password: 's3cret' } as const;
const password: Credential = { kind: 'password', username: 'someone', password: 's3cret' };

function homeWith(files: Readonly<Record<string, unknown>>): string {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-home-'));
  homes.push(home);
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(home, name)), { recursive: true });
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    fs.writeFileSync(path.join(home, name), text, { mode: 0o755 });
  }
  return home;
}

const basic = (username: string): { readonly auth: string } => ({
  auth: Buffer.from(`${username}:pw`).toString('base64'),
});
const ask = (env: NodeJS.ProcessEnv, reference: string): Promise<Credential | undefined> =>
  defaultCredentials(env)(parseReference(reference));

describe('credentials in files', () => {
  test.each([
    ['a host', { 'ghcr.io': basic('host') }, 'ghcr.io/acme/app', 'host'],
    ['the nearest path', { 'ghcr.io': basic('host'), 'ghcr.io/acme': basic('path') }, 'ghcr.io/acme/app', 'path'],
    [
      'the repository itself',
      { 'ghcr.io/acme/app': basic('app'), 'ghcr.io/acme': basic('path') },
      'ghcr.io/acme/app',
      'app',
    ],
    ['an old address', { 'https://ghcr.io/v2/': basic('old') }, 'ghcr.io/acme/app', 'old'],
    ['Docker Hub by its old address', { 'https://index.docker.io/v1/': basic('hub') }, 'debian', 'hub'],
    ['Docker Hub by its name', { 'docker.io': basic('hub') }, 'debian', 'hub'],
    [
      'a host that ends alike: none',
      { io: basic('x'), 'evil-ghcr.io': basic('x'), 'ghcr.io.evil': basic('x') },
      'ghcr.io/acme/app',
      undefined,
    ],
    [
      'a host that begins alike: none',
      { 'ghcr.io:443': basic('x'), 'ghcr.i': basic('x') },
      'ghcr.io/acme/app',
      undefined,
    ],
    ['a path that begins alike: none', { 'ghcr.io/ac': basic('x') }, 'ghcr.io/acme/app', undefined],
  ])('are found for %s', async (_, auths, reference, username) => {
    const found = await ask({ HOME: homeWith({ '.docker/config.json': { auths } }) }, reference);

    expect(found).toEqual(username === undefined ? undefined : { kind: 'password', username, password: 'pw' });
  });

  test('are asked for in order, and tokens are told apart', async () => {
    const home = homeWith({
      'given.json': { auths: { 'a.io': basic('given'), 'b.io': { identitytoken: 'refresh', ...basic('x') } } },
      'run/containers/auth.json': { auths: { 'a.io': basic('run'), 'c.io': { registrytoken: 'ready' } } },
      '.config/containers/auth.json': { auths: { 'c.io': basic('late'), 'd.io': basic('home') } },
    });
    const env = { HOME: home, REGISTRY_AUTH_FILE: `${home}/given.json`, XDG_RUNTIME_DIR: `${home}/run` };

    expect(await ask(env, 'a.io/x')).toMatchObject({ username: 'given' });
    expect(await ask(env, 'b.io/x')).toEqual({ kind: 'identity', token: 'refresh' });
    expect(await ask(env, 'c.io/x')).toEqual({ kind: 'bearer', token: 'ready' });
    expect(await ask(env, 'd.io/x')).toMatchObject({ username: 'home' });
    expect(await ask(env, 'e.io/x')).toBeUndefined();
  });

  test('that are broken are one clear error which does not quote them', async () => {
    const home = homeWith({ '.docker/config.json': '{"auths":{"a.io":{"auth":"c2VjcmV0' });

    const failure = await failureOf(ask({ HOME: home }, 'a.io/x'));

    expect(failure.code).toBe('STACK6105');
    expect(failure.message + String(failure.cause)).not.toContain('c2VjcmV0');
  });
});

describe('credential helpers', () => {
  const helper = (script: string): NodeJS.ProcessEnv => {
    const home = homeWith({
      'bin/docker-credential-test': `#!/bin/sh\nread -r server\n${script}\n`,
      '.docker/config.json': { credHelpers: { 'a.io': 'test' }, credsStore: '', auths: { 'a.io': basic('file') } },
    });
    return { HOME: home, PATH: `${home}/bin:${process.env['PATH'] ?? ''}` };
  };

  test.each([
    [
      'a password',
      `echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"$server\\",\\"Secret\\":\\"s\\"}"`,
      { kind: 'password', username: 'a.io', password: 's' },
    ],
    ['a refresh token', `echo '{"Username":"<token>","Secret":"t"}'`, { kind: 'identity', token: 't' }],
    [
      'nothing, so the file counts',
      'echo credentials not found in native keychain; exit 1',
      { kind: 'password', username: 'file', password: 'pw' },
    ],
  ])('give %s', async (_, script, expected) => {
    expect(await ask(helper(script), 'a.io/x')).toEqual(expected);
  });

  test.each([
    ['fails', 'echo it is locked >&2; exit 1', /it is locked/],
    ['gives nonsense', 'echo {}', /no Username and Secret/],
  ])('that %s is one clear error', async (_, script, message) => {
    const failure = await failureOf(ask(helper(script), 'a.io/x'));

    expect(failure.code).toBe('STACK6105');
    expect(failure.message).toMatch(message);
  });

  test('that is not installed, or has a name that is a path, is one clear error', async () => {
    for (const name of ['surely-not-installed', '../../bin/sh']) {
      const home = homeWith({ '.docker/config.json': { credsStore: name } });
      const failure = await failureOf(ask({ HOME: home, PATH: process.env['PATH'] }, 'a.io/x'));
      expect(failure.code).toBe('STACK6105');
    }
  });
});

describe('credentials in the environment', () => {
  const env = {
    HOME: '/nonexistent',
    STACK_REGISTRY_HOST: 'a.io',
    STACK_REGISTRY_USERNAME: 'u',
    STACK_REGISTRY_PASSWORD: 'p',
  };

  test('are for one host', async () => {
    expect(await ask(env, 'a.io/x')).toEqual({ kind: 'password', username: 'u', password: 'p' });
    expect(await ask(env, 'b.a.io/x')).toBeUndefined();
  });

  test('that lack a part are an error', async () => {
    const failure = await failureOf(ask({ ...env, STACK_REGISTRY_HOST: undefined }, 'a.io/x'));

    expect(failure.code).toBe('STACK6105');
    expect(failure.exitStatus).toBe(3);
  });
});

test('challenges are read as servers write them', () => {
  const found = parseChallenges([
    'Bearer realm="https://auth.a.io/token?a=\\"b\\"",service=a.io,scope="repository:x:pull,push" , Basic realm="x, y"',
    'Negotiate',
  ]);

  expect(found.map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])).toEqual([
    ['bearer', { realm: 'https://auth.a.io/token?a="b"', service: 'a.io', scope: 'repository:x:pull,push' }],
    ['basic', { realm: 'x, y' }],
    ['negotiate', {}],
  ]);
});

describe('a registry that wants', () => {
  const layer = bytes('layer', 40_000);
  const publish = async (auth: typeof bearer | object, credential: Credential | undefined) => {
    const fake = await world.fake({ auth: { ...bearer, ...auth } });
    const client = world.client({ credentials: () => Promise.resolve(credential) });
    await client.publish([
      publication(`${fake.host}/acme/one`, imageOf([layer]), '1'),
      publication(`${fake.host}/acme/two`, imageOf([layer]), '1'),
    ]);
    return { fake, client };
  };
  const tokensOf = (log: readonly { readonly path: string; readonly method: string }[]) =>
    log.filter(({ path: each }) => each.startsWith('/token'));

  test('tokens gets them with the password, once for each set of rights, and mounts', async () => {
    const { fake } = await publish({}, password);

    const scopes = tokensOf(fake.log).map(({ path: each }) =>
      new URL(each, 'http://x').searchParams.getAll('scope').join(' '),
    );
    expect(new Set(scopes).size).toBe(scopes.length);
    expect(scopes).toContain('repository:acme/two:pull,push repository:acme/one:pull'); // the right to push comes first
    expect(fake.log.some(({ path: each, status }) => each.includes('mount=') && status === 201)).toBe(true);
  });

  test('tokens gets them for a refresh token', async () => {
    const { fake } = await publish({ refreshToken: 'refresh' }, { kind: 'identity', token: 'refresh' });

    expect(new Set(tokensOf(fake.log).map(({ method }) => method))).toEqual(new Set(['POST']));
  });

  test('tokens in the older way gets them for a refresh token, too', async () => {
    const { fake } = await publish({ refreshToken: 'refresh', oauth: false }, { kind: 'identity', token: 'refresh' });

    expect(fake.repository('acme/two').tags.has('1')).toBe(true);
  });

  test('Basic sees nothing before it asks', async () => {
    const { fake } = await publish({ kind: 'basic' }, password);

    expect(fake.log[0]?.headers['authorization']).toBeUndefined();
    expect(fake.log.filter(({ status }) => status === 401).length).toBeLessThan(5);
  });

  test('nothing of who reads gets a token for anybody', async () => {
    const { fake } = await publish({ anonymousPull: true }, password);
    const anybody = world.client();

    expect(await anybody.tryResolve(`${fake.host}/acme/one:1`)).toBeDefined();
  });

  test('new tokens after some time gets them', async () => {
    const { fake, client } = await publish({}, password);
    fake.expireTokens();

    const image = await client.image(`${fake.host}/acme/one:1`, { platform: { os: 'linux', architecture: 'amd64' } });
    fake.expireTokens();
    expect(await collect(client.blob(image.repository, image.manifest.layers[0]!))).toHaveLength(layer.length);
  });

  test('readers to go to another origin sends no credentials there', async () => {
    const { fake, client } = await publish({}, password);
    fake.behavior.redirects = true;

    const image = await client.image(`${fake.host}/acme/one:1`, { platform: { os: 'linux', architecture: 'amd64' } });

    expect(await collect(client.blob(image.repository, image.manifest.layers[0]!))).toHaveLength(layer.length);
    await fake.stop(); // throws if they were sent
  });
});

test('the fake tells on a client that sends credentials to another origin', async () => {
  const fake = await FakeRegistry.start({ behavior: { redirects: true } });
  const digest = fake.repository('a').addBlob(bytes('x', 10));
  const first = await fetch(`http://${fake.host}/v2/a/blobs/${digest}`, { redirect: 'manual' });
  await fetch(first.headers.get('location') ?? '', { headers: { authorization: 'Basic x' } });

  await expect(fake.stop()).rejects.toThrow('credentials were sent to another origin');
});

test('credentials by host are for exactly that host', async () => {
  const source = fixedCredentials({ 'index.docker.io': password, 'localhost:5000': password });

  expect(await source(parseReference('debian'))).toEqual(password);
  expect(await source(parseReference('localhost:5000/x'))).toEqual(password);
  expect(await source(parseReference('localhost:5001/x'))).toBeUndefined();
});
