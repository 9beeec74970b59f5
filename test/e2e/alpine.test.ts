import { execFileSync } from 'node:child_process';
import { Project } from './installed';

const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App({ tar: { compression: 'none' } });
const layer = (id, from) => new Layer(app, id, { from, imports: [{ source: './' + id + '/', dest: '/' }] });
const base = layer('base', 'scratch');
const [nginx, curl] = [layer('nginx', base), layer('curl', base)];
new StackedImage(app, 'both', [nginx, curl]);
new StackedImage(app, 'reversed', [curl, nginx]);
`;
const DATABASE = 'lib/apk/db/installed';

/** A package as apk records it, with one file. */
function record(name: string, version = '1.0-r0'): string {
  const checksum = `Q1${Buffer.alloc(20, name).toString('base64')}`;
  return `C:${checksum}\nP:${name}\nV:${version}\nA:x86_64\nT:what it is for\nF:usr/bin\nR:${name}\na:0:0:755\nZ:${checksum}\n\n`;
}

/** What a component has on an Alpine-shaped base once some packages are added: made here, since no Alpine is at hand. */
function tree(directory: string, ...packages: readonly string[]): Record<string, string> {
  const all = ['busybox', 'musl', ...packages].sort();
  return {
    [`${directory}/${DATABASE}`]: all.map((name) => record(name)).join(''),
    [`${directory}/etc/apk/world`]: ['busybox', ...packages]
      .sort()
      .map((name) => `${name}\n`)
      .join(''),
    ...Object.fromEntries(packages.map((name) => [`${directory}/usr/bin/${name}`, name])),
  };
}

let project: Project;
beforeEach(() => {
  project = Project.create(APP, { ...tree('base'), ...tree('nginx', 'nginx'), ...tree('curl', 'curl', 'zlib') });
});
afterEach(() => {
  project.remove();
});

/** A file of the glue layer of an image. */
function merged(image: string, file: string): string {
  const { layers } = project.layout().manifest(image);
  expect(layers).toHaveLength(4);
  const glue = project.layout().blob(layers.at(-1)!.digest);
  return execFileSync('tar', ['-xOf', glue, file], { encoding: 'utf8' });
}

test('two components of one Alpine have the packages of both, in either order', () => {
  expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
  for (const image of ['both', 'reversed']) {
    expect(merged(image, DATABASE)).toBe(
      ['busybox', 'curl', 'musl', 'nginx', 'zlib'].map((name) => record(name)).join(''),
    );
    expect(merged(image, 'etc/apk/world')).toBe('busybox\ncurl\nnginx\nzlib\n');
  }
});

test('two versions of one package are an error, and no combination is published', () => {
  project.write({
    [`nginx/${DATABASE}`]: record('busybox') + record('musl') + record('nginx') + record('zlib', '2.0-r0'),
  });
  const { status, stderr } = project.stack(['deploy']);
  expect(status).toBe(1);
  expect(stderr).toMatch(/error STACK5021: .*zlib.* has version 2\.0-r0 in nginx and 1\.0-r0 in curl/s);
  expect(project.stack(['inspect', 'both'])).toMatchObject({ status: 1 });
});
