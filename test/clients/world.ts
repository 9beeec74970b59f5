import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { asRoot } from '../e2e/as-root';
import { DockerRegistry } from '../e2e/docker-registry';
import { Project, type Layout } from '../e2e/installed';
import { templateApp, toJavaScript } from '../e2e/javascript';
import { COMPRESSIONS, type ClientImage, type Compression } from './client';
import { listTree } from './listing';

/** A system with everything that a layer can hold, changes and an addition to it, both combined, and an index of two platforms. */
const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
const { readFileSync } = require('node:fs');
const app = new App({ formats: ['tar'], tar: { compression: process.env.COMPRESSION } });
const system = new Layer(app, 'system', { from: 'tar:base.tar', config: { cmd: ['/bin/sh'] } });
const changed = new Layer(app, 'changed', { from: system, run: readFileSync('changes.sh', 'utf8') });
const added = new Layer(app, 'added', { from: system, imports: [{ source: 'added', dest: '/opt/added' }] });
new StackedImage(app, 'combined', [changed, added]);
for (const platform of ['linux/amd64', 'linux/arm64']) {
  const imports = [{ source: 'added', dest: '/' + platform.split('/')[1] }];
  new Layer(app, 'for-' + platform.replace('/', '-'), { imageName: 'index', platform, imports });
}
`;

/** The images of {@link APP}; a stacked image comes after its components. */
export const IMAGES = ['system', 'changed', 'added', 'combined', 'index'] as const;
/** Those of the sample: the stacked image, and its components. */
export const SAMPLE = ['combined', 'kernel', 'ovmf'] as const;

/** A registry and layouts with images for clients to read. */
export class ClientWorld {
  public static async start(): Promise<ClientWorld> {
    const registry = await DockerRegistry.start();
    const world = new ClientWorld(registry, Project.create(APP, { 'added/file': 'added\n' }));
    world.writeBase();
    world.project.write({ 'changes.sh': fs.readFileSync(path.join(__dirname, 'changes.sh')) });
    for (const compression of COMPRESSIONS) world.deploy(compression);
    const sample = templateApp('sample').replace(
      'new App()',
      'new App({ tar: { compression: process.env.COMPRESSION } })',
    );
    world.project.write({ 'app.js': toJavaScript(sample) });
    for (const compression of COMPRESSIONS) world.deploy(compression, 'sample-');
    return world;
  }

  private readonly expected = new Map<string, readonly string[]>();

  private constructor(
    public readonly registry: DockerRegistry,
    private readonly project: Project,
  ) {}

  /** An image of the app above, or one of the sample's. */
  public image(compression: Compression, name: string, of: '' | 'sample-' = ''): ClientImage {
    const layout = `${of}${compression}`;
    const entries = (): Layout => this.project.layout(layout);
    return {
      compression,
      digest: () => entries().index.manifests[entries().names().indexOf(name)]!.digest,
      reference: `${this.registry.host}/${layout}/${name}:latest`,
      layout: `${this.project.path(layout)}:${name}`,
      layers: () =>
        entries()
          .manifest(name)
          .layers.map(({ digest }) => digest),
    };
  }

  /** An image's tree as Debian's umoci unpacks it from gzip. */
  public treeOf(name: string): readonly string[] {
    const known = this.expected.get(name);
    if (known !== undefined) return known;
    const bundle = path.join(this.project.home, `expected-${name}`);
    const alone = `${bundle}-layout:${name}`; // umoci cannot choose from an index
    execFileSync('skopeo', [
      '--insecure-policy',
      'copy',
      '--quiet',
      `oci:${this.image('gzip', name).layout}`,
      `oci:${alone}`,
    ]);
    asRoot('umoci', 'unpack', '--image', alone, bundle);
    const tree = listTree(path.join(bundle, 'rootfs'));
    this.expected.set(name, tree);
    return tree;
  }

  public async end(): Promise<void> {
    this.project.remove();
    await this.registry.stop();
  }

  private writeBase(): void {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-torture-'));
    const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
    asRoot('sh', path.join(__dirname, 'torture.sh'), root, busybox);
    const attributes = ['--xattrs', '--xattrs-include=*'];
    const tar = this.project.path('base.tar');
    asRoot('tar', '--numeric-owner', ...attributes, '--sparse', '-C', root, '-cf', tar, '.');
    asRoot('rm', '-rf', root);
  }

  private deploy(compression: Compression, of: '' | 'sample-' = ''): void {
    const place = `${of}${compression}`;
    const targets = [`oci:./${place}`, `docker://${this.registry.host}/${place}`].flatMap((target) => ['--to', target]);
    const env = { COMPRESSION: compression };
    expect(this.project.stack(['deploy', '--format', 'tar', ...targets], { env })).toMatchObject({ status: 0 });
  }
}
