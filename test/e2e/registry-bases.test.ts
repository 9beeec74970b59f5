import * as fs from 'node:fs';
import type { Descriptor } from '../../lib/oci';
import { Registry, type PublishedManifest } from '../../lib/registry';
import { bytes, imageOf, indexOf } from '../registry/world';
import { writeBusyboxTar } from './busybox';
import { DockerRegistry, type AnsweredRequest } from './docker-registry';
import { Project, type Layout } from './installed';
import { contentOf, deployed, topLayer } from './on-busybox';

const MINUTE = 60_000;
jest.setTimeout(2 * MINUTE);

let registry: DockerRegistry;
let base: Project;
let project: Project;

/** Publishes a base of busybox as `acme/base:1` and in a layout. */
function publishBase(content: string): void {
  writeBusyboxTar(base.path('base.tar'), { files: { 'etc/conf': content, 'data/one': 'one' } });
  deployed(base.stack(['deploy', '--tag', '1', '--to', 'oci:./oci', '--to', `docker://${registry.host}/acme`]));
}

beforeEach(async () => {
  registry = await DockerRegistry.start();
  base = Project.create(`const { App, Layer } = require('cdk-stack');
    new Layer(new App(), 'base', { from: 'tar:base.tar' });`);
  publishBase('first');
  project = Project.create('');
});
afterEach(async () => {
  project.remove();
  base.remove();
  await registry.stop();
});

function write(app: string): void {
  const reference = `'docker://${registry.host}/acme/base:1'`;
  project.write({
    'app.js': `const { App, ImageSource, Layer, PublishedImage, StackedImage } = require('cdk-stack');
      const app = new App();
      ${app.replaceAll('BASE', reference).replaceAll('HOST', registry.host)}`,
  });
}

const RUN = "new Layer(app, 'x', { from: BASE, run: 'cat /etc/conf > /made; rm /data/one' });";

const lock = (): unknown => {
  const file = project.path('cdk-stack.lock.json');
  return fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as { images: unknown }).images : undefined;
};

/** Digest of a manifest of the base's layout. */
const digestOfBase = (): string => base.layout().index.manifests[0]!.digest;

/** Requests that read blobs, by digest. */
function blobReads(log: readonly AnsweredRequest[]): (string | undefined)[] {
  return log.flatMap(({ method, path }) =>
    method === 'GET' && path.includes('/blobs/') ? path.split('/').at(-1) : [],
  );
}

describe('a script on a base in a registry', () => {
  test('runs, and later deploys need no registry, not even when the script changes', async () => {
    write(RUN);
    deployed(project.stack(['deploy']));
    expect(topLayer(project, 'x')).toEqual(['data/', 'data/.wh.one', 'made']);
    expect(contentOf(project, 'x', 'made')).toBe('first');
    expect(project.layout().manifest('x').layers[0]).toEqual(base.layout().manifest('base:1').layers[0]);
    expect(lock()).toEqual({ [`${registry.host}/acme/base:1`]: { digest: digestOfBase() } });
    expect(project.layout().manifest('x').annotations).toEqual({
      'org.opencontainers.image.base.name': `${registry.host}/acme/base:1`,
      'org.opencontainers.image.base.digest': digestOfBase(),
    });

    await registry.stop();
    expect(deployed(project.stack(['deploy', '--frozen'])).stdout).toContain('nothing to do');
    write(RUN.replace('/made', '/other'));
    deployed(project.stack(['deploy', '--frozen']));
    expect(topLayer(project, 'x')).toContain('other');
    registry = await DockerRegistry.start(); // for the one that is stopped behind each test
  });

  test('stays on the base that was locked when the tag moves, until the entry is deleted', () => {
    write(RUN);
    deployed(project.stack(['deploy']));
    const locked = lock();
    publishBase('second');

    fs.rmSync(project.store, { recursive: true });
    const { stderr } = deployed(project.stack(['deploy']));
    expect(contentOf(project, 'x', 'made')).toBe('first');
    expect(lock()).toEqual(locked);
    const name = `${registry.host}/acme/base:1`;
    expect(stderr.match(/^warning: .*\[tag-moved\]$/gm)).toEqual([
      expect.stringContaining(`${name} names ${digestOfBase()} now; `) as string,
    ]);
    // The registry is not asked once more for what the store has.
    expect(deployed(project.stack(['deploy'])).stderr).not.toContain('tag-moved');

    fs.rmSync(project.path('cdk-stack.lock.json'));
    deployed(project.stack(['deploy']));
    expect(contentOf(project, 'x', 'made')).toBe('second');
    expect(lock()).toEqual({ [`${registry.host}/acme/base:1`]: { digest: digestOfBase() } });
  });

  test('is refused with --frozen when the lock file has no entry, without a question to the registry', async () => {
    write(RUN);
    const before = await registry.requests();
    const { status, stderr } = project.stack(['deploy', '--frozen']);
    expect(stderr).toMatch(/^error STACK3021: .*base:1/m);
    expect(status).toBe(1);
    expect(lock()).toBeUndefined();
    expect(await registry.requests()).toEqual(before);
  });

  test('needs no lock file for a base by its digest', () => {
    write(RUN.replace('BASE', `ImageSource.registry('HOST/acme/base@${digestOfBase()}')`));
    deployed(project.stack(['deploy', '--frozen']));
    expect(contentOf(project, 'x', 'made')).toBe('first');
    expect(lock()).toBeUndefined();
  });
});

/** An image of a layout, to be published elsewhere. */
function fromLayout(layout: Layout, name: string): PublishedManifest {
  const { config, layers } = layout.manifest(name);
  const entry = layout.index.manifests[layout.names().indexOf(name)]!;
  const blobOf = ({ digest, size }: Pick<Descriptor, 'digest' | 'size'>): PublishedManifest['blobs'][number] => ({
    digest,
    size,
    open: (start) => fs.createReadStream(layout.blob(digest), { start }),
  });
  return {
    mediaType: entry.mediaType,
    content: fs.readFileSync(layout.blob(entry.digest)),
    blobs: [config, ...layers].map(blobOf),
  };
}

test('the image for the platform is chosen from an index, which is what is locked', async () => {
  const own = base.layout().json<{ architecture: string }>(base.layout().manifest('base:1').config.digest).architecture;
  const foreign = own === 'amd64' ? 'arm64' : 'amd64';
  const images = {
    [foreign]: imageOf([bytes('foreign', 1000)], foreign),
    [own]: fromLayout(base.layout(), 'base:1'),
  };
  const client = new Registry({ env: {} });
  await client.publish([
    { repository: `${registry.host}/acme/base`, manifests: [...Object.values(images), indexOf(images)], tags: ['1'] },
  ]);
  const { digest } = await client.resolve(`${registry.host}/acme/base:1`);
  await client.close();
  write(`${RUN} new Layer(app, 'foreign', { from: BASE, platform: 'linux/${foreign}' });`);

  deployed(project.stack(['deploy']));

  expect(contentOf(project, 'x', 'made')).toBe('first');
  const layout = project.layout();
  expect(layout.manifest('foreign').layers).toEqual(
    (JSON.parse(images[foreign]!.content.toString()) as { layers: unknown }).layers,
  );
  expect(layout.json(layout.manifest('foreign').config.digest)).toMatchObject({ architecture: foreign });
  expect(lock()).toEqual({ [`${registry.host}/acme/base:1`]: { digest } });
});

describe('a published image as a component', () => {
  const COMBINED = `
    const mine = new Layer(app, 'mine', { imports: [{ source: 'app.js', dest: '/mine/' }] });
    new StackedImage(app, 'combined', [SOURCE, mine]);`;
  const FROM_REGISTRY = COMBINED.replace('SOURCE', "PublishedImage.fromRegistry(app, 'base', 'HOST/acme/base:1')");
  const layerOfBase = () => base.layout().manifest('base:1').layers[0]!;

  /** Deploys to a prefix of the registry; gives what it asked for. */
  async function deployTo(prefix: string): Promise<readonly AnsweredRequest[]> {
    const since = (await registry.requests()).length;
    deployed(project.stack(['deploy', '--to', `docker://${registry.host}/${prefix}`]));
    return (await registry.requests()).slice(since);
  }

  async function layersOf(reference: string): Promise<readonly string[]> {
    const client = new Registry({ env: {} });
    const { document } = await client.manifest(reference);
    await client.close();
    return (document as { readonly layers: readonly Descriptor[] }).layers.map(({ digest }) => digest);
  }

  test('is mounted in its own registry; its layers are read once, to know their paths, and never sent', async () => {
    write(FROM_REGISTRY);
    const log = await deployTo('out');

    const layer = layerOfBase().digest;
    expect(blobReads(log).filter((digest) => digest === layer)).toHaveLength(1);
    const mount = log.filter(({ path }) => path.includes(`mount=${encodeURIComponent(layer)}`));
    expect(mount).toMatchObject([
      { method: 'POST', status: 201, path: expect.stringContaining('from=acme%2Fbase') as string },
    ]);
    expect(log.filter(({ method, path }) => method === 'PUT' && path.includes(encodeURIComponent(layer)))).toEqual([]);
    expect((await layersOf(`${registry.host}/out/combined:latest`))[0]).toBe(layer);
    expect(log.some(({ path }) => path.startsWith('/v2/out/base/'))).toBe(false); // it is not published again

    expect(new Set((await deployTo('out')).map(({ method }) => method))).toEqual(new Set(['HEAD']));
    expect(blobReads(await deployTo('elsewhere'))).toEqual([]);
  });

  test('is brought to a layout with its layers as they are', () => {
    write(FROM_REGISTRY);
    deployed(project.stack(['deploy']));
    const layout = project.layout();
    expect(layout.names()).toEqual(['mine', 'combined']);
    expect(layout.manifest('combined').layers[0]).toEqual(layerOfBase());
    expect(layout.blobs()).toEqual(layout.referenced());
    expect(fs.statSync(layout.blob(layerOfBase().digest)).size).toBe(layerOfBase().size);
  });

  test('from a layout is uploaded to a registry as it is', async () => {
    fs.cpSync(base.layout().directory, project.path('images'), { recursive: true });
    write(COMBINED.replace('SOURCE', "PublishedImage.fromLayout(app, 'base', './images:base:1')"));
    const log = await deployTo('new');
    const uploads = log.filter(
      ({ method, path }) => method === 'PUT' && path.includes(encodeURIComponent(layerOfBase().digest)),
    );
    expect(uploads).toMatchObject([{ status: 201 }]);
    expect((await layersOf(`${registry.host}/new/combined:latest`))[0]).toBe(layerOfBase().digest);
    expect(lock()).toBeUndefined();
  });

  test('alone, as the base of an image that adds nothing, passes without being read', async () => {
    write(
      "new Layer(app, 'copy', { from: PublishedImage.fromRegistry(app, 'base', 'HOST/acme/base:1'), config: { user: 'me' } });",
    );
    const log = await deployTo('out');
    const config = base.layout().manifest('base:1').config.digest;
    expect(log.filter(({ path }) => path.startsWith('/v2/acme/base/')).map(({ method }) => method)).toEqual([
      'HEAD',
      'GET',
      'GET',
    ]);
    expect(blobReads(log)).toEqual([config]);
  });
});
