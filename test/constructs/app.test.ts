import * as fs from 'node:fs';
import * as path from 'node:path';
import { App, Layer, StackedImage } from '../../lib';
import { appWith, directoryWith, removeDirectories } from './fixture';

afterEach(removeDirectories);

test('an app is synthesized to synth.out in its directory unless told otherwise', () => {
  const directory = directoryWith();
  expect(new App({ directory }).outdir).toBe(path.join(directory, 'synth.out'));
  expect(new App({ directory, outdir: '../out' }).outdir).toBe(path.join(directory, '../out'));
  expect(new App().directory).toBe(process.cwd());
});

test('synth says where the output is and what is planned, and does its work once', () => {
  const app = appWith();
  new Layer(app, 'it');
  const result = app.synth();
  expect(result.directory).toBe(path.join(app.directory, 'synth.out'));
  expect(JSON.parse(fs.readFileSync(path.join(result.directory, 'plan.json'), 'utf8'))).toEqual(
    JSON.parse(JSON.stringify(result.plan)),
  );
  fs.rmSync(result.directory, { recursive: true });
  expect(app.synth()).toBe(result);
  expect(fs.existsSync(result.directory)).toBe(false);
});

test('a failed synth leaves the last good output', () => {
  const directory = directoryWith();
  const good = new App({ directory });
  new Layer(good, 'it');
  const plan = path.join(good.synth().directory, 'plan.json');
  const before = fs.readFileSync(plan, 'utf8');
  const bad = new App({ directory });
  new Layer(bad, 'Bad');
  expect(() => bad.synth()).toThrow('cannot be the name of an image');
  expect(fs.readFileSync(plan, 'utf8')).toBe(before);
  expect(fs.readdirSync(directory)).toEqual(['synth.out']);
});

test('context keeps the types of its values', () => {
  const context = { no: false, zero: 0, list: [1, { a: null }] };
  const layer = new Layer(new App({ context }), 'it');
  expect([layer.node.tryGetContext('no'), layer.node.tryGetContext('zero'), layer.node.tryGetContext('list')]).toEqual([
    false,
    0,
    [1, { a: null }],
  ]);
  expect(layer.node.tryGetContext('missing')).toBeUndefined();
});

test('two thousand layers take a fraction of a second to create and to synthesize', () => {
  const app = appWith({ file: '' });
  const before = process.cpuUsage();
  const layers = Array.from(
    { length: 2000 },
    (_, index) => new Layer(app, `layer-${String(index)}`, { imports: [{ source: 'file', dest: '/' }] }),
  );
  new StackedImage(app, 'all', layers);
  app.synth();
  // Time of the processor and not of the clock, and three times what it takes alone: other tests run at the same time.
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(1500);
});
