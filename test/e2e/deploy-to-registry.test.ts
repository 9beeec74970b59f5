import { execFileSync } from 'node:child_process';
import { DockerRegistry } from './docker-registry';
import { Project, type Outcome } from './installed';

const MINUTE = 60_000;
const ACCOUNT = { username: 'someone', password: 'p4ss-w0rd' };

/** Layers of some size, and their combination. */
const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App({ formats: ['tar', 'squashfs'] });
const kernel = new Layer(app, 'kernel', { imports: [{ source: 'kernel', dest: '/kernel/' }] });
const ovmf = new Layer(app, 'ovmf', { imports: [{ source: 'ovmf', dest: '/ovmf/' }], tags: ['1', '1.2'] });
new StackedImage(app, 'combined', [kernel, ovmf]);
`;

interface Deployed {
  readonly targets: readonly {
    readonly blobsWritten: number;
    readonly bytesWritten: number;
    readonly blobsMounted: number;
    readonly images: readonly { readonly reference: string; readonly digest: string; readonly changed: boolean }[];
  }[];
}

let registry: DockerRegistry;
let project: Project;

beforeAll(async () => {
  registry = await DockerRegistry.start({ account: ACCOUNT });
}, MINUTE);
afterAll(() => registry.stop());

beforeEach(() => {
  project = Project.create(APP, { kernel: 'k'.repeat(100_000), ovmf: 'o'.repeat(50_000) });
  login(ACCOUNT.password);
});
afterEach(() => {
  project.remove();
});

/** As docker login does. */
function login(password: string): void {
  const auth = Buffer.from(`${ACCOUNT.username}:${password}`).toString('base64');
  project.write({ '../.docker/config.json': JSON.stringify({ auths: { [registry.host]: { auth } } }) });
}

function to(prefix: string): string {
  return `docker://${registry.host}/${prefix}`;
}

function deploy(...args: string[]): Deployed['targets'] {
  const outcome: Outcome = project.stack(['deploy', '--json', ...args]);
  expect(outcome).toMatchObject({ status: 0 });
  return (JSON.parse(outcome.stdout) as Deployed).targets;
}

const CREDENTIALS = `${ACCOUNT.username}:${ACCOUNT.password}`;

function skopeo(...args: readonly string[]): string {
  return execFileSync('skopeo', args, { encoding: 'utf8' });
}

test(
  'images get to a registry as they get to a layout, and others can read them',
  () => {
    const [layout, remote] = deploy('--to', 'oci:./oci', '--to', to('one'));
    expect(remote!.images.map(({ reference }) => reference.replace(`${registry.host}/one/`, ''))).toEqual([
      'kernel:latest',
      'kernel:latest-squashfs',
      'ovmf:1',
      'ovmf:1.2',
      'ovmf:1-squashfs',
      'ovmf:1.2-squashfs',
      'combined:latest',
      'combined:latest-squashfs',
    ]);
    expect(remote!.images.map(({ digest }) => digest)).toEqual(layout!.images.map(({ digest }) => digest));
    const inspected = JSON.parse(
      skopeo('inspect', '--tls-verify=false', '--creds', CREDENTIALS, `docker://${registry.host}/one/combined`),
    ) as {
      readonly Digest: string;
      readonly Layers: readonly string[];
    };
    expect(inspected.Digest).toBe(layout!.images.at(-2)!.digest);
    expect(inspected.Layers).toEqual(
      project
        .layout()
        .manifest('combined')
        .layers.map(({ digest }) => digest),
    );
    const source = ['--src-tls-verify=false', '--src-creds', CREDENTIALS, `docker://${registry.host}/one/combined`];
    skopeo('copy', ...source, `oci:${project.path('copied')}:c`);
    expect(project.layout('copied').blobs()).toEqual(expect.arrayContaining([...inspected.Layers]));
  },
  2 * MINUTE,
);

test(
  'a combination of what is there uploads no layer, and what is there already nothing at all',
  () => {
    const target = ['--to', to('two'), '--format', 'tar'];
    const [parts] = deploy('kernel', 'ovmf', ...target);
    expect(parts).toMatchObject({ blobsWritten: 4, blobsMounted: 0 });
    const [planned] = deploy('combined', ...target, '--dry-run');
    const [combined] = deploy('combined', ...target);
    expect(planned).toEqual(combined);
    expect(combined).toMatchObject({ blobsWritten: 1, blobsMounted: 2 });
    expect(combined!.bytesWritten).toBeLessThan(1000);
    const [again] = deploy(...target);
    expect(again).toMatchObject({ blobsWritten: 0, blobsMounted: 0, bytesWritten: 0 });
    expect(again!.images.every(({ changed }) => !changed)).toBe(true);
    expect(project.stack(['deploy', ...target]).stdout).toMatch(/^nothing to do: docker:.* is up to date$/m);
  },
  2 * MINUTE,
);

test(
  'a tag moves when its image changes, and only then',
  () => {
    const target = ['--to', to('three'), '--format', 'tar'];
    deploy(...target);
    project.write({ ovmf: 'changed' });
    const [second] = deploy(...target);
    const changed = second!.images.filter((image) => image.changed).map(({ reference }) => reference);
    expect(changed.map((reference) => reference.replace(`${registry.host}/three/`, ''))).toEqual([
      'ovmf:1',
      'ovmf:1.2',
      'combined:latest',
    ]);
  },
  2 * MINUTE,
);

test(
  'what is published can be looked at',
  () => {
    deploy('--to', to('four'));
    const { status, stdout } = project.stack(['inspect', 'kernel', '--to', to('four')]);
    expect(status).toBe(0);
    expect(stdout).toContain(`${registry.host}/four/kernel:latest-squashfs`);
    expect(project.stack(['inspect', 'kernel', '--to', to('nowhere')])).toMatchObject({ status: 1 });
  },
  2 * MINUTE,
);

test.each<[string, () => string[], number, RegExp]>([
  ['a wrong password', () => (login('wr0ng-one'), ['--to', to('x')]), 3, /STACK610\d/],
  ['a registry that is not there', () => ['--to', 'docker://127.0.0.1:1/x'], 1, /STACK610\d.*127\.0\.0\.1:1/s],
  ['a target without a host', () => ['--to', 'docker://acme/x'], 2, /STACK1006: 'docker:\/\/acme\/x' is not a target/],
  ['a target that is no name', () => ['--to', 'docker://localhost/A'], 2, /STACK1006/],
])(
  '%s is one clear error',
  (_, args, exit, message) => {
    const { status, stdout, stderr } = project.stack(['deploy', ...args()]);
    expect(stderr).toMatch(message);
    expect(status).toBe(exit);
    expect(stdout + stderr).not.toMatch(/wr0ng|p4ss|d3Iwbmct/);
  },
  MINUTE,
);
