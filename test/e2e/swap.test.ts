import { DockerRegistry } from './docker-registry';
import { writeLayout, writeTar } from './hand-made';
import { Project } from './installed';

const MINUTE = 60_000;

/** A combination on a base, of which one component comes in several versions, and two change one text. */
const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App({ formats: ['tar', 'squashfs'], epoch: 0 });
const base = new Layer(app, 'base', { imports: [{ source: 'base/', dest: '/' }], config: { env: { BASE: '1' } } });
const kernel = new Layer(app, 'kernel', { from: base, imports: [{ source: 'kernel', dest: '/boot/' }], config: { env: { KERNEL: '1' } } });
const ssl = new Layer(app, 'ssl', { from: base, imports: [{ source: 'ssl', dest: '/lib/' }, { source: 'conf-ssl', dest: '/etc/conf' }] });
const web = new Layer(app, 'web', { from: base, imports: [{ source: 'web', dest: '/srv/' }, { source: 'conf-web', dest: '/etc/conf' }] });
new StackedImage(app, 'plain', [kernel, ssl], { annotations: { 'org.example.note': 'kept' } });
new StackedImage(app, 'alone', [kernel]);
new StackedImage(app, 'merged', [kernel, new StackedImage(app, 'inner', [ssl, web], { buildOnly: true })]);
`;

const text = (first: string, last: string): string => `${first}\ntwo\nthree\nfour\nfive\n${last}\n`;
const FILES = {
  'base/etc/conf': text('one', 'six'),
  'base/etc/os-release': 'ID=test\n',
  kernel: 'k'.repeat(20_000),
  ssl: 's'.repeat(20_000),
  web: 'w'.repeat(20_000),
  'conf-ssl': text('ssl', 'six'),
  'conf-web': text('one', 'web'),
};

let registry: DockerRegistry;
let project: Project;
beforeAll(async () => {
  registry = await DockerRegistry.start();
}, MINUTE);
afterAll(() => registry.stop());
beforeEach(() => {
  project = Project.create(APP, FILES);
});
afterEach(() => {
  project.remove();
});

interface Placed {
  readonly digest: string;
  readonly was?: string;
  readonly changed: boolean;
  readonly blobsWritten: number;
  readonly bytesWritten: number;
}

function stack(...args: string[]): Placed {
  const outcome = project.stack([...args, '--json']);
  expect(outcome).toMatchObject({ status: 0 });
  return JSON.parse(outcome.stdout) as Placed;
}

const at = (name: string): string => `docker://${registry.host}/${name}`;

interface Shown {
  readonly digest: string;
  readonly manifest: {
    readonly layers: readonly { readonly digest: string }[];
    readonly annotations: Record<string, string>;
  };
  readonly config: {
    readonly config: { readonly Env: readonly string[] };
    readonly history?: readonly { readonly created?: string }[];
  };
}

function inspect(image: string, to: string, format = 'tar'): Shown {
  const { stdout } = project.stack(['inspect', image, '--to', to, '--format', format, '--json']);
  return (JSON.parse(stdout) as { images: [Shown] }).images[0];
}

test.each(['tar', 'squashfs'])(
  'a component is exchanged in a registry, and back, without a blob of another one: %s',
  async (format) => {
    const suffix = format === 'tar' ? '' : '-squashfs';
    const prefix = `swap-${format}`;
    project.stack(['deploy', '--to', at(prefix)]);
    const before = inspect('plain', at(prefix), format);
    project.write({ ssl: 'S'.repeat(30_000) });
    project.stack(['deploy', 'ssl', '--to', at(`${prefix}/newer`)]);
    const since = (await registry.requests()).length;

    const swapped = stack(
      'swap',
      at(`${prefix}/plain:latest${suffix}`),
      `ssl=${at(`${prefix}/newer/ssl:latest${suffix}`)}`,
    );

    expect(swapped).toMatchObject({ changed: true, was: before.digest });
    const log = (await registry.requests()).slice(since);
    const [base, kernel, ssl] = before.manifest.layers.map(({ digest }) => digest);
    const moved = log.filter(({ method, path }) => method !== 'HEAD' && path.includes('/blobs/'));
    for (const digest of [base!, kernel!, ssl!]) {
      expect(moved.filter(({ path }) => path.includes(digest) || path.includes(encodeURIComponent(digest)))).toEqual(
        [],
      );
    }
    const after = inspect('plain', at(prefix), format);
    expect(after.manifest.layers.map(({ digest }) => digest).slice(0, 2)).toEqual([base, kernel]);
    expect(after.manifest.layers).toEqual([
      ...before.manifest.layers.slice(0, 2),
      ...inspect('ssl', at(`${prefix}/newer`), format).manifest.layers.slice(1),
    ]);
    expect(after.manifest.annotations['org.example.note']).toBe('kept');
    expect(after.config.config.Env).toEqual(before.config.config.Env);

    const back = stack('swap', at(`${prefix}/plain:latest${suffix}`), `ssl=${at(`${prefix}/ssl:latest${suffix}`)}`);
    expect(back.digest).toBe(before.digest);
  },
  2 * MINUTE,
);

test(
  'what was merged is merged anew, also for a component inside of another combination',
  () => {
    project.stack(['deploy']);
    const before = inspect('merged', 'oci:./oci');
    project.write({ 'conf-ssl': text('SSL', 'six') });
    project.stack(['deploy', 'ssl', '--to', 'oci:./newer']);

    stack('swap', 'oci:./oci:merged', 'ssl=oci:./newer:ssl');

    expect(project.layout().manifest('merged').layers).toHaveLength(5);
    project.stack(['deploy', '--to', 'oci:./whole']);
    expect(inspect('merged', 'oci:./oci').manifest.layers).toEqual(inspect('merged', 'oci:./whole').manifest.layers);
    project.write({ 'conf-ssl': FILES['conf-ssl'] });
    project.stack(['deploy', 'ssl', '--to', 'oci:./older']);
    expect(stack('swap', 'oci:./oci:merged', 'ssl=oci:./older:ssl').digest).toBe(before.digest);
  },
  2 * MINUTE,
);

test(
  'a combination is put on another base, and back',
  () => {
    project.stack(['deploy', '--to', at('rebase')]);
    const before = inspect('plain', at('rebase'));
    project.write({ 'base/etc/os-release': 'ID=newer\n', 'app.js': APP.replace("BASE: '1'", "BASE: '2'") });
    project.stack(['deploy', '--to', at('rebase/newer')]);

    stack('rebase', at('rebase/plain'), at('rebase/newer/base'));

    const [rebased, built] = [inspect('plain', at('rebase')), inspect('plain', at('rebase/newer'))];
    expect(rebased.manifest.layers).toEqual(built.manifest.layers);
    expect(rebased.config.config.Env).toEqual(built.config.config.Env);
    expect(stack('rebase', at('rebase/plain'), at('rebase/base')).digest).toBe(before.digest);
  },
  2 * MINUTE,
);

test(
  'the annotations of a combination name the base that it was put on',
  () => {
    const app = (tag: string): string => `const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App();
const layer = (id, source) => new Layer(app, id, { from: 'docker://${registry.host}/annotated/base:${tag}', imports: [{ source, dest: '/srv/' }] });
new StackedImage(app, 'plain', [layer('a', 'web'), layer('b', 'ssl')]);`;
    for (const tag of ['1', '2']) {
      project.write({ 'base/etc/os-release': `ID=${tag}\n` });
      project.stack(['deploy', 'base', '--to', at('annotated'), '--tag', tag]);
    }
    project.write({ 'app.js': app('1') });
    project.stack(['deploy']);
    const before = inspect('plain', 'oci:./oci').manifest.annotations;
    stack('rebase', 'oci:./oci:plain', at('annotated/base:2'));
    const after = inspect('plain', 'oci:./oci').manifest.annotations;
    project.write({ 'app.js': app('2') });
    project.stack(['deploy', '--to', 'oci:./whole']);
    const [name, digest] = ['org.opencontainers.image.base.name', 'org.opencontainers.image.base.digest'];
    expect(before[name]).toBe(`${registry.host}/annotated/base:1`);
    expect([after[name], after[digest]]).toEqual([
      `${registry.host}/annotated/base:2`,
      inspect('plain', 'oci:./whole').manifest.annotations[digest],
    ]);
  },
  2 * MINUTE,
);

test('layers without history have a time that readers take, and exchanging back gives the same image', () => {
  project.write({
    'app.js': `const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App({ epoch: 86400 });
const made = (name) => new Layer(app, name, { from: 'oci:./made:' + name, buildOnly: true });
new StackedImage(app, 'both', [made('one'), made('two')]);`,
  });
  for (const name of ['one', 'two', 'newer']) {
    project.write({ [`trees/${name}/${name === 'newer' ? 'one' : name}`]: name });
    writeTar(project.path('trees', name), project.path(`${name}.tar`));
    writeLayout(project.path('made'), name, [project.path(`${name}.tar`)]);
  }
  expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
  const before = inspect('both', 'oci:./oci');
  stack('swap', 'oci:./oci:both', 'one=oci:./made:newer');
  const { history } = inspect('both', 'oci:./oci').config;
  expect(history?.map(({ created }) => created)).toEqual(['1970-01-02T00:00:00Z', '1970-01-02T00:00:00Z']);
  expect(stack('swap', 'oci:./oci:both', 'one=oci:./made:one').digest).toBe(before.digest);
});

test(
  'a base with more layers than runtimes mount is refused, and nothing changes',
  () => {
    expect(project.stack(['deploy', 'plain'])).toMatchObject({ status: 0 });
    const index = project.layout().indexText;
    const tars = Array.from({ length: 126 }, (_, at) => {
      project.write({ [`many/${String(at)}/${String(at)}`]: '' });
      writeTar(project.path('many', String(at)), project.path(`${String(at)}.tar`));
      return project.path(`${String(at)}.tar`);
    });
    writeLayout(project.path('made'), 'many', tars);
    const refused = project.stack(['rebase', 'oci:./oci:plain', 'oci:./made:many']);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^error STACK5005: the image has 128 tar layers/m);
    expect(project.layout().indexText).toBe(index);
  },
  MINUTE,
);

test(
  'what cannot be exchanged is one clear error, and nothing changes',
  () => {
    project.stack(['deploy']);
    const index = project.layout().indexText;
    const other = Project.create(
      `const { App, Layer } = require('cdk-stack');
const app = new App();
new Layer(app, 'other', { imports: [{ source: 'f', dest: '/' }] });
new Layer(app, 'arm', { platform: 'linux/arm64', imports: [{ source: 'f', dest: '/' }] });`,
      { f: 'f' },
    );
    other.stack(['deploy', '--to', `oci:${project.path('other')}`]);
    other.remove();
    for (const [args, code, exit] of [
      [['swap', 'oci:./oci:plain', 'tls=oci:./oci:ssl'], 'STACK5031', 1],
      [['swap', 'oci:./oci:plain', 'ssl=oci:./other:other'], 'STACK5032', 1],
      [['swap', 'oci:./oci:plain', 'ssl=oci:./other:arm'], 'STACK6002', 1],
      [['swap', 'oci:./oci:ssl', 'ssl=oci:./oci:ssl'], 'STACK5030', 1],
      [['rebase', 'oci:./oci:alone', 'oci:./other:other'], 'STACK5032', 1],
      [['swap', 'oci:./oci:plain', 'ssl'], 'STACK1001', 2],
      [['swap', 'oci:./oci:plain', 'ssl=oci:./oci:ssl-squashfs'], 'STACK5002', 1],
    ] as const) {
      const outcome = project.stack(args);
      expect(outcome).toMatchObject({ status: exit, stdout: '' });
      expect(outcome.stderr).toMatch(new RegExp(`^error ${code}: `, 'm'));
    }
    const planned = project.stack(['swap', 'oci:./oci:plain', 'ssl=oci:./oci:web', '--dry-run']);
    expect(planned.stdout).toMatch(/dry run: oci:\.\/oci:plain would be [0-9a-f]{12}: /);
    expect(project.layout().indexText).toBe(index);
  },
  2 * MINUTE,
);

describe('packages of a component', () => {
  const status = (...packages: string[]): string =>
    packages
      .map((each) => {
        const [name, version] = each.split('=');
        return `Package: ${name!}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version!}\n`;
      })
      .join('\n');

  test.each([
    ['are removed', status('libc6=2.36'), /openssl \(was 3\.0\.15-1\)/],
    ['come in an earlier version', status('libc6=2.36', 'openssl=3.0.9-1'), /openssl 3\.0\.9-1 \(was 3\.0\.15-1\)/],
  ])(
    'that %s are refused unless that is allowed',
    (_, after, message) => {
      project.write({
        'app.js': APP.replace("{ source: 'ssl', dest: '/lib/' }", "{ source: 'ssl-tree/', dest: '/' }"),
        'base/var/lib/dpkg/status': status('libc6=2.36'),
        'ssl-tree/var/lib/dpkg/status': status('libc6=2.36', 'openssl=3.0.15-1'),
      });
      expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
      project.write({ 'ssl-tree/var/lib/dpkg/status': after });
      project.stack(['deploy', 'ssl', '--to', 'oci:./newer']);
      const swap = ['swap', 'oci:./oci:plain', 'ssl=oci:./newer:ssl'];
      const refused = project.stack(swap);
      expect(refused).toMatchObject({ status: 1 });
      expect(refused.stderr).toMatch(/^error STACK5033: /m);
      expect(refused.stderr).toMatch(message);
      expect(project.stack([...swap, '--allow-downgrade'])).toMatchObject({ status: 0 });
    },
    MINUTE,
  );
});
