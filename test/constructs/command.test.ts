import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { transformFileSync } from '@swc/core';
import type { StackErrorJson } from '../../lib/core';
import { directoryWith, removeDirectories } from './fixture';

afterEach(removeDirectories);

const ROOT = path.resolve(__dirname, '../..');
let library: string;

/** The package as it is published: compiled once, since a process that compiles it takes a second to start. */
beforeAll(() => {
  library = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'stack-compiled-')));
  fs.copyFileSync(path.join(ROOT, 'package.json'), path.join(library, 'package.json'));
  for (const name of fs.readdirSync(path.join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' })) {
    if (!/^(index|(constructs|core|oci|plan)\/.*)\.ts$/.test(name)) continue;
    const { code } = transformFileSync(path.join(ROOT, 'lib', name), {
      module: { type: 'commonjs' },
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    });
    const file = path.join(library, 'dist', name.replace(/\.ts$/, '.js'));
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, code);
  }
});

afterAll(() => {
  fs.rmSync(library, { recursive: true });
});

interface Run {
  readonly directory: string;
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly plan: { readonly images: object } | undefined;
  readonly error: StackErrorJson | undefined;
}

/** Runs an app as the command does. `body` is a program that has the library in `lib`. */
function runApp(body: string, options: { context?: string; command?: boolean; debug?: boolean } = {}): Run {
  const directory = directoryWith({
    'app.js': `const lib = require(${JSON.stringify(path.join(library, 'dist'))});\n${body}`,
    'context.json': options.context ?? '{}',
  });
  const handshake = {
    STACK_OUTDIR: path.join(directory, 'out'),
    STACK_CONTEXT_FILE: path.join(directory, 'context.json'),
    STACK_ERROR_FILE: path.join(directory, 'error.json'),
    ...(options.debug === true ? { STACK_DEBUG: '1' } : {}),
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, ['app.js'], {
    cwd: directory,
    encoding: 'utf8',
    env: { NODE_PATH: path.join(ROOT, 'node_modules'), ...(options.command === false ? {} : handshake) },
  });
  const read = (name: string): unknown => {
    const file = path.join(directory, name);
    return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined;
  };
  return {
    directory,
    status,
    stdout,
    stderr,
    plan: read('out/plan.json') as Run['plan'],
    error: read('error.json') as Run['error'],
  };
}

test('under the command an app synthesizes itself, silently', () => {
  const run = runApp(`new lib.Layer(new lib.App(), 'it');`);
  expect(run).toMatchObject({ status: 0, stdout: '', stderr: '', error: undefined });
  expect(run.plan).toMatchObject({ directory: '..', images: { it: { source: 'app.js:2:1' } } });
});

test('under the command the output goes where the command wants it, and is written once', () => {
  const run = runApp(`
    const app = new lib.App({ outdir: 'elsewhere' });
    new lib.Layer(app, 'it');
    const { directory } = app.synth();
    const before = require('node:fs').statSync(directory).ino;
    process.on('exit', () => console.log(before === require('node:fs').statSync(directory).ino));
    setTimeout(() => {}, 10);
  `);
  expect(run).toMatchObject({ status: 0, stdout: 'true\n', stderr: '' });
  expect(Object.keys(run.plan?.images ?? {})).toEqual(['it']);
  expect(fs.readdirSync(run.directory).sort()).toEqual(['app.js', 'context.json', 'out']);
});

test('without the command an app synthesizes only when told', () => {
  const quiet = runApp(`new lib.Layer(new lib.App(), 'it');`, { command: false });
  expect(fs.readdirSync(quiet.directory).sort()).toEqual(['app.js', 'context.json']);
  const told = runApp(`const app = new lib.App(); new lib.Layer(app, 'it'); app.synth();`, { command: false });
  expect(fs.readdirSync(told.directory).sort()).toEqual(['app.js', 'context.json', 'synth.out']);
});

test.each([
  ['on its own', ''],
  ['by an explicit synth', 'app.synth();'],
])('under the command the errors of an app synthesized %s are left to the command', (_, end) => {
  const run = runApp(`const app = new lib.App();\nnew lib.Layer(app, 'A');\nnew lib.Layer(app, 'B');\n${end}`);
  expect(run).toMatchObject({ status: 1, stdout: '', stderr: '', plan: undefined });
  expect(run.error).toMatchObject({
    code: 'STACK2004',
    path: 'A',
    source: 'app.js:3:1',
    others: [{ code: 'STACK2004', path: 'B', source: 'app.js:4:1' }],
  });
});

test('under the command the plan of a failed explicit synth throws when it is used', () => {
  const run = runApp(`try { new lib.App().synth().plan; } catch (error) { console.log(error.code); }`);
  expect(run).toMatchObject({ status: 1, stdout: 'STACK2002\n', stderr: '' });
});

test('with STACK_DEBUG a failed synth shows its trace, too', () => {
  const run = runApp(`new lib.App();`, { debug: true });
  expect(run.status).toBe(1);
  expect(run.error).toMatchObject({ code: 'STACK2002' });
  expect(run.stderr).toMatch(/at App\.synth/);
});

test('an error of the program itself is not touched', () => {
  const run = runApp(`const app = new lib.App(); new lib.Layer(app, 'it'); throw new Error('mine');`);
  expect(run).toMatchObject({ status: 1, error: undefined, plan: undefined });
  expect(run.stderr).toContain('Error: mine');
});

test('context of the command wins over that of the app, key by key, with its types', () => {
  const run = runApp(
    `const { node } = new lib.Layer(new lib.App({ context: { a: 1, b: 1 } }), 'it');
     console.log(JSON.stringify([node.tryGetContext('a'), node.tryGetContext('b'), node.tryGetContext('c')]));`,
    { context: '{"b":false,"c":{"d":[0]}}' },
  );
  expect(run).toMatchObject({ status: 0, stdout: '[1,false,{"d":[0]}]\n' });
});

test.each(['[1]', '{', 'null'])('the context file %j is an error', (context) => {
  const run = runApp(`try { new lib.App(); } catch (error) { console.log(error.code); }`, { context });
  expect(run.stdout).toBe('STACK1005\n');
});

test('a second app in one program is an error under the command', () => {
  const run = runApp(`for (const id of ['a', 'b']) new lib.Layer(new lib.App(), id);`);
  expect(run).toMatchObject({ status: 1, stderr: '', error: { code: 'STACK2015' } });
});

test('importing the library loads no more than what declaring needs', () => {
  const run = runApp(
    `console.log(Object.keys(require.cache).some((file) => /synthesize|dist.plan|zod/.test(file)));
     new lib.Layer(new lib.App(), 'it');`,
  );
  expect(run).toMatchObject({ status: 0, stdout: 'false\n' });
});
