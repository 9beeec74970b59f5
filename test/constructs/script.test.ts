import { Layer } from '../../lib';
import { appWith, planOf, problemsOf, removeDirectories } from './fixture';

afterEach(removeDirectories);

const FILES = { file: '', 'dir/file': '' };

function layerWith(props: object): ReturnType<typeof appWith> {
  const app = appWith(FILES);
  new Layer(app, 'it', props);
  return app;
}

test('an import without a dest is for the script, by the last part of its path', () => {
  const app = appWith(FILES);
  const other = new Layer(app, 'other', { buildOnly: true });
  new Layer(app, 'it', {
    run: 'true',
    imports: ['file', 'dir/', other.file('/export/x'), { source: './dir/file', dest: '/stack/imports/y' }],
  });
  expect(planOf(app).images['it']).toMatchObject({
    imports: [
      { dest: '/stack/imports/file' },
      { dest: '/stack/imports/dir' },
      { dest: '/stack/imports/x' },
      { dest: '/stack/imports/y' },
    ],
  });
});

test('what is only for a script has a plan', () => {
  const app = layerWith({
    run: ['a', 'b'],
    binds: ['/usr -> /host', { source: 'dir', dest: '/d', readonly: false, cacheKey: '1' }],
    caches: ['/var/cache/apt', { path: '/c', id: 'apk', sharing: 'shared' }],
    secrets: [
      { id: 'token', env: 'TOKEN' },
      { id: 'key', file: '../key', dest: 'KEY' },
    ],
    exclude: ['*.log'],
    clean: true,
    generateLabels: 'true',
  });
  expect(JSON.parse(JSON.stringify(app.synth().plan.images['it']))).toMatchObject({
    run: 'a\nb',
    binds: [
      { source: '/usr', dest: '/host', readonly: true },
      { source: 'dir', dest: '/d', readonly: false, cacheKey: '1' },
    ],
    caches: ['/var/cache/apt', { path: '/c', id: 'apk', sharing: 'shared' }],
    secrets: [
      { id: 'token', source: { type: 'env', name: 'TOKEN' }, dest: '/run/secrets/token' },
      { id: 'key', source: { type: 'file', path: '../key' }, dest: 'KEY' },
    ],
    exclude: ['*.log'],
    clean: true,
    generateLabels: 'true',
  });
});

test.each<[string, object, string, RegExp]>([
  [
    'an import without a name',
    { run: 'x', imports: ['.'] },
    'STACK2006',
    /^imports\[0\] is "\."; .*last part is a name/,
  ],
  ['an import for a script that is not there', { imports: ['file'] }, 'STACK2008', /imports\[0\] is for the script/],
  ['two imports of one name', { run: 'x', imports: ['file', 'dir/file'] }, 'STACK2006', /two things for the script/],
  [
    'a bind that is missing',
    { run: 'x', binds: ['nothing'] },
    'STACK2007',
    /^binds\[0\]\.source "nothing" does not exist/,
  ],
  ['a relative bind without a dest', { run: 'x', binds: ['dir'] }, 'STACK2006', /^binds\[0\]\.dest is "dir"/],
  ['a bind over /proc', { run: 'x', binds: ['/usr -> /proc/x'] }, 'STACK2006', /^binds\[0\]\.dest is "\/proc\/x"/],
  [
    'a bind with an unknown member',
    { run: 'x', binds: [{ source: '/usr', ro: true }] },
    'STACK2006',
    /unknown property "ro"/,
  ],
  ['a relative cache', { run: 'x', caches: ['var'] }, 'STACK2006', /^caches\[0\] is "var"/],
  ['a cache that leads up', { run: 'x', caches: ['/a/../b'] }, 'STACK2006', /^caches\[0\]/],
  ['a cache where a bind is', { run: 'x', binds: ['/usr -> /c'], caches: ['/c'] }, 'STACK2006', /"\/c" would be two/],
  ['a cache without a path', { run: 'x', caches: [{ id: 'a' }] }, 'STACK2006', /^caches\[0\]\.path/],
  ['a cache without a name', { run: 'x', caches: [{ path: '/c', id: '' }] }, 'STACK2006', /^caches\[0\]\.id is ""/],
  [
    'a cache with an unknown member',
    { run: 'x', caches: [{ path: '/c', shared: true }] },
    'STACK2006',
    /unknown property "shared"/,
  ],
  [
    'a cache shared in an unknown way',
    { run: 'x', caches: [{ path: '/c', sharing: 'lock' }] },
    'STACK2006',
    /^caches\[0\]\.sharing is "lock"; .*"shared" or "private" or "locked"/,
  ],
  [
    'a secret from nowhere',
    { run: 'x', secrets: [{ id: 'a' }] },
    'STACK2006',
    /^secrets\[0\] needs either file or env/,
  ],
  [
    'a secret from two places',
    { run: 'x', secrets: [{ id: 'a', file: 'f', env: 'E' }] },
    'STACK2006',
    /either file or env/,
  ],
  ['a secret whose id is a path', { run: 'x', secrets: [{ id: '../a', env: 'E' }] }, 'STACK2006', /^secrets\[0\]\.id/],
  [
    'a secret to nowhere',
    { run: 'x', secrets: [{ id: 'a', env: 'E', dest: 'a/b' }] },
    'STACK2006',
    /^secrets\[0\]\.dest/,
  ],
  ['binds without a script', { binds: ['/usr'] }, 'STACK2006', /^binds is for the script/],
  ['clean without run', { generateLabels: 'x', clean: true }, 'STACK2006', /^clean is for the script/],
  ['an empty script', { run: ' ' }, 'STACK2006', /^run is " "/],
])('%s is an error', (...[, props, code, message]) => {
  const problems = problemsOf(layerWith(props));
  expect(problems.map((each) => each.code)).toEqual([code]);
  expect(problems[0]?.message).toMatch(message);
});
