import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Project, type Outcome } from './installed';

const APPLETS = [
  'sh',
  'cat',
  'chmod',
  'chown',
  'env',
  'id',
  'ln',
  'ls',
  'mkdir',
  'mv',
  'rm',
  'rmdir',
  'sleep',
  'touch',
  'stat',
  'wget',
  'wc',
];

/** How an app begins whose images stand on {@link addBase}. */
export const HEAD = `const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App({ formats: ['tar', 'squashfs'] });
const base = new Layer(app, 'base', { from: 'tar:base.tar', buildOnly: true });
`;

/** A root filesystem of busybox with some files to change. */
export function addBase(project: Project): void {
  const root = project.path('root');
  fs.mkdirSync(path.join(root, 'bin'), { recursive: true });
  fs.copyFileSync(
    execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim(),
    path.join(root, 'bin/busybox'),
  );
  for (const name of APPLETS) fs.symlinkSync('busybox', path.join(root, 'bin', name));
  for (const name of ['etc/conf', 'data/one', 'data/two', 'usr/lib/x']) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), `${name}\n`);
  }
  fs.symlinkSync('usr/lib', path.join(root, 'lib'));
  execFileSync('tar', [
    '--owner=0',
    '--group=0',
    '--mtime=@1000000000',
    '-cf',
    project.path('base.tar'),
    '-C',
    root,
    '.',
  ]);
  fs.rmSync(root, { recursive: true });
}

/** A project with that base. */
export function projectOf(app: string): Project {
  const project = Project.create(HEAD + app);
  addBase(project);
  return project;
}

export function withProject(app: string, work: (project: Project) => void): void {
  const project = projectOf(app);
  try {
    work(project);
  } finally {
    project.remove();
  }
}

/** A command that has to end well. */
export function deployed(outcome: Outcome): Outcome {
  expect(outcome).toMatchObject({ status: 0 });
  return outcome;
}

/** Names in the top layer of a tar image, in its order. */
export function topLayer(project: Project, name: string): string[] {
  const layout = project.layout();
  const layer = layout.manifest(name).layers.at(-1);
  return execFileSync('tar', ['--zstd', '-tf', layout.blob(layer!.digest)], { encoding: 'utf8' })
    .trim()
    .split('\n');
}

/** A file of an image's top layer. */
export function contentOf(project: Project, image: string, file: string): string {
  const layout = project.layout();
  const layer = layout.manifest(image).layers.at(-1);
  return execFileSync('tar', ['--zstd', '-xOf', layout.blob(layer!.digest), file], { encoding: 'utf8' });
}
