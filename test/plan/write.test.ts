import * as fs from 'node:fs';
import * as path from 'node:path';
import { StackError } from '../../lib/core';
import { writeAssembly, type AssemblyContents } from '../../lib/plan';
import { directoryWith, removeDirectories } from '../constructs/fixture';

// One object for the library and for this test, so that single functions can be made to fail.
jest.mock('node:fs', () => ({ __esModule: true, ...jest.requireActual<typeof fs>('node:fs') }));

afterEach(() => {
  jest.restoreAllMocks();
  removeDirectories();
});

function contents(directory: string, name = 'it'): AssemblyContents {
  return {
    directory,
    plan: { formats: ['tar'], images: { it: { type: 'stacked-image', name, buildOnly: false, components: [] } } },
    tree: { id: '', path: '', construct: 'App' },
  };
}

function write(outdir: string, app: string, name?: string): StackError | undefined {
  try {
    writeAssembly(outdir, contents(app, name));
    return undefined;
  } catch (error) {
    if (StackError.is(error)) return error;
    throw error;
  }
}

function listing(directory: string): Record<string, string> {
  const names = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    names
      .filter((name) => fs.statSync(path.join(directory, name)).isFile())
      .map((name) => [name, fs.readFileSync(path.join(directory, name), 'utf8')]),
  );
}

test('the three files are written as canonical JSON', () => {
  const app = directoryWith();
  const out = path.join(app, 'a/b/out');
  const plan = writeAssembly(out, contents(app));
  expect(plan.directory).toBe('../../..');
  const files = listing(out);
  expect(Object.keys(files)).toEqual(['manifest.json', 'plan.json', 'tree.json']);
  expect(files['plan.json']).toBe(`{
  "directory": "../../..",
  "formats": [
    "tar"
  ],
  "images": {
    "it": {
      "buildOnly": false,
      "components": [],
      "name": "it",
      "type": "stacked-image"
    }
  },
  "schemaVersion": 1
}
`);
  const { version } = JSON.parse(fs.readFileSync(path.resolve('package.json'), 'utf8')) as { version: string };
  expect(JSON.parse(files['manifest.json'] ?? '')).toEqual({
    schemaVersion: 1,
    framework: { name: 'cdk-stack', version },
    artifacts: {
      '/plan.json': { type: 'stack:plan', file: 'plan.json' },
      '/tree.json': { type: 'stack:tree', file: 'tree.json' },
      it: { type: 'oci:image' },
    },
  });
});

test('an old output, an empty directory and a missing one are replaced, and nothing is left beside', () => {
  const app = directoryWith({ 'empty/': '' });
  for (const out of ['fresh', 'empty', 'fresh']) {
    expect(write(path.join(app, out), app)).toBeUndefined();
    fs.writeFileSync(path.join(app, out, 'stale'), '');
  }
  fs.rmSync(path.join(app, 'empty'), { recursive: true });
  expect(write(path.join(app, 'fresh'), app, 'new')).toBeUndefined();
  expect(fs.readdirSync(app)).toEqual(['fresh']);
  expect(listing(path.join(app, 'fresh'))['plan.json']).toContain('"new"');
  expect(listing(path.join(app, 'fresh'))).not.toHaveProperty('stale');
});

test.each<[string, Record<string, string>]>([
  ['files of the user', { 'out/thesis.txt': 'precious' }],
  ["a web page's manifest.json", { 'out/manifest.json': '{"name":"page","icons":[]}', 'out/index.html': '' }],
  ['a manifest.json that is no JSON', { 'out/manifest.json': '{' }],
  ['a manifest.json that is null', { 'out/manifest.json': 'null' }],
])('a directory with %s is not replaced', (_, files) => {
  const directory = directoryWith({ ...files, 'app/': '' });
  const before = listing(directory);
  expect(write(path.join(directory, 'out'), path.join(directory, 'app'))).toMatchObject({
    code: 'STACK1007',
    message: expect.stringContaining('holds files that synth did not write') as string,
  });
  expect(listing(directory)).toEqual(before);
});

test('a file is not replaced', () => {
  const directory = directoryWith({ out: 'precious', 'app/': '' });
  expect(write(path.join(directory, 'out'), path.join(directory, 'app'))).toMatchObject({
    code: 'STACK1007',
    message: expect.stringContaining('is not a directory') as string,
  });
});

test.each(['', '..', '../..'])('the output must not be the app itself nor contain it: %j', (out) => {
  const directory = directoryWith({ 'a/b/': '' });
  const app = path.join(directory, 'a/b');
  expect(write(path.join(app, out), app)).toMatchObject({
    code: 'STACK1007',
    message: expect.stringContaining('is, or contains, the directory of the app') as string,
  });
  expect(fs.existsSync(app)).toBe(true);
});

test('an output whose name starts like the app directory is fine', () => {
  const directory = directoryWith({ 'app/': '' });
  expect(write(path.join(directory, 'ap'), path.join(directory, 'app'))).toBeUndefined();
});

test('a symbolic link to the output directory stays one', () => {
  const directory = directoryWith({ 'elsewhere/deep/': '', 'app/': '' });
  fs.symlinkSync('../elsewhere/deep', path.join(directory, 'app/out'));
  expect(write(path.join(directory, 'app/out'), path.join(directory, 'app'))).toBeUndefined();
  expect(fs.readlinkSync(path.join(directory, 'app/out'))).toBe('../elsewhere/deep');
  expect(listing(path.join(directory, 'elsewhere/deep'))['plan.json']).toContain('"directory": "../../app"');
});

test('when the new output cannot be moved into place the old one is back', () => {
  const app = directoryWith();
  const out = path.join(app, 'out');
  writeAssembly(out, contents(app));
  const before = listing(app);
  const rename = fs.renameSync;
  let aside = false;
  jest.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
    if (to !== out || String(from).endsWith('.old')) {
      aside = true;
      rename(from, to);
    } else {
      throw Object.assign(new Error('full'), { code: aside ? 'ENOSPC' : 'ENOTEMPTY' });
    }
  });
  expect(write(out, app, 'new')).toMatchObject({ code: 'STACK7002' });
  jest.restoreAllMocks();
  expect(listing(app)).toEqual(before);
});

test('a failure to write leaves the old output and nothing else', () => {
  const app = directoryWith();
  const out = path.join(app, 'out');
  writeAssembly(out, contents(app));
  const before = listing(app);
  jest.spyOn(fs, 'fsyncSync').mockImplementation(() => {
    throw Object.assign(new Error('bad disk'), { code: 'EIO' });
  });
  expect(write(out, app, 'new')).toMatchObject({
    code: 'STACK1007',
    message: expect.stringContaining('bad disk') as string,
  });
  jest.restoreAllMocks();
  expect(listing(app)).toEqual(before);
});

test('another synth that gets in between is overtaken', () => {
  const app = directoryWith();
  const out = path.join(app, 'out');
  writeAssembly(out, contents(app, 'old'));
  const rename = fs.renameSync;
  let races = 3;
  jest.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
    rename(from, to);
    if (String(to).endsWith('.old') && races-- > 0) {
      fs.mkdirSync(out);
      fs.writeFileSync(path.join(out, 'manifest.json'), '{}');
    }
  });
  expect(write(out, app, 'mine')).toBeUndefined();
  expect(races).toBeLessThanOrEqual(0);
  jest.restoreAllMocks();
  expect(fs.readdirSync(app)).toEqual(['out']);
  expect(listing(out)['plan.json']).toContain('"mine"');
});
