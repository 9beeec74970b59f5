import { execFileSync } from 'node:child_process';
import { writeBusyboxTar } from './busybox';
import { Project, type Outcome } from './installed';

/** How an app begins whose images stand on {@link addBase}. */
export const HEAD = `const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App({ formats: ['tar', 'squashfs'] });
const base = new Layer(app, 'base', { from: 'tar:base.tar', buildOnly: true });
`;

/** A root filesystem with some files to change. */
export function addBase(project: Project): void {
  const names = ['etc/conf', 'data/one', 'data/two', 'usr/lib/x'];
  const files = Object.fromEntries(names.map((name) => [name, `${name}\n`]));
  writeBusyboxTar(project.path('base.tar'), { files, links: { lib: 'usr/lib' } });
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
