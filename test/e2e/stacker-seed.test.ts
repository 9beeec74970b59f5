import * as fs from 'node:fs';
import * as path from 'node:path';
import { addUser, removeUser, ROOT_USER, type User } from './as-root';
import { debianBase } from './debian-base';
import { Project, stateOf } from './installed';
import { templateApp, toJavaScript } from './javascript';
import { Mounts } from './mounts';

const USER = 'cdk-stack-seed';
const MINUTE = 60_000;

describe('the recipe of the seed, with scripts that install packages', () => {
  const mounts = new Mounts();
  const projects: Project[] = [];
  let base: string;
  let byRoot: Project;
  let byUser: Project;

  /** Deploys; an initrd would take most of the time. */
  function deploy(project: Project, user: User, env: Record<string, string> = {}): string {
    const options = { user, env: { INITRD: 'No', ...env } };
    const { status, stdout, stderr } = project.stack(['deploy', '--progress', 'json'], options);
    expect({ status, stderr: stderr.slice(-5000) }).toMatchObject({ status: 0 });
    return stdout + stderr;
  }

  function newProject(): Project {
    const project = Project.create(toJavaScript(templateApp('stacker-seed')));
    projects.push(project);
    fs.copyFileSync(base, project.path('base.tar'));
    return project;
  }

  beforeAll(() => {
    base = debianBase();
    byRoot = newProject();
    deploy(byRoot, ROOT_USER);
    const user = addUser(USER);
    byUser = newProject();
    byUser.handOver(user);
    deploy(byUser, user);
  }, 15 * MINUTE);

  afterAll(() => {
    mounts.end();
    for (const project of projects) project.remove();
    removeUser(USER);
  }, MINUTE);

  test('publishes kernel, ovmf and combined, and nothing of what they were built with', () => {
    const layout = byRoot.layout();
    const names = ['combined', 'kernel', 'ovmf'].flatMap((name) => [name, `${name}-squashfs`]);
    expect(layout.names().sort()).toEqual(names);
    expect(layout.blobs()).toEqual(layout.referenced());
  });

  test.each(['', '-squashfs'])('combines the very same layer descriptors (%s)', (suffix) => {
    const layout = byRoot.layout();
    const [kernel, ovmf, combined] = ['kernel', 'ovmf', 'combined'].map(
      (name) => layout.manifest(name + suffix).layers,
    );
    expect(kernel).toHaveLength(1);
    expect(ovmf).toHaveLength(1);
    expect(combined).toEqual([...kernel!, ...ovmf!]);
  });

  test('has the same digests when an ordinary user builds it elsewhere', () => {
    expect(byUser.layout().indexText).toBe(byRoot.layout().indexText);
  });

  test('has one top-level directory a layer, with what its script put there', () => {
    const layout = byRoot.layout();
    const layers = layout
      .manifest('combined-squashfs')
      .layers.map(({ digest }) => mounts.squashfs(layout.blob(digest)));
    expect(layers.map((layer) => fs.readdirSync(layer))).toEqual([['kernel'], ['ovmf']]);
    const [kernel, ovmf] = [path.join(layers[0]!, 'kernel'), path.join(layers[1]!, 'ovmf')];
    expect(fs.readdirSync(kernel).sort()).toEqual(['boot', 'modules']);
    const [release = ''] = fs.readdirSync(path.join(kernel, 'modules'));
    expect(fs.readdirSync(path.join(kernel, 'boot')).sort()).toEqual(
      ['System.map', 'config', 'vmlinuz'].map((name) => `${name}-${release}`),
    );
    // Made by the package's script, not in the package.
    expect(fs.readFileSync(path.join(kernel, 'modules', release, 'modules.dep'), 'utf8')).toMatch(
      /^kernel\/.*\.ko: kernel\/.*\.ko/m,
    );
    expect(fs.readdirSync(ovmf).sort()).toEqual(['ovmf-code.fd', 'ovmf-vars.fd']);
  });

  test('runs and writes nothing the second time', () => {
    const bin = path.join(byRoot.home, 'bin');
    fs.mkdirSync(bin);
    fs.symlinkSync(process.execPath, path.join(bin, 'node'));
    const state = (): string[] => [stateOf(path.join(byRoot.store, 'v1/blobs')), byRoot.layout().state()];
    const before = state();
    const written = deploy(byRoot, ROOT_USER, { PATH: bin }); // without a tool that could make a sandbox
    expect(written).toContain('nothing to do: oci:./oci is up to date');
    expect(written).not.toContain('"run-started"');
    expect(state()).toEqual(before);
  });
});
