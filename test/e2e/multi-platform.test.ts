import { execFileSync } from 'node:child_process';
import { DockerRegistry } from './docker-registry';
import { Project } from './installed';

const MINUTE = 60_000;

/** One image for two platforms, alone and in a combination, and one that is for this machine only. */
const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App({ formats: ['tar', 'squashfs'] });
const firmware = new Layer(app, 'firmware', { platform: 'linux/amd64', imports: [{ source: 'firmware', dest: '/' }] });
for (const architecture of ['arm64', 'amd64']) {
  const platform = 'linux/' + architecture;
  const kernel = new Layer(app, 'kernel-' + architecture, { imageName: 'kernel', platform, imports: [{ source: architecture, dest: '/kernel' }] });
  new StackedImage(app, 'combined-' + architecture, [kernel], { imageName: 'combined' });
}
`;

interface Published {
  readonly reference: string;
  readonly platform: string;
  readonly format: string;
  readonly digest: string;
  readonly index?: string;
}

let registry: DockerRegistry;
let project: Project;
beforeAll(async () => {
  registry = await DockerRegistry.start();
}, MINUTE);
afterAll(() => registry.stop());
beforeEach(() => {
  project = Project.create(APP, { firmware: 'f', arm64: 'a', amd64: 'b' });
});
afterEach(() => {
  project.remove();
});

function deploy(...args: string[]): readonly Published[] {
  const outcome = project.stack(['deploy', '--json', ...args]);
  expect(outcome).toMatchObject({ status: 0 });
  const { targets } = JSON.parse(outcome.stdout) as { targets: readonly { images: readonly Published[] }[] };
  return targets.flatMap(({ images }) => images);
}

function skopeo(...args: readonly string[]): string {
  return execFileSync('skopeo', args, { encoding: 'utf8' });
}

/** The architecture of what others find for a platform. */
function architectureFor(architecture: string, reference: string): string {
  const tls = reference.startsWith('docker:') ? ['--tls-verify=false'] : [];
  const document = skopeo('--override-arch', architecture, 'inspect', ...tls, reference);
  return (JSON.parse(document) as { readonly Architecture: string }).Architecture;
}

test(
  'images of one name for several platforms are one index, in a layout and in a registry',
  () => {
    const remote = `docker://${registry.host}/one`;
    const images = deploy('--to', 'oci:./oci', '--to', remote);
    const kernels = images.filter(({ reference }) => reference === 'oci:./oci:kernel');
    expect(kernels.map(({ platform, format }) => [platform, format])).toEqual([
      ['linux/amd64', 'tar'],
      ['linux/arm64', 'tar'],
    ]);
    const there = images.filter(({ reference }) => reference === `${registry.host}/one/kernel:latest`);
    expect(there.map(({ index }) => index)).toEqual(kernels.map(({ index }) => index));
    const raw = JSON.parse(skopeo('inspect', '--raw', '--tls-verify=false', `${remote}/kernel`)) as {
      readonly mediaType: string;
      readonly manifests: readonly { readonly digest: string; readonly platform: unknown }[];
    };
    expect(raw.mediaType).toBe('application/vnd.oci.image.index.v1+json');
    expect(raw.manifests).toMatchObject([
      { digest: kernels[0]!.digest, platform: { architecture: 'amd64' } },
      { digest: kernels[1]!.digest, platform: { architecture: 'arm64' } },
    ]);
    for (const architecture of ['amd64', 'arm64']) {
      expect(architectureFor(architecture, `${remote}/combined`)).toBe(architecture);
      expect(architectureFor(architecture, `oci:${project.path('oci')}:combined`)).toBe(architecture);
    }
    expect(images.find(({ reference }) => reference === 'oci:./oci:firmware')).not.toHaveProperty('index');
    expect(project.stack(['deploy', '--to', 'oci:./oci', '--to', remote]).stdout).toMatch(
      /nothing to do: oci.*nothing to do: docker/s,
    );
    const inspected = project.stack(['inspect', 'kernel-arm64', '--to', remote]);
    expect(inspected.stdout).toMatch(/kernel:latest\n.*arm64.*kernel:latest-squashfs\n.*arm64/s);
  },
  2 * MINUTE,
);

test(
  'whoever publishes one platform publishes them all',
  () => {
    const platforms = deploy('kernel-arm64', '--format', 'tar').map(({ platform }) => platform);
    expect(platforms).toEqual(['linux/amd64', 'linux/arm64']);
  },
  MINUTE,
);

test(
  'all formats of an image can share an index, in which everybody finds the tar',
  () => {
    const remote = `docker://${registry.host}/two`;
    const images = deploy('--format-tags', 'index', '--to', remote, '--to', 'oci:./oci');
    expect(new Set(images.map(({ reference }) => reference.replace(/^.*[/:]two\//, '')))).toEqual(
      new Set([
        'firmware:latest',
        'kernel:latest',
        'combined:latest',
        ...['firmware', 'kernel', 'combined'].map((name) => `oci:./oci:${name}`),
      ]),
    );
    const kernels = images.filter(({ reference }) => reference === 'oci:./oci:kernel');
    expect(kernels.map(({ platform, format }) => `${platform} ${format}`).sort()).toEqual([
      'linux/amd64 squashfs',
      'linux/amd64 tar',
      'linux/arm64 squashfs',
      'linux/arm64 tar',
    ]);
    const shown = JSON.parse(
      skopeo('--override-arch', 'arm64', 'inspect', '--tls-verify=false', `${remote}/kernel`),
    ) as { readonly Layers: readonly string[] };
    const [tar] =
      project
        .stack(['inspect', 'kernel-arm64', '--format', 'tar', '--to', remote, '--json'])
        .stdout.match(/sha256:[0-9a-f]{64}/) ?? [];
    expect(tar).toBe(kernels.find(({ platform, format }) => platform === 'linux/arm64' && format === 'tar')!.digest);
    expect(shown.Layers).toHaveLength(1);
    expect(project.stack(['inspect', 'kernel-arm64', '--format', 'squashfs', '--to', 'oci:./oci']).stdout).toContain(
      'squashfs',
    );
    const { stdout } = project.stack(['deploy', '--format-tags', 'index', '--to', remote]);
    expect(stdout).toMatch(/kernel:latest +[0-9a-f]{12} +4 images +unchanged\n +linux\/amd64 tar/);
    expect(stdout).toContain('nothing to do');
  },
  2 * MINUTE,
);
