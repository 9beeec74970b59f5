import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { Project } from './installed';

const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App({ tar: { compression: 'none' } });
const tar = (name) => new Layer(app, name, { from: 'tar:' + name + '.tar', buildOnly: true });
const marked = (name) => new Layer(app, name, { from: 'oci:./made:' + name, buildOnly: true });
const layer = (name, ...imports) => new Layer(app, name, { imports, buildOnly: true });
const file = (source, dest, how = {}) => ({ source: './' + source, dest, ...how });
const [one, two, same] = [layer('one', file('1', '/etc/x')), layer('two', file('2', '/etc/x')), layer('same', file('1', '/etc/x'))];
new StackedImage(app, 'clash', [one, two]);
new StackedImage(app, 'allowed', [one, two], { conflicts: { rules: [{ match: '/etc/**', policy: 'warn' }] } });
new StackedImage(app, 'equal', [one, same]);
const [open, closed] = [tar('open'), tar('closed')];
new StackedImage(app, 'metadata', [open, closed]);
new StackedImage(app, 'weaker', [closed, open]);
const other = layer('other', file('3', '/etc/other'));
new StackedImage(app, 'hides-file', [one, marked('whiteout')]);
new StackedImage(app, 'hides-directory', [other, marked('opaque')]);
`;

let project: Project;
beforeAll(() => {
  project = Project.create(APP, { 1: 'first', 2: 'second', 3: 'third' });
  for (const [name, mode] of [
    ['open', '750'],
    ['closed', '700'],
  ] as const) {
    fs.mkdirSync(project.path(name, 'private'), { recursive: true });
    fs.chmodSync(project.path(name, 'private'), Number.parseInt(mode, 8));
    tar(name, `${name}.tar`, 'private');
  }
  project.write({ 'marks/whiteout/etc/.wh.x': '', 'marks/opaque/etc/.wh..wh..opq': '' });
  for (const name of ['whiteout', 'opaque']) layout(name);
});
afterAll(() => {
  project.remove();
});

function tar(from: string, to: string, what: string): void {
  execFileSync('tar', [
    '--owner=0',
    '--group=0',
    '--mtime=@0',
    '-C',
    project.path(from),
    '-cf',
    project.path(to),
    what,
  ]);
}

/** An image made by somebody else, whose marks hide nothing of its own. */
function layout(name: string): void {
  tar(`marks/${name}`, `${name}.layer`, 'etc');
  const made = project.path('made');
  const add = (content: Buffer): { digest: string; size: number } => {
    const hex = execFileSync('sha256sum', { input: content }).toString().slice(0, 64);
    fs.mkdirSync(`${made}/blobs/sha256`, { recursive: true });
    fs.writeFileSync(`${made}/blobs/sha256/${hex}`, content);
    return { digest: `sha256:${hex}`, size: content.length };
  };
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  const layer = add(fs.readFileSync(project.path(`${name}.layer`)));
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const config = add(
    json({ os: 'linux', architecture, config: {}, rootfs: { type: 'layers', diff_ids: [layer.digest] } }),
  );
  const type = 'application/vnd.oci.image';
  const manifest = add(
    json({
      schemaVersion: 2,
      mediaType: `${type}.manifest.v1+json`,
      config: { mediaType: `${type}.config.v1+json`, ...config },
      layers: [{ mediaType: `${type}.layer.v1.tar`, ...layer }],
    }),
  );
  fs.writeFileSync(`${made}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  const index = `${made}/index.json`;
  const known = fs.existsSync(index)
    ? (JSON.parse(fs.readFileSync(index, 'utf8')) as { manifests: object[] })
    : undefined;
  const annotations = { 'org.opencontainers.image.ref.name': name };
  const manifests = [...(known?.manifests ?? []), { mediaType: `${type}.manifest.v1+json`, ...manifest, annotations }];
  fs.writeFileSync(index, json({ schemaVersion: 2, manifests }));
}

test.each([
  ['clash', 'STACK5010', /\/etc\/x: 'one' .*'two' /],
  ['weaker', 'STACK5012', /\/private: 'closed' .*'open' /],
  ['hides-file', 'STACK5020', /\/etc\/x: 'one' .*'whiteout' .*hidden: \/etc\/x/],
  ['hides-directory', 'STACK5020', /\/etc: 'other' .*'opaque' .*hidden: \/etc\/other/],
])('%s is refused before anything is published', (image, code, message) => {
  const { status, stderr } = project.stack(['deploy', image]);
  expect(stderr).toMatch(message);
  expect(stderr).toContain(`error ${code}:`);
  expect(stderr).toContain('hint:');
  expect(status).toBe(1);
  expect(fs.existsSync(project.path('oci'))).toBe(false);
});

test('what is allowed is told each time, and what is equal has no conflicts', () => {
  for (let round = 0; round < 2; round++) {
    const { status, stderr } = project.stack(['deploy', 'allowed', 'equal', 'metadata', '--to', 'oci:./good']);
    expect(stderr).toContain('[content-conflict]');
    expect(stderr).toContain('[directory-metadata]');
    expect(status).toBe(0);
  }
  expect(project.stack(['conflicts', 'equal']).stdout).toBe('no conflicts\n');
});

test('conflicts and explain tell the owners, also where a deploy is refused', () => {
  const { stdout, status } = project.stack(['conflicts', 'clash', '--json']);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    image: 'clash',
    conflicts: [{ code: 'CONTENT_CONFLICT', path: '/etc/x', owners: [{ component: 'one' }, { component: 'two' }] }],
    counts: [{ code: 'CONTENT_CONFLICT', severity: 'error', count: 1 }],
  });
  const explained = project.stack(['explain', 'clash', '/etc/x']).stdout;
  expect(explained).toMatch(/^\/etc\/x\n {5}one .*\n {2}\* {2}two .*\n\nerror CONTENT_CONFLICT \/etc\/x\n/);
  expect(project.stack(['explain', 'one', 'etc/x']).status).toBe(2);
  expect(project.stack(['conflicts', 'one']).stderr).toContain('is no combination');
});
