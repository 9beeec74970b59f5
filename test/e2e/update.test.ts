import * as fs from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { asRoot } from './as-root';
import { DebianRepository } from './debian-repository';
import { DockerRegistry } from './docker-registry';
import { Project } from './installed';

const MINUTE = 60_000;

/** What others publish, and an app that uses it by names that can move. */
const PUBLISHER = `const { App, Layer } = require('cdk-stack');
new Layer(new App(), 'base', { imports: [{ source: 'content', dest: '/base' }] });`;
const APP = `const { App, DebianPackages, Layer } = require('cdk-stack');
const { registry, url, sources } = JSON.parse(require('node:fs').readFileSync('world.json', 'utf8'));
const app = new App();
new Layer(app, 'files', { from: 'docker://' + registry + '/base', imports: [{ source: url + '?secret', dest: '/file' }] });
new DebianPackages(app, 'packages', { packages: ['alpha'], platform: 'linux/amd64', sources });
new Layer(app, 'also', { from: 'docker://' + registry + '/base:latest', imports: [{ source: 'world.json', dest: '/' }] });
`;

interface Entry {
  readonly kind: string;
  readonly reference: string;
  readonly was?: string;
  readonly now: string;
}

let registry: DockerRegistry;
let server: Server;
let served = 'first';
let publisher: Project;
let project: Project;
let debs: string;
let repository: DebianRepository;

beforeAll(async () => {
  registry = await DockerRegistry.start();
  server = createServer((_, response) => response.end(served));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  debs = fs.mkdtempSync(path.join(os.tmpdir(), 'debs-'));
  repository = new DebianRepository(debs).add({ name: 'alpha', version: '1.0' });
  repository.publish();
  publisher = Project.create(PUBLISHER);
  publish('first');
  const { port } = server.address() as AddressInfo;
  const world = { registry: registry.host, url: `http://127.0.0.1:${String(port)}/file`, sources: repository.sources };
  project = Project.create(APP, { 'world.json': JSON.stringify(world) });
  expect(await stack('deploy')).toMatchObject({ status: 0, stderr: expect.not.stringContaining('error') as string });
}, 2 * MINUTE);

afterAll(async () => {
  project.remove();
  publisher.remove();
  asRoot('rm', '-rf', debs);
  server.close();
  await registry.stop();
});

function publish(content: string): void {
  publisher.write({ content });
  expect(publisher.stack(['deploy', '--to', `docker://${registry.host}`])).toMatchObject({ status: 0 });
}

/** The server is ours, so that we must not wait for the command in any other way. */
function stack(...args: string[]): ReturnType<Project['start']>['ended'] {
  return project.start(args).ended;
}

async function update(...args: string[]): Promise<readonly Entry[]> {
  const outcome = await stack('update', '--json', ...args);
  expect(outcome).toMatchObject({ status: 0 });
  return (JSON.parse(outcome.stdout) as { readonly entries: readonly Entry[] }).entries;
}

const lockFile = (): string => fs.readFileSync(project.path('cdk-stack.lock.json'), 'utf8');
const changed = (entries: readonly Entry[]): string[] =>
  entries.flatMap(({ kind, was, now }) => (was === now ? [] : kind));

test(
  'what moved is used when it is asked for, each by its name or all together',
  async () => {
    await update();
    expect(await stack('deploy')).toMatchObject({ status: 0 });
    expect(changed(await update())).toEqual([]);
    const before = lockFile();

    publish('second');
    served = 'second';
    repository.add({ name: 'alpha', version: '4.0' }).publish();
    expect((await stack('deploy')).stdout).toContain('nothing to do');

    const planned = await update('--dry-run');
    expect(changed(planned)).toEqual(['image', 'url', 'debian']);
    expect(planned.at(-1)).toMatchObject({
      kind: 'debian',
      was: expect.stringMatching(/^alpha=[13]\.0$/) as string,
      now: 'alpha=4.0',
    });
    expect(JSON.stringify(planned)).not.toContain('secret');
    expect(lockFile()).toBe(before);

    expect(changed(await update('alpha'))).toEqual(['debian']);
    const shown = await stack('update', `docker://${registry.host}/base`, '--no-color');
    expect(shown.stdout).toMatch(/base:latest +[0-9a-f]{12} -> [0-9a-f]{12}\n\n1 of 1 locked references changed\n$/);
    expect(changed(await update())).toEqual(['url']);
    expect((await stack('deploy')).stdout).toMatch(/^3 images published/m);
    expect(lockFile()).not.toBe(before);
  },
  3 * MINUTE,
);

test(
  'a name the app does not use, and a lock file that must not change, are errors',
  async () => {
    const before = lockFile();
    const unknown = await stack('update', 'debian:12');
    expect(unknown).toMatchObject({ status: 6, stdout: '' });
    expect(unknown.stderr).toMatch(/STACK1004: the app uses nothing called 'debian:12'/);
    const frozen = await stack('update', '--frozen');
    expect(frozen).toMatchObject({ status: 1 });
    expect(frozen.stderr).toContain('STACK3021');
    expect(lockFile()).toBe(before);
  },
  MINUTE,
);

test(
  'when one thing cannot be looked up nothing is locked',
  async () => {
    publish('third');
    repository.remove('alpha').publish();
    const before = lockFile();
    expect(await stack('update')).toMatchObject({ status: 1 });
    expect(lockFile()).toBe(before);
    repository.add({ name: 'alpha', version: '3.0' }).publish();
    expect(changed(await update())).toEqual(expect.arrayContaining(['image', 'debian']));
  },
  MINUTE,
);
