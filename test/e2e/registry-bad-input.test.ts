import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { MEDIA_TYPE } from '../../lib/oci';
import { FakeRegistry, type FakeOptions } from '../../lib/registry/testing';
import { bytes, collect, imageOf } from '../registry/world';
import { ConnectProxy } from './connect-proxy';
import { closedPort } from './debian-world';
import { DockerRegistry } from './docker-registry';
import { Project, type Outcome } from './installed';

const MINUTE = 60_000;
const ACCOUNT = { username: 'someone', password: 'c0rrect-s3cret' };
/** What is in the file of docker login unless a row says otherwise. */
const WRONG = 'wr0ng-s3cret';
/** How the name of a registry behind the proxy looks. */
const FAR = 'registry.test';

interface Place {
  readonly project: Project;
  /** Host of the fake registry. */
  readonly fake: string;
}

interface Row {
  readonly what: string;
  readonly fake?: FakeOptions;
  /** Whether the fake is reached by https as {@link FAR}, and whether its certificate is trusted then. */
  readonly far?: 'trusted' | 'untrusted';
  /** Puts things into the fake. */
  readonly prepare?: (fake: FakeRegistry) => Promise<void> | void;
  /** Reference of the base. */
  readonly from?: (place: Place) => string | Promise<string>;
  /** Other properties of the layer. */
  readonly props?: string;
  /** `HOST/PREFIX` of the target. */
  readonly to?: (place: Place) => string | Promise<string>;
  readonly status: 1 | 3;
  readonly code: string;
  readonly says: RegExp;
  /** Whether the base itself was found, and so is locked. */
  readonly locked?: boolean;
}

const DENIED: FakeOptions = { behavior: { fault: () => ({ status: 403, code: 'DENIED' }) } };
const realm = (address: string): FakeOptions => ({ auth: { kind: 'bearer', ...ACCOUNT, realm: address } });
const layer = bytes('layer', 100_000);

/** Puts an image there as if somebody had pushed it. */
async function push(fake: FakeRegistry, architecture?: string): Promise<void> {
  const image = imageOf([layer], architecture);
  for (const blob of image.blobs) fake.repository('base').addBlob(await collect(blob.open(0)));
  fake.repository('base').addManifest(image.mediaType, image.content, '1');
}

async function pushCorrupted(fake: FakeRegistry): Promise<void> {
  await push(fake);
  fake.behavior.corrupt = new Set([fake.repository('base').addBlob(layer)]);
}

let docker: DockerRegistry;

beforeAll(async () => {
  docker = await DockerRegistry.start({ account: ACCOUNT });
}, MINUTE);
afterAll(() => docker.stop());

const base = ({ fake }: Place): string => `${fake}/base:1`;
const target = ({ fake }: Place): string => `${fake}/acme`;

/** What goes wrong alike with a base and a target. */
const HOSTS: readonly (Omit<Row, 'from' | 'to' | 'says'> & {
  readonly host: (place: Place) => string | Promise<string>;
  readonly says: RegExp;
})[] = [
  {
    what: 'an unknown host',
    host: () => 'registry.invalid',
    status: 1,
    code: 'STACK6102',
    says: /cannot reach registry\.invalid/,
  },
  {
    what: 'a port where nothing listens',
    host: async () => `127.0.0.1:${String(await closedPort())}`,
    status: 1,
    code: 'STACK6102',
    says: /ECONNREFUSED.*nothing listens there/s,
  },
  {
    what: 'a certificate nobody has signed',
    far: 'untrusted',
    host: () => FAR,
    status: 1,
    code: 'STACK6103',
    says: /the certificate of registry\.test is not trusted: self-signed certificate/,
  },
  {
    what: 'a wrong password',
    host: () => docker.host,
    status: 3,
    code: 'STACK6104',
    says: /answered 401.*docker login/s,
  },
  {
    what: 'a wrong password for tokens',
    fake: { auth: { kind: 'bearer', ...ACCOUNT } },
    host: ({ fake }) => fake,
    status: 3,
    code: 'STACK6104',
    says: /get a token.*answered 401 \(UNAUTHORIZED/,
  },
  {
    what: 'a token service at the address of the metadata of clouds',
    far: 'trusted',
    fake: realm('http://169.254.169.254/latest/meta-data'),
    host: () => FAR,
    status: 1,
    code: 'STACK6111',
    says: /registry\.test sends us to 'http:\/\/169\.254\.169\.254'/,
  },
  {
    what: 'a token service of this machine',
    far: 'trusted',
    fake: realm('https://127.0.0.1:1/token'),
    host: () => FAR,
    status: 1,
    code: 'STACK6111',
    says: /an address of this machine/,
  },
  {
    what: 'a token service without encryption',
    far: 'trusted',
    fake: realm('http://tokens.test/token'),
    host: () => FAR,
    status: 1,
    code: 'STACK6111',
    says: /'http:\/\/tokens\.test', which is not https/,
  },
];

const ROWS: readonly Row[] = [
  ...HOSTS.map(({ host, ...row }): Row => ({
    ...row,
    what: `a base with ${row.what}`,
    from: async (p) => `${await host(p)}/a:1`,
  })),
  ...HOSTS.map(({ host, ...row }): Row => ({
    ...row,
    what: `a target with ${row.what}`,
    to: async (p) => `${await host(p)}/a`,
  })),
  {
    what: 'a base the account may not read',
    fake: DENIED,
    from: base,
    status: 3,
    code: 'STACK6106',
    says: /GET .* answered 403 \(DENIED: denied\)/,
  },
  {
    what: 'a target the account may not write',
    fake: DENIED,
    to: target,
    status: 3,
    code: 'STACK6106',
    says: /POST .* answered 403 \(DENIED: denied\)/,
  },
  {
    what: 'a base that is missing',
    from: base,
    status: 1,
    code: 'STACK6107',
    says: /base:1' is not in the registry/,
  },
  {
    what: 'a base without the platform',
    prepare: (fake) => push(fake, 'arm64'),
    from: base,
    status: 1,
    code: 'STACK6108',
    says: /no image for linux\/amd64 .*linux\/arm64/s,
  },
  {
    what: 'a base whose manifest is larger than 4 MiB',
    prepare: (fake) =>
      void fake.repository('base').addManifest(MEDIA_TYPE.manifest, Buffer.alloc(4 * 1024 ** 2 + 1, ' '), '1'),
    from: base,
    status: 1,
    code: 'STACK6005',
    says: /more than 4194304 bytes/,
  },
  {
    what: 'a base with a corrupted layer that is read',
    prepare: pushCorrupted,
    from: base,
    props: "imports: [{ source: 'app.js', dest: '/' }]",
    status: 1,
    code: 'STACK6109',
    says: /came with the digest sha256:/,
    locked: true,
  },
  {
    what: 'a base with a corrupted layer that goes to a layout',
    prepare: pushCorrupted,
    from: base,
    status: 1,
    code: 'STACK6109',
    says: /came with the digest sha256:/,
    locked: true,
  },
  {
    what: 'a base with a corrupted layer that passes to another registry',
    prepare: pushCorrupted,
    from: base,
    to: ({ fake }) => `${fake.replace('127.0.0.1', 'localhost')}/acme`,
    status: 1,
    code: 'STACK6109',
    says: /\/base: sha256:\w+ came with the digest sha256:/,
    locked: true,
  },
];

/** Tells a reader of any output the passwords. */
const SECRETS = [ACCOUNT.password, WRONG].flatMap((password) => [
  password,
  Buffer.from(`${ACCOUNT.username}:${password}`).toString('base64').replaceAll('=', ''),
]);

const lockFile = (project: Project): string => project.path('cdk-stack.lock.json');

function makeCertificate(project: Project): { readonly key: string; readonly cert: string; readonly file: string } {
  const [key, cert] = [project.path('tls.key'), project.path('tls.crt')];
  const subject = ['-subj', `/CN=${FAR}`, '-addext', `subjectAltName=DNS:${FAR}`];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', [...args, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
  return { key: fs.readFileSync(key, 'utf8'), cert: fs.readFileSync(cert, 'utf8'), file: cert };
}

test.each(ROWS)(
  '$what is one clear error, which tells no secret and leaves nothing half-written',
  async ({ fake: options, far, prepare, from, props = '', to, status, code, says, locked = false }) => {
    const project = Project.create('');
    const tls = far === undefined ? undefined : makeCertificate(project);
    const fake = await FakeRegistry.start({ ...options, ...(tls === undefined ? {} : { tls }) });
    const proxy = await ConnectProxy.start(Number(fake.host.split(':')[1]));
    try {
      await prepare?.(fake);
      const place: Place = { project, fake: fake.host };
      const [reference, prefix] = [await from?.(place), await to?.(place)];
      const standsOn = reference === undefined ? '' : `from: 'docker://${reference}', `;
      const auth = Buffer.from(`${ACCOUNT.username}:${WRONG}`).toString('base64');
      const hosts = [reference, prefix].flatMap((name) => name?.split('/')[0] ?? []);
      project.write({
        'app.js': `const { App, Layer } = require('cdk-stack');
          new Layer(new App(), 'x', { ${standsOn}platform: 'linux/amd64', ${props} });`,
        '../.docker/config.json': JSON.stringify({ auths: Object.fromEntries(hosts.map((host) => [host, { auth }])) }),
      });
      const env = {
        HTTPS_PROXY: far === undefined ? '' : proxy.url,
        ...(far === 'trusted' ? { NODE_EXTRA_CA_CERTS: tls?.file ?? '' } : {}),
      };
      const deploy = (...more: string[]): Promise<Outcome> =>
        project.start(['deploy', '--debug', ...more, ...(prefix === undefined ? [] : ['--to', `docker://${prefix}`])], {
          env,
        }).ended;

      const text = await deploy('--verbose');
      expect(text.stderr).toMatch(new RegExp(`^error (${code}): `, 'm'));
      expect(text.stderr).toMatch(says);
      expect(text.stderr.match(/^error STACK/gm)).toHaveLength(1);
      expect(text).toMatchObject({ status, stdout: '' });

      const json = await deploy('--json', '--progress', 'json');
      expect(json.status).toBe(status);
      const { error } = JSON.parse(json.stdout) as { readonly error: object };
      expect(error).toMatchObject({ code });
      expect(error).not.toHaveProperty('others');

      const all = [text, json].map(({ stdout, stderr }) => stdout + stderr).join('');
      for (const secret of SECRETS) expect(all).not.toContain(secret);
      expect(all).not.toMatch(/Basic |Bearer \w/);
      expect(fs.existsSync(project.path('oci/index.json'))).toBe(false);
      expect(fs.existsSync(lockFile(project))).toBe(locked);
      if (locked) expect(() => JSON.parse(fs.readFileSync(lockFile(project), 'utf8')) as unknown).not.toThrow();
      expect(fs.readdirSync(path.join(project.store, 'v1/tmp'))).toEqual([]);
      expect(fake.openUploads).toEqual([]);
      expect(fake.repository('acme/x').tags.size).toBe(0);
    } finally {
      await proxy.stop();
      await fake.stop();
      project.remove();
    }
  },
  2 * MINUTE,
);
