import * as fs from 'node:fs';
import { writeLayout, writeTar } from './hand-made';
import { Project } from './installed';

const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App({ tar: { compression: 'none' } });
const tar = (name) => new Layer(app, name, { from: 'tar:' + name + '.tar', buildOnly: true });
const made = (name) => new Layer(app, name, { from: 'oci:./made:' + name, buildOnly: true });
const configured = (name, from, config) => new Layer(app, name, { from, config, buildOnly: true });
const layer = (name, ...imports) => new Layer(app, name, { imports, buildOnly: true });
const file = (source, dest, how = {}) => ({ source: './' + source, dest, ...how });
const [one, two, same] = [layer('one', file('1', '/etc/x')), layer('two', file('2', '/etc/x')), layer('same', file('1', '/etc/x'))];
new StackedImage(app, 'clash', [one, two]);
new StackedImage(app, 'allowed', [one, two], { conflicts: { rules: [{ match: '/etc/**', policy: 'warn' }] } });
new StackedImage(app, 'equal', [one, same]);
const [open, closed] = [tar('open'), tar('closed')];
new StackedImage(app, 'metadata', [open, closed]);
new StackedImage(app, 'weaker', [closed, open]);
const base = made('base');
const popular = new Layer(app, 'popular', { from: base, imports: [file('3', '/etc/cron.d/popularity-contest')], buildOnly: true });
new StackedImage(app, 'purge', [popular, made('purged')]);
const started = configured('started', base, { env: { PATH: '/opt/bin:/bin', MODE: 'a' }, entrypoint: ['/opt/bin/start'] });
const open8080 = configured('open8080', base, { env: { PATH: '/bin:/sbin', MODE: 'b' }, exposedPorts: [8080] });
new StackedImage(app, 'served', [started, open8080], { config: { env: { MODE: 'c' } } });
new StackedImage(app, 'undecided', [started, open8080]);
const merger = (name) => ({ mergers: [{ module: './' + name, paths: ['/etc/x'] }] });
new StackedImage(app, 'endless', [one, two], merger('endless.js'));
new StackedImage(app, 'leaving', [one, two], merger('leaving.js'));
new StackedImage(app, 'unglued', [one, made('whiteout')], { glue: 'forbid' });
`;

let project: Project;
beforeAll(() => {
  project = Project.create(APP, {
    1: 'first',
    2: 'second',
    3: 'third',
    'endless.js': 'exports.merge = () => new Promise(() => {});',
    'leaving.js': 'exports.merge = () => process.exit(0);',
  });
  for (const [name, mode] of [
    ['open', '750'],
    ['closed', '700'],
  ] as const) {
    fs.mkdirSync(project.path(name, 'private'), { recursive: true });
    fs.chmodSync(project.path(name, 'private'), Number.parseInt(mode, 8));
    writeTar(project.path(name), project.path(`${name}.tar`));
  }
  const text = 'cron job\n';
  project.write({
    'base/etc/cron.d/e2scrub_all': text,
    'purged/etc/.wh.cron.d': '',
    'whiteout/etc/.wh.x': '',
  });
  for (const name of ['base', 'purged', 'whiteout']) writeTar(project.path(name), project.path(`${name}.layer`));
  const image = (name: string, ...layers: string[]): void => {
    writeLayout(
      project.path('made'),
      name,
      layers.map((layer) => project.path(`${layer}.layer`)),
    );
  };
  image('base', 'base');
  image('purged', 'base', 'purged');
  image('whiteout', 'whiteout');
});
afterAll(() => {
  project.remove();
});

test.each([
  ['clash', 'STACK5010', /\/etc\/x: 'one' .*'two' /],
  ['weaker', 'STACK5012', /\/private: 'closed' .*'open' /],
  [
    'purge',
    'STACK5019',
    /\/etc\/cron\.d: 'popular' \(import .*\) has .*, 'purged' \(layer .*\) has removed; hidden: \/etc\/cron\.d\/popularity-contest/,
  ],
  ['unglued', 'STACK5028', /\/etc\/x: 'one' .*'whiteout' /],
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
  expect(project.stack(['explain', 'one', '/etc/../etc/x']).stderr).toContain("has '..'");
  expect(project.stack(['conflicts', 'one']).stderr).toContain('is no combination');
});

test('explain tells who provides what a glob matches, and everything', () => {
  const tree = JSON.parse(project.stack(['explain', 'allowed', '/', '--json']).stdout) as object;
  const file = { path: '/etc/x', components: ['two'], createdBy: 'import /etc/x' };
  expect(tree).toMatchObject({ image: 'allowed', pattern: '/', paths: [{ path: '/etc' }, file], count: 2 });
  const { stdout } = project.stack(['explain', 'allowed', '/e*/*']);
  expect(stdout).toMatch(/^\/e\*\/\*\n {2}\/etc\/x +two +import \/etc\/x +file 0644 .*\n$/);
  expect(project.stack(['explain', 'allowed', '/none/**']).stdout).toBe('/none/**\n  no layer has anything there\n');
});

test('explain without a path tells which image set each field of the config', () => {
  const { stdout } = project.stack(['explain', 'served', '--json']);
  expect(JSON.parse(stdout)).toEqual({
    image: 'served',
    config: [
      { field: 'entrypoint', value: ['/opt/bin/start'], from: ['started'] },
      { field: 'env.MODE', value: 'c', from: ['served'] },
      { field: 'env.PATH', value: '/opt/bin:/bin:/sbin', from: ['started', 'open8080'] },
      { field: 'exposedPorts.8080/tcp', value: {}, from: ['open8080'] },
    ],
  });
  expect(project.stack(['explain', 'served']).stdout).toMatch(/^served\n {2}entrypoint .*\n {2}env.MODE +c +served\n/);
  const { stderr, status } = project.stack(['explain', 'undecided']);
  expect(stderr).toMatch(/error STACK5004: .*MODE/);
  expect(status).toBe(1);
});

test.each(['endless', 'leaving'])('a merger that ends the process before it is done is no success: %s', (image) => {
  const outcome = project.stack(['deploy', image, '--to', `oci:./${image}`]);
  expect(outcome).toMatchObject({ status: 4, stdout: '' });
  expect(outcome.stderr).toMatch(/^error STACK1011: /m);
  expect(fs.existsSync(project.path(image, 'index.json'))).toBe(false);
});
