import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { asRoot } from './as-root';
import { DockerRegistry } from './docker-registry';
import { writeLayout, writeTar } from './hand-made';
import { Project } from './installed';
import { deployed } from './on-busybox';

const MINUTE = 60_000;
jest.setTimeout(3 * MINUTE);

const DOCKER = 'application/vnd.docker';
const OCI_GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';

const APP = `const { App, Layer, PublishedImage, StackedImage } = require('cdk-stack');
  const app = new App({ formats: ['tar', 'squashfs'], tar: { compression: 'gzip' } });`;

let project: Project;
beforeEach(() => {
  project = Project.create('');
  fs.mkdirSync(project.path('root/etc'), { recursive: true });
  project.write({ 'root/etc/one': 'one', added: 'added' });
  writeTar(project.path('root'), project.path('one.tar'));
});
afterEach(() => {
  project.remove();
});

/** Everything that umoci unpacks of an image in a layout of the project. */
function unpacked(layout: string, image: string): string {
  const bundle = project.path(`bundle-${image.replace(/\W/g, '-')}`);
  asRoot('umoci', 'unpack', '--image', `${project.path(layout)}:${image}`, bundle);
  return path.join(bundle, 'rootfs');
}

const skopeo = (...args: string[]): string =>
  execFileSync('skopeo', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

describe("layers of Docker's media types", () => {
  let registry: DockerRegistry;
  beforeEach(async () => {
    registry = await DockerRegistry.start();
    writeLayout(project.path('bases'), 'one', [project.path('one.tar')]);
    skopeo(
      'copy',
      '--dest-tls-verify=false',
      '--format=v2s2',
      `oci:${project.path('bases')}:one`,
      `docker://${registry.host}/acme/base:1`,
    );
  });
  afterEach(async () => {
    await registry.stop();
  });

  const rawManifest = (reference: string): { mediaType: string; layers: { mediaType: string; digest: string }[] } =>
    JSON.parse(skopeo('inspect', '--raw', '--tls-verify=false', reference)) as ReturnType<typeof rawManifest>;

  test('become those of OCI in the manifests of what stands on them, and clients read these', () => {
    const reference = `'docker://${registry.host}/acme/base:1'`;
    project.write({
      'app.js': `${APP}
        new Layer(app, 'layer', { from: ${reference}, imports: [{ source: 'added', dest: '/added' }] });
        const base = PublishedImage.fromRegistry(app, 'published', '${registry.host}/acme/base:1');
        new StackedImage(app, 'both', [base, new Layer(app, 'own', { imports: [{ source: 'added', dest: '/own' }] })]);`,
    });
    const before = rawManifest(`docker://${registry.host}/acme/base:1`);
    expect(before.mediaType).toBe(`${DOCKER}.distribution.manifest.v2+json`);
    deployed(
      project.stack(['deploy', '--format', 'tar', '--to', 'oci:./oci', '--to', `docker://${registry.host}/acme`]),
    );
    for (const image of ['layer', 'both']) {
      const { layers } = project.layout().manifest(image);
      expect(layers[0]).toMatchObject({ mediaType: OCI_GZIP, digest: before.layers[0]!.digest });
      const published = `docker://${registry.host}/acme/${image}:latest`;
      expect(rawManifest(published).layers).toEqual(layers);
      skopeo('copy', '--src-tls-verify=false', published, `oci:${project.path('pulled')}:${image}`);
      const storage = ['--storage-driver=vfs', `--root=${project.path('buildah')}`];
      asRoot('buildah', ...storage, 'pull', '--tls-verify=false', published);
      expect(fs.readFileSync(path.join(unpacked('oci', image), 'etc/one'), 'utf8')).toBe('one');
    }
    expect(rawManifest(`docker://${registry.host}/acme/base:1`)).toEqual(before);
  });

  test('stay as they are when an image is copied', () => {
    const source = `docker://${registry.host}/acme/base:1`;
    const before = rawManifest(source);
    deployed(project.stack(['copy', source, `docker://${registry.host}/other/base:1`]));
    expect(rawManifest(`docker://${registry.host}/other/base:1`)).toEqual(before);
  });
});

test('layers of umoci, without an end mark and without padding, are read', () => {
  const layout = project.path('umoci');
  asRoot('umoci', 'init', '--layout', layout);
  asRoot('umoci', 'new', '--image', `${layout}:x`);
  asRoot('umoci', 'unpack', '--image', `${layout}:x`, project.path('bundle'));
  const rootfs = project.path('bundle/rootfs');
  asRoot(
    'sh',
    '-c',
    `mkdir ${rootfs}/etc && echo first > ${rootfs}/etc/conf && ln ${rootfs}/etc/conf ${rootfs}/etc/link`,
  );
  asRoot('umoci', 'repack', '--image', `${layout}:x`, project.path('bundle'));
  asRoot('sh', '-c', `rm -rf ${project.path('bundle')}`);
  asRoot('umoci', 'unpack', '--image', `${layout}:x`, project.path('bundle'));
  asRoot('sh', '-c', `rm ${rootfs}/etc/link && echo second > ${rootfs}/zz`);
  asRoot('umoci', 'repack', '--image', `${layout}:x`, project.path('bundle'));
  project.write({
    'app.js': `${APP} new Layer(app, 'x', { from: 'oci:umoci:x', imports: [{ source: 'added', dest: '/etc/conf' }] });`,
  });
  deployed(project.stack(['deploy', '--to', 'oci:./oci']));
  expect(fs.readFileSync(path.join(unpacked('oci', 'x'), 'zz'), 'utf8')).toBe('second\n');
  const { layers } = project.layout().manifest('x-squashfs');
  const images = layers.map(({ digest }) => project.path('oci/blobs/sha256', digest.slice('sha256:'.length)));
  expect(images).toHaveLength(3);
  expect(asRoot('unsquashfs', '-cat', images[1]!, 'zz')).toBe('second\n');
  expect(asRoot('unsquashfs', '-lln', images[1]!)).toMatch(/^c.* 0, +0 .*etc\/link$/m);
});
