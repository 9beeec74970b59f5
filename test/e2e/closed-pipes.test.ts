import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { Project } from './installed';

const MINUTE = 60_000;

/** Says more than a pipe holds, so that nothing of it can be delivered by luck. */
const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
for (let line = 0; line < 3000; line += 1) console.error('the app says something that takes some room', line);
const app = new App({ epoch: 0 });
const base = new Layer(app, 'base', { imports: [{ source: 'base', dest: '/etc/' }] });
const web = new Layer(app, 'web', { from: base, imports: [{ source: 'web', dest: '/srv/' }] });
const api = new Layer(app, 'api', { from: base, imports: [{ source: 'web', dest: '/opt/' }] });
new StackedImage(app, 'all', [web, api]);
`;

/** Shell commands that run `stack` with real pipes whose readers go, and on a full disk. */
const FAULTS = {
  'standard output is closed': 'stack "$@" | true; exit ${PIPESTATUS[0]}',
  'standard error is closed': 'stack "$@" 2> >(true)',
  'both are closed': 'stack "$@" 2>&1 | true; exit ${PIPESTATUS[0]}',
  'both are closed after a line': 'stack "$@" 2>&1 | head -n 1; exit ${PIPESTATUS[0]}',
  'standard output is a full disk': 'stack "$@" >/dev/full',
  'standard error is a full disk': 'stack "$@" 2>/dev/full',
} as const;
type Fault = keyof typeof FAULTS;

let project: Project;
beforeAll(() => {
  project = Project.create(APP, { base: 'b', web: 'w' });
  expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
}, MINUTE);
afterAll(() => {
  project.remove();
});

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function under(fault: Fault, args: readonly string[]): Promise<Ended> {
  const script = `stack() { "$NODE" node_modules/cdk-stack/bin/stack "$@"; }; ${FAULTS[fault]}`;
  const child = spawn('bash', ['-c', script, 'bash', ...args], {
    cwd: project.directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      NODE: process.execPath,
      LANG: 'C.UTF-8',
      HOME: project.home,
      STACK_HOME: project.store,
    },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => {
    child.once('close', (status) => {
      resolve({ status, stdout, stderr });
    });
  });
}

/** Each verb that prints a result, in a form that succeeds. */
const VERBS: readonly (readonly string[])[] = [
  ['--version'],
  ['deploy', '--help'],
  ['synth', 'web'],
  ['ls', '--verbose'],
  ['deploy', '--json'],
  ['inspect', 'web'],
  ['conflicts', 'all'],
  ['explain', 'all', '/srv/web'],
  ['pull', '--json'],
  ['update', '--json'],
  ['copy', 'oci:oci:web', 'oci:copied:web'],
  ['swap', 'oci:oci:all', 'web=oci:oci:web', '--dry-run'],
  ['rebase', 'oci:oci:all', 'oci:oci:base', '--dry-run'],
  ['gc', '--dry-run'],
];

test.each(VERBS.map((args) => [args.join(' '), args] as const))(
  'a result that cannot be delivered is no success: stack %s',
  async (_, args) => {
    const [closed, full, quiet] = await Promise.all([
      under('standard output is closed', args),
      under('standard output is a full disk', args),
      under('standard error is closed', args),
    ]);
    expect({ status: closed.status, error: /error/.test(closed.stderr) }).toEqual({ status: 141, error: false });
    expect(full).toMatchObject({ status: 1, stderr: expect.stringMatching(/error STACK1012: .*ENOSPC/) as string });
    expect(quiet).toMatchObject({ status: 0, stdout: expect.stringMatching(/\n$/) as string });
  },
  MINUTE,
);

test.each(Object.keys(FAULTS) as Fault[])(
  'a deploy does its work though %s',
  async (fault) => {
    fs.rmSync(project.path('oci'), { recursive: true });
    const { status } = await under(fault, ['deploy']);
    expect(status).toBe(fault.startsWith('standard error') ? 0 : fault.endsWith('full disk') ? 1 : 141);
    expect(project.layout().names().sort()).toEqual(['all', 'api', 'base', 'web']);
  },
  MINUTE,
);

test.each(Object.keys(FAULTS) as Fault[])(
  'work that fails keeps its status though %s',
  async (fault) => {
    expect(await under(fault, ['deploy', '--frozen', 'nothing', '--json'])).toMatchObject({ status: 6 });
    expect(await under(fault, ['deploy', '--to', 'docker://127.0.0.1:1/x'])).toMatchObject({ status: 1 });
  },
  MINUTE,
);
