import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { DebianPackages, Layer, StackedImage } from '../../lib';
import { StackError } from '../../lib/core';
import { loadAssembly } from '../../lib/plan';
import { appWith, directoryWith, removeDirectories } from '../constructs/fixture';

afterEach(removeDirectories);

type File = 'manifest' | 'plan' | 'tree';
/** A member of one of the files, such as `images.a.type`, and its new value; undefined removes it. */
type Edit = readonly [file: File, member: string, value: unknown];

/** An output directory whose files were changed by another hand. */
function output(...edits: readonly Edit[]): string {
  const app = appWith();
  const a = new Layer(app, 'a', { tags: ['v1'] });
  const b = new DebianPackages(app, 'b', { packages: ['x'] });
  new StackedImage(app, 'c', [a, b]);
  const { directory } = app.synth();
  for (const [name, member, value] of edits) {
    const file = path.join(directory, `${name}.json`);
    const root: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    const steps = member.split('.');
    const last = steps.pop() ?? '';
    const parent = steps.reduce((at, step) => at[step] as Record<string, unknown>, root as Record<string, unknown>);
    parent[last] = value;
    fs.writeFileSync(file, JSON.stringify(root));
  }
  return directory;
}

async function failure(directory: string): Promise<StackError> {
  const error: unknown = await loadAssembly(directory).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (StackError.is(error)) return error;
  throw new Error(`expected a StackError, got ${String(error)}`);
}

test('what synth wrote is read back', async () => {
  const app = appWith();
  const layer = new Layer(app, 'a');
  new StackedImage(app, 'b', [layer]);
  const { directory, plan } = app.synth();
  const assembly = await loadAssembly(directory);
  expect(assembly.directory).toBe(app.directory);
  expect(assembly.plan).toEqual(JSON.parse(JSON.stringify(plan)));
  expect(assembly.manifest.artifacts['b']).toEqual({ type: 'oci:image', dependencies: ['a'] });
  expect(assembly.tree.children?.map(({ path: key, construct }) => [key, construct])).toEqual([
    ['a', 'Layer'],
    ['b', 'StackedImage'],
  ]);
});

test('an output directory that was moved finds its app through its plan', async () => {
  const directory = output();
  const moved = path.join(directoryWith({ 'x/': '' }), 'x/out');
  fs.cpSync(directory, moved, { recursive: true });
  expect((await loadAssembly(moved)).directory).toBe(path.dirname(moved));
});

test('members it does not know are ignored', async () => {
  const directory = output(
    ['manifest', 'future', 1],
    ['plan', 'future', 1],
    ['tree', 'future', 1],
    ['plan', 'images.a.future', 1],
    ['plan', 'images.a.from.future', { x: 1 }],
    ['tree', 'tree.children.0.future', []],
  );
  const { plan } = await loadAssembly(directory);
  expect(plan).not.toHaveProperty('future');
  expect(plan.images['a']).not.toHaveProperty('future');
});

test('a missing directory is told from a broken one', async () => {
  expect(await failure('/does/not/exist')).toMatchObject({
    code: 'STACK1007',
    message: "there is no synthesized output in '/does/not/exist': manifest.json is missing",
    hint: expect.stringContaining('stack synth') as string,
  });
});

test('another schema version is told with both versions', async () => {
  const error = await failure(
    output(['manifest', 'schemaVersion', 2], ['plan', 'schemaVersion', 2], ['tree', 'schemaVersion', 2]),
  );
  expect(error.message).toMatch(/has schema version 2; this cdk-stack reads version 1$/);
  expect(error.hint).toContain('this version of cdk-stack');
});

const manyComponents = Array.from({ length: 50 }, (_, n) => `x${String(n)}`);

test.each<[string, Edit, RegExp]>([
  [
    'an app directory that is a number',
    ['plan', 'directory', 1],
    /plan\.json' is not valid: directory: .*Expected string/,
  ],
  ['no version', ['plan', 'schemaVersion', undefined], /schemaVersion: /],
  ['an unknown type of image', ['plan', 'images.a.type', 'x'], /images\.a\.type: Invalid type/],
  ['a missing member', ['plan', 'images.a.imports', undefined], /images\.a\.imports: .*Expected "imports"/],
  ['an unknown format', ['plan', 'formats', ['zip']], /formats\.0: /],
  [
    'a mode that is too big',
    ['plan', 'images.a.imports', [{ source: { type: 'path', path: 'x' }, dest: '/', mode: 4096 }]],
    /mode: .*Expected <=4095/,
  ],
  [
    'a sha256 that leads elsewhere',
    ['plan', 'images.a.from', { type: 'tar', file: { type: 'path', path: 'x' }, sha256: '../../x' }],
    /sha256: /,
  ],
  ...['file:///etc/passwd', 'https://u:secret@h/x', 'https://h/x#y', 'HTTPS://h/x', ''].map(
    (url): [string, Edit, RegExp] => [
      `an import of the URL '${url}'`,
      ['plan', 'images.a.imports', [{ source: { type: 'url', url }, dest: '/x' }]],
      /: image "a" has a source that is not a URL one can download$/,
    ],
  ),
  [
    'a base that is no URL',
    ['plan', 'images.a.from', { type: 'tar', file: { type: 'url', url: '/x' } }],
    /image "a" has a source that is not a URL/,
  ],
  [
    'a URL without a file name for a directory',
    ['plan', 'images.a.imports', [{ source: { type: 'url', url: 'https://h/d/' }, dest: '/d/' }]],
    /image "a" puts a URL without a file name into a directory/,
  ],
  [
    'a component that is not there',
    ['plan', 'images.c.components', ['a', 'nowhere']],
    /image "c" uses "nowhere", which is not in the plan/,
  ],
  [
    'a component every object has',
    ['plan', 'images.c.components', ['constructor']],
    /uses "constructor", which is not in the plan/,
  ],
  ['a base that is not there', ['plan', 'images.a.from', { type: 'image', image: 'x' }], /image "a" uses "x"/],
  ...['/etc/x.js', '../x.js', 'a/../../x.js'].map((module): [string, Edit, RegExp] => [
    `a merger at ${module}`,
    ['plan', 'images.c.mergers', [{ module, paths: ['/**'] }]],
    /image "c" has a merger whose module is not in the app's directory/,
  ]),
  ['a circle', ['plan', 'images.a.dependsOn', ['c']], /in a circle: a -> c -> a/],
  [
    'a name that leads elsewhere',
    ['plan', 'images.a.name', '../../etc'],
    /image "a" has the name "\.\.\/\.\.\/etc", which no registry accepts/,
  ],
  ['a tag that leads elsewhere', ['plan', 'images.a.tags', ['../x']], /image "a" has the tag "\.\.\/x"/],
  ['a name twice', ['plan', 'images.a.name', 'c'], /images "a" and "c" have the same name "c"/],
  ['a manifest of another plan', ['manifest', 'artifacts.a', undefined], /list different images/],
  ['a manifest that lists more', ['manifest', 'artifacts.z', { type: 'oci:image' }], /list different images/],
  [
    'a tree with a node that is a string',
    ['tree', 'tree.children', ['x']],
    /tree\.json' is not valid: tree\.children\.0/,
  ],
  [
    'more faults than anyone reads',
    ['plan', 'images.c.components', manyComponents],
    /which is not in the plan; and 40 more$/,
  ],
])('%s is an error', async (...[, edit, message]) => {
  const error = await failure(output(edit));
  expect(error.code).toBe('STACK1007');
  expect(error.message).toMatch(message);
});

test('images that are only built may have any name', async () => {
  const directory = output(['plan', 'images.a.name', 'c'], ['plan', 'images.a.buildOnly', true]);
  await expect(loadAssembly(directory)).resolves.toBeDefined();
});

test('what is no JSON is an error', async () => {
  const directory = output();
  fs.writeFileSync(path.join(directory, 'plan.json'), '{"a":');
  expect((await failure(directory)).message).toMatch(/plan\.json' is not JSON: /);
});

test('a tree that is nested too deeply for the stack is an error', async () => {
  const directory = output();
  const depth = 200_000;
  const node = '{"id":"","path":"","construct":"","children":[';
  fs.writeFileSync(
    path.join(directory, 'tree.json'),
    `{"schemaVersion":1,"tree":${node.repeat(depth)}${']}'.repeat(depth)}}`,
  );
  expect(await failure(directory)).toMatchObject({
    code: 'STACK1007',
    message: expect.stringContaining('nested too deeply') as string,
  });
});

test('a file that is too large is not read', async () => {
  const directory = output();
  fs.truncateSync(path.join(directory, 'plan.json'), 64 * 1024 * 1024 + 1);
  expect((await failure(directory)).message).toMatch(/plan\.json' is larger than 67108864 bytes/);
});

test('a directory or a pipe in place of a file is an error', async () => {
  const directory = output();
  fs.rmSync(path.join(directory, 'tree.json'));
  fs.mkdirSync(path.join(directory, 'tree.json'));
  expect((await failure(directory)).message).toMatch(/tree\.json' is not a file/);
  fs.rmdirSync(path.join(directory, 'tree.json'));
  expect(spawnSync('sh', ['-c', 'mkfifo "$0"', path.join(directory, 'tree.json')]).status).toBe(0);
  expect((await failure(directory)).message).toMatch(/tree\.json' is not a file/);
});
