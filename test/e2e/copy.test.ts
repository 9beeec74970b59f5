import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { DockerRegistry } from './docker-registry';
import { Project } from './installed';

const MINUTE = 60_000;
const ACCOUNT = { username: 'someone', password: 'p4ss-w0rd' };
const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App({ formats: ['tar', 'squashfs'] });
const kernel = new Layer(app, 'kernel', { imports: [{ source: 'kernel', dest: '/kernel/' }] });
const ovmf = new Layer(app, 'ovmf', { imports: [{ source: 'ovmf', dest: '/ovmf/' }] });
new StackedImage(app, 'combined', [kernel, ovmf]);
`;

let registry: DockerRegistry;
let project: Project;
beforeAll(async () => {
  registry = await DockerRegistry.start({ account: ACCOUNT });
  project = Project.create(APP, { kernel: 'k'.repeat(100_000), ovmf: 'o'.repeat(50_000) });
  const auth = Buffer.from(`${ACCOUNT.username}:${ACCOUNT.password}`).toString('base64');
  project.write({ '../.docker/config.json': JSON.stringify({ auths: { [registry.host]: { auth } } }) });
  expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
}, MINUTE);
afterAll(async () => {
  project.remove();
  await registry.stop();
});

interface Copied {
  readonly digest: string;
  readonly blobsWritten: number;
  readonly blobsMounted: number;
}

function copy(...args: string[]): Copied {
  const outcome = project.stack(['copy', '--json', ...args]);
  expect(outcome).toMatchObject({ status: 0 });
  return JSON.parse(outcome.stdout) as Copied;
}

function skopeo(...args: readonly string[]): string {
  return execFileSync('skopeo', args, { encoding: 'utf8' });
}

const there = (name: string): string => `docker://${registry.host}/${name}`;
const CREDENTIALS = `${ACCOUNT.username}:${ACCOUNT.password}`;

test(
  'what is copied has the same digest everywhere, and others can read it',
  () => {
    const sent = copy('oci:./oci:combined', there('copied/combined:1'));
    expect(sent.blobsWritten + sent.blobsMounted).toBe(3);
    const shown = skopeo('inspect', '--tls-verify=false', '--creds', CREDENTIALS, there('copied/combined:1'));
    expect((JSON.parse(shown) as { readonly Digest: string }).Digest).toBe(sent.digest);
    expect(copy(there('copied/combined:1'), there('mounted/combined'))).toMatchObject({
      digest: sent.digest,
      blobsWritten: 0,
      blobsMounted: 3,
    });
    expect(copy(there('mounted/combined:latest'), 'oci:./back:combined').digest).toBe(sent.digest);
    expect(project.layout('back').manifest('combined')).toEqual(project.layout('oci').manifest('combined'));
    expect(project.stack(['copy', there('mounted/combined'), 'oci:./back:combined']).stdout).toMatch(
      /^nothing to do: /,
    );
    copy('oci:./oci:combined-squashfs', there('copied/combined:1-squashfs'));
  },
  2 * MINUTE,
);

test(
  'what others made is copied too',
  () => {
    skopeo('copy', `oci:${project.path('oci')}:kernel`, `oci:${project.path('others')}:theirs`);
    const { digest } = copy('oci:./others:theirs', there('theirs:1'));
    skopeo(
      'copy',
      '--src-tls-verify=false',
      '--src-creds',
      CREDENTIALS,
      there('theirs:1'),
      `oci:${project.path('round')}:r`,
    );
    expect(project.layout('round').index.manifests.map((entry) => entry.digest)).toEqual([digest]);
  },
  MINUTE,
);

test(
  'no project is needed, and what goes wrong is one clear error',
  () => {
    fs.rmSync(project.path('cdk-stack.json'));
    try {
      expect(project.stack(['copy', 'oci:./oci:kernel', 'oci:./elsewhere', '--dry-run']).stdout).toMatch(
        /^write .*\n\ndry run: oci:\.\/elsewhere:kernel would be [0-9a-f]{12}: 3 blobs, /s,
      );
      const missing = project.stack(['copy', there('nothing'), 'oci:./elsewhere']);
      expect(missing).toMatchObject({ status: 1, stdout: '' });
      expect(missing.stderr).toMatch(/^error STACK6107: /);
      expect(fs.existsSync(project.path('elsewhere'))).toBe(false);
      expect(project.stack(['copy', 'oci:./oci:kernel'])).toMatchObject({ status: 2 });
    } finally {
      project.write({ 'cdk-stack.json': '{ "app": "node app.js" }' });
    }
  },
  MINUTE,
);
