import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { asRoot } from './as-root';
import { DockerRegistry } from './docker-registry';
import { Project } from './installed';
import { templateApp, toJavaScript } from './javascript';

const MINUTES = 60_000;
const ACCOUNT = { username: 'someone', password: 'p4ss-w0rd' };
const IMAGES = ['kernel', 'ovmf', 'combined'] as const;
const REGISTRIES = ['open', 'with htpasswd'] as const;

let project: Project;
let authFile: string;
const registries = new Map<string, DockerRegistry>();

beforeAll(async () => {
  registries.set('open', await DockerRegistry.start());
  registries.set('with htpasswd', await DockerRegistry.start({ account: ACCOUNT }));
  project = Project.create(toJavaScript(templateApp('sample')));
  const auth = Buffer.from(`${ACCOUNT.username}:${ACCOUNT.password}`).toString('base64');
  const host = registries.get('with htpasswd')!.host;
  project.write({ '../.docker/config.json': JSON.stringify({ auths: { [host]: { auth } } }) });
  authFile = path.join(project.home, '.docker/config.json');
  const targets = [...registries.values()].map((registry) => `docker://${registry.host}/sample`);
  const to = ['oci:./oci', ...targets].flatMap((target) => ['--to', target]);
  expect(project.stack(['deploy', '--format', 'tar', ...to])).toMatchObject({ status: 0 });
}, 10 * MINUTES);

afterAll(async () => {
  for (const registry of registries.values()) await registry.stop();
  project.remove();
});

/** What others ask for, without the scheme. */
function published(kind: string, image: string): string {
  return `${registries.get(kind)!.host}/sample/${image}`;
}

describe.each(REGISTRIES)('from a registry %s', (kind) => {
  const auth = (): string[] => (kind === 'open' ? [] : ['--authfile', authFile]);

  test.each(IMAGES)(
    'skopeo reads %s as it is in a layout',
    (image) => {
      const layout = project.layout();
      const { config, layers } = layout.manifest(image);
      const reference = `docker://${published(kind, image)}`;
      const inspected = JSON.parse(
        execFileSync('skopeo', ['inspect', '--tls-verify=false', ...auth(), reference], { encoding: 'utf8' }),
      ) as { readonly Digest: string; readonly Layers: readonly string[]; readonly Os: string };
      const entry = layout.index.manifests[layout.names().indexOf(image)]!;
      expect(inspected).toMatchObject({
        Digest: entry.digest,
        Os: 'linux',
        Layers: layers.map(({ digest }) => digest),
      });

      const copied = project.layout(`copied-${kind.replaceAll(' ', '-')}-${image}`);
      const copy = ['--insecure-policy', 'copy', '--quiet', '--src-tls-verify=false'];
      const from = kind === 'open' ? [] : ['--src-authfile', authFile];
      execFileSync('skopeo', [...copy, ...from, reference, `oci:${copied.directory}:${image}`]);
      expect(copied.manifest(image)).toEqual(layout.manifest(image));
      const digests = [entry.digest, config.digest, ...layers.map(({ digest }) => digest)];
      expect(copied.blobs()).toEqual(digests.sort());
      for (const digest of digests) {
        expect(fs.readFileSync(copied.blob(digest)).equals(fs.readFileSync(layout.blob(digest)))).toBe(true);
      }
    },
    5 * MINUTES,
  );

  test.each(IMAGES)(
    'buildah pulls %s, and mounts what is in it',
    (image) => {
      const storage = fs.mkdtempSync(path.join(project.home, 'storage-'));
      const buildah = (command: string, ...args: string[]): string =>
        asRoot(
          'buildah',
          ...['--root', path.join(storage, 'root'), '--runroot', path.join(storage, 'run'), '--storage-driver', 'vfs'],
          command,
          ...args,
        ).trim();
      const policy = path.join(storage, 'policy.json');
      fs.writeFileSync(policy, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));

      const pull = ['--quiet', '--tls-verify=false', '--signature-policy', policy, ...auth()];
      const id = buildah('pull', ...pull, `docker://${published(kind, image)}`);
      expect(`sha256:${id}`).toBe(project.layout().manifest(image).config.digest);

      const container = buildah('from', '--pull-never', '--signature-policy', policy, id);
      try {
        const tops = image === 'combined' ? ['kernel', 'ovmf'] : [image];
        expect(asRoot('ls', buildah('mount', container)).trim().split('\n')).toEqual(tops);
      } finally {
        buildah('rm', container);
        buildah('rmi', '--all');
        asRoot('rm', '-rf', storage);
      }
    },
    5 * MINUTES,
  );
});

test('skopeo reads nothing of a registry with htpasswd without the file', () => {
  const reference = `docker://${published('with htpasswd', 'kernel')}`;
  const env = { PATH: process.env['PATH'], HOME: project.directory };
  expect(() => execFileSync('skopeo', ['inspect', '--tls-verify=false', reference], { env, stdio: 'pipe' })).toThrow(
    /authentication required|unauthorized/i,
  );
});
