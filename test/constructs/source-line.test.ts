import * as fs from 'node:fs';
import * as path from 'node:path';
import { userLine } from '../../lib/constructs/private/source-line';
import * as library from '../../lib';
import { directoryWith, removeDirectories } from './fixture';

afterEach(removeDirectories);

type Build = (lib: typeof library, directory: string) => library.App;

function sourcesOf(
  files: Record<string, string>,
  directory = directoryWith(files),
): Record<string, string | undefined> {
  const build = jest.requireActual<Build>(path.join(directory, 'bin/app.js'));
  const { images } = build(library, directory).synth().plan;
  return Object.fromEntries(Object.entries(images).map(([key, { source }]) => [key, source]));
}

test('the line is the one of the user that creates the construct, relative to the app', () => {
  expect(
    sourcesOf({
      'bin/app.js': `module.exports = ({ App, Layer }, directory) => {
  const app = new App({ directory });
  new Layer(app, 'direct');
  require('../lib/parts.js')(Layer, app);
  return app;
};`,
      'lib/parts.js': `module.exports = (Layer, app) => {
  class Kernel extends Layer {
    constructor(scope, id) {
      super(scope, id, { buildOnly: true });
    }
  }
  new Kernel(app, 'subclass');
};`,
    }),
  ).toEqual({ direct: 'bin/app.js:3:3', subclass: 'lib/parts.js:4:7' });
});

test('a line in an installed library counts only when there is no better', () => {
  const app = `module.exports = ({ App, Layer }, directory) => {
  const app = new App({ directory });
  require('../node_modules/parts')(Layer, app);
  return app;
};`;
  const files = {
    'bin/app.js': app,
    'node_modules/parts/index.js': `module.exports = (Layer, app) => new Layer(app, 'it');`,
  };
  expect(sourcesOf(files)).toEqual({ it: 'bin/app.js:3:35' });
});

test('the app directory may be reached through a symbolic link', () => {
  const directory = directoryWith({
    'real/bin/app.js': `module.exports = ({ App, Layer }, directory) => {
  const app = new App({ directory });
  new Layer(app, 'it');
  return app;
};`,
  });
  fs.symlinkSync('real', path.join(directory, 'link'));
  expect(sourcesOf({}, path.join(directory, 'link'))).toEqual({ it: 'bin/app.js:3:3' });
});

test.each([
  ['at /app/a.ts:1:2', 'a.ts:1:2'],
  ['at new Layer (/app/a.ts:1:2)', 'a.ts:1:2'],
  ['at async f (/app/a.ts:1:2)', 'a.ts:1:2'],
  ['at Object.<anonymous> (file:///app/a%20b.mjs:1:2)', 'a b.mjs:1:2'],
  ['at file:///app/a.mjs:1:2', 'a.mjs:1:2'],
  ['at f (/app/dir (1)/a.ts:1:2)', 'dir (1)/a.ts:1:2'],
  ['at /app/dir (1)/a.ts:1:2', 'dir (1)/a.ts:1:2'],
  ['at Foo.bar [as baz] (/app/a.ts:1:2)', 'a.ts:1:2'],
  ['at f (/elsewhere/a.ts:1:2)', '../elsewhere/a.ts:1:2'],
  ['at node:internal/main:1:2', undefined],
  ['at f (node:internal/main:1:2)', undefined],
  ['at [eval]:1:2', undefined],
  ['at f (<anonymous>)', undefined],
  ['at /x/node_modules/other/index.js:1:2', '../x/node_modules/other/index.js:1:2'],
])('the frame %j gives %j', (frame, expected) => {
  expect(userLine({ stack: `Error\n    ${frame}` }, '/app')).toBe(expected);
});

test('the plan of an app has no absolute path, and the same bytes wherever it lies', () => {
  const files = {
    'files/a': 'a',
    'bin/app.js': `module.exports = ({ App, Layer, StackedImage, ImageSource }, directory) => {
  const app = new App({ directory, epoch: 1 });
  const a = new Layer(app, 'a', { imports: [{ source: 'files/a', dest: '/' }], config: { env: { Z: '1', A: '2' } } });
  const b = new Layer(app, 'b', { from: ImageSource.tar(a.file('/x')) });
  new StackedImage(app, '10', [b, a]);
  return app;
};`,
  };
  const bytesIn = (directory: string): string[] => {
    const app = jest.requireActual<Build>(path.join(directory, 'bin/app.js'))(library, directory);
    const out = app.synth().directory;
    return ['manifest.json', 'plan.json', 'tree.json'].map((name) => fs.readFileSync(path.join(out, name), 'utf8'));
  };
  const shallow = bytesIn(directoryWith(files));
  const nested = Object.fromEntries(Object.entries(files).map(([name, content]) => [`a/b/c/${name}`, content]));
  const deep = bytesIn(path.join(directoryWith(nested), 'a/b/c'));
  expect(deep).toEqual(shallow);
  for (const text of shallow) expect(text).not.toContain('/tmp');
});
