import { execFileSync } from 'node:child_process';
import { writeLayout, writeTar } from './hand-made';
import { Project } from './installed';

const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App({ tar: { compression: 'none' }, formats: ['tar', 'squashfs'] });
const layer = (id, from, source, dest) => new Layer(app, id, { from, imports: [{ source: './' + source, dest }] });
const base = layer('base', 'scratch', 'base', '/etc/services');
const web = layer('web', base, 'web', '/etc/services');
const mail = layer('mail', base, 'mail', '/etc/services');
new StackedImage(app, 'texts', [web, mail]);

const [motd, note] = [layer('motd', 'scratch', 'web', '/etc/motd'), layer('note', 'scratch', 'mail', '/etc/motd')];
const mergers = [{ module: './mergers/motd.mjs', paths: ['/etc/motd'] }];
new StackedImage(app, 'motds', [motd, note], { mergers });
new StackedImage(app, 'apart', [base, motd], { mergers, glue: 'forbid' });

const marked = new Layer(app, 'marked', { from: 'oci:./made:marked', formats: ['tar'], buildOnly: true });
const files = layer('files', 'scratch', 'tree/', '/etc/ssl/');
new StackedImage(app, 'repaired', [files, marked], { formats: ['tar'] });
`;

const lines = (...words: string[]): string => words.map((word) => `${word}\n`).join('');

let project: Project;
beforeAll(() => {
  project = Project.create(APP, {
    base: lines('ftp', 'ssh', 'telnet', 'time', 'whois'),
    web: lines('ftp', 'http', 'ssh', 'telnet', 'time', 'whois'),
    mail: lines('ftp', 'ssh', 'telnet', 'time', 'smtp', 'whois'),
    'tree/certs': 'certificates',
    'tree/private/key': 'secret',
    'marks/etc/ssl/.wh..wh..opq': '',
    'marks/etc/ssl/mine': 'mine',
    'mergers/motd.mjs': `export async function merge({ paths, components }) {
      const texts = await Promise.all(components.map(({ files }) => files.read(paths[0])));
      return { files: new Map([[paths[0], { type: 'file', content: Buffer.concat(texts) }]]), problems: [] };
    }`,
  });
  writeTar(project.path('marks'), project.path('marks.tar'));
  writeLayout(project.path('made'), 'marked', [project.path('marks.tar')]);
  expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
});
afterAll(() => {
  project.remove();
});

/** The layers of an image, bottom to top. */
function layersOf(name: string): readonly { readonly digest: string; readonly annotations?: object }[] {
  return project.layout().manifest(name).layers;
}

function glueOf(name: string): string {
  const top = layersOf(name).at(-1);
  expect(Object.keys(top?.annotations ?? {})).toContain('dev.cdk-stack.glue');
  return project.layout().blob(top?.digest ?? '');
}

function tarOf(name: string, ...what: readonly string[]): string {
  return execFileSync('tar', [...what.slice(0, 1), '-f', glueOf(name), ...what.slice(1)], { encoding: 'utf8' });
}

test('texts that components change in different places are merged by lines, in each format', () => {
  const merged = lines('ftp', 'http', 'ssh', 'telnet', 'time', 'smtp', 'whois');
  expect(layersOf('texts').slice(0, 3)).toEqual([...layersOf('web'), ...layersOf('mail').slice(1)]);
  expect(tarOf('texts', '-xO', 'etc/services')).toBe(merged);
  const image = glueOf('texts-squashfs');
  expect(execFileSync('unsquashfs', ['-cat', image, 'etc/services'], { encoding: 'utf8' })).toBe(merged);
});

test('a module of the app merges what it is for', () => {
  expect(tarOf('motds', '-xO', 'etc/motd')).toMatch(/^ftp\nhttp\n[^]*smtp\nwhois\n$/);
  expect(tarOf('motds', '-t')).toBe(lines('etc/', 'etc/motd'));
  expect(layersOf('apart')).toEqual([...layersOf('base'), ...layersOf('motd')]);
});

test('what an opaque mark of another tool hides is put back', () => {
  expect(tarOf('repaired', '-t')).toBe(
    lines('etc/', 'etc/ssl/', 'etc/ssl/certs', 'etc/ssl/private/', 'etc/ssl/private/key'),
  );
  expect(tarOf('repaired', '-xO', 'etc/ssl/private/key')).toBe('secret');
});

test('it is told what a glue layer settles, and by whom', () => {
  expect(project.stack(['conflicts', 'texts']).stdout).toBe(
    'settled by a glue layer: 1 path\n  /etc/services  text  web, mail\n',
  );
  expect(JSON.parse(project.stack(['conflicts', 'motds', '--json']).stdout)).toMatchObject({
    conflicts: [],
    settled: [{ path: '/etc/motd', by: './mergers/motd.mjs', components: ['motd', 'note'] }],
  });
  expect(project.stack(['deploy', 'texts', '--verbose']).stderr).toContain(
    'texts: a glue layer settles 1 path: text\n',
  );
  expect(project.stack(['explain', 'texts', '/etc/services']).stdout).toMatch(/\* .*glue text/);
});

test('a second deploy merges and writes nothing', () => {
  project.write({ 'mergers/unused.js': '' });
  const { stdout, status } = project.stack(['deploy', '--json']);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ targets: [{ blobsWritten: 0 }] });
});
