import {
  App,
  DebianPackages,
  ImageSource,
  Layer,
  StackedImage,
  type AppProps,
  type ImageConfig,
  type Import,
} from '../../lib';
import { appWith, problemsOf, removeDirectories } from './fixture';

afterEach(removeDirectories);

/** Values as JavaScript lets users pass them: the app is usually run without a type check. */
function untyped<T>(value: unknown): T {
  return value as T;
}

function layerProblems(props: unknown, files: Record<string, string> = { file: '', 'dir/': '' }) {
  const app = appWith(files);
  new Layer(app, 'it', untyped(props));
  return problemsOf(app);
}

/** Expects exactly one problem. */
function expectOne(
  problems: ReturnType<typeof problemsOf>,
  code: string,
  path: string | undefined,
  message: RegExp,
  hint?: RegExp,
): void {
  expect(problems.map((each) => [each.code, each.path])).toEqual([[code, path]]);
  expect(problems[0]?.message).toMatch(message);
  if (hint !== undefined) expect(problems[0]?.hint).toMatch(hint);
}

const goodImport = { source: 'file', dest: '/file' };

describe('an import', () => {
  test.each<[string, unknown, string, RegExp, RegExp?]>([
    ['that is a number', 1, 'STACK2006', /^imports\[0\] is 1; it must be a path, or an object/],
    ['that is null', null, 'STACK2006', /imports\[0\] is an object|imports\[0\] is null/],
    [
      'with an unknown member',
      { ...goodImport, mod: 0o644 },
      'STACK2006',
      /unknown property "mod"/,
      /did you mean "mode"/,
    ],
    ['without a source', { dest: '/file' }, 'STACK2006', /^imports\[0\]\.source is undefined/],
    ['with an empty source', { source: '', dest: '/' }, 'STACK2006', /source is ""/],
    [
      'with a source of another protocol',
      { source: 'ftp://user:secret@h/f', dest: '/' },
      'STACK2006',
      /^imports\[0\]\.source is "ftp:\/\/\*\*\*@h\/f"; it must be a path or a URL$/,
      /only http and https/,
    ],
    ...['https://', 'http://h:99999/?signature=secret', 'https://h h/secret', 'https://u:sec/ret@h/f'].map(
      (source): [string, unknown, string, RegExp] => [
        `with the URL ${source}`,
        { source, dest: '/f' },
        'STACK2006',
        /^imports\[0\]\.source is not a valid http or https URL$/,
      ],
    ),
    ...['https://user:secret@h/f', 'https://user@h/f', 'https://:secret@h/f'].map(
      (source): [string, unknown, string, RegExp, RegExp] => [
        `with the credentials of ${source}`,
        { source, dest: '/f' },
        'STACK2006',
        /^imports\[0\]\.source has a user or a password in its URL, which would get into the plan and into the lock file$/,
        /URL without/,
      ],
    ),
    ...['https://h', 'https://h/d/?f', 'https://h/%2F', 'https://h/a%2Fb', 'https://h/%ff', 'https://h/a%0Ab'].map(
      (source): [string, unknown, string, RegExp, RegExp] => [
        `into a directory, with the nameless URL ${source}`,
        { source, dest: '/d/' },
        'STACK2008',
        /^imports\[0\]\.source is a URL without a file name, so "dest" must have one$/,
        /write "\/d\/NAME"/,
      ],
    ),
    [
      'with a source in the syntax of stacker',
      { source: 'stacker://a/b', dest: '/' },
      'STACK2006',
      /it must be a path/,
      /image\.file/,
    ],
    [
      'of a file that is missing',
      { source: 'fil', dest: '/' },
      'STACK2007',
      /"fil" does not exist/,
      /did you mean "file"\?/,
    ],
    [
      'of a file in a missing directory',
      { source: 'dirr/a', dest: '/' },
      'STACK2007',
      /does not exist/,
      /did you mean "dir\/a"\?/,
    ],
    [
      'of nothing that resembles anything',
      { source: 'xyzzy', dest: '/' },
      'STACK2007',
      /does not exist/,
      /relative to the app's directory/,
    ],
    ['of an absolute path that is missing', { source: '/no-such-file', dest: '/' }, 'STACK2007', /does not exist/],
    ['of a file with a slash', { source: 'file/', dest: '/' }, 'STACK2007', /a part of it is a file/],
    ['of a path through a file', { source: 'file/a', dest: '/' }, 'STACK2007', /a part of it is a file/],
    [
      'with a relative dest',
      { source: 'file', dest: 'etc/' },
      'STACK2008',
      /dest is "etc\/"/,
      /did you mean "\/etc\/"\?/,
    ],
    ['with an empty dest', { source: 'file', dest: '' }, 'STACK2008', /absolute path/],
    ['with a dest that leads up', { source: 'file', dest: '/a/../b' }, 'STACK2008', /without "\.\."/],
    ['with a NUL in its dest', { source: 'file', dest: '/a\0' }, 'STACK2008', /absolute path/],
    [
      'with a mode that is too big',
      { ...goodImport, mode: 0o10000 },
      'STACK2006',
      /mode is 4096; it must be a whole number from 0 to 4095/,
    ],
    ['with a negative mode', { ...goodImport, mode: -1 }, 'STACK2006', /mode is -1/],
    ['with a mode as text', { ...goodImport, mode: '755' }, 'STACK2006', /mode is "755"/, /octal, such as 0o755/],
    [
      'with a decimal mode',
      { ...goodImport, mode: 755 },
      'STACK2006',
      /mode is 755; it must be permission bits/,
      /did you mean 0o755\?/,
    ],
    ['with the uid that means none', { ...goodImport, uid: 4294967295 }, 'STACK2006', /uid is 4294967295/],
    ['with a gid that is no number', { ...goodImport, gid: NaN }, 'STACK2006', /gid is NaN/],
    ['with a sha256 that is short', { ...goodImport, sha256: 'abc' }, 'STACK2006', /64 hex/],
    [
      'with a sha256 as a digest',
      { ...goodImport, sha256: `sha256:${'a'.repeat(64)}` },
      'STACK2006',
      /64 hex/,
      /leave out the "sha256:"/,
    ],
    [
      'with one pattern instead of a list',
      { ...goodImport, exclude: '*.md' },
      'STACK2006',
      /exclude is "\*\.md"; it must be an array/,
    ],
    ['with an empty pattern', { ...goodImport, exclude: ['a', ''] }, 'STACK2006', /exclude\[1\] is ""/],
  ])('%s is an error', (...[, value, code, message, hint]) => {
    expectOne(layerProblems({ imports: [value] }), code, 'it', message, hint);
  });
});

describe('a config', () => {
  test.each<[string, unknown, RegExp, RegExp?]>([
    ['is a string', 'x', /^config is "x"; it must be an object/],
    ['has an unknown member', { entryPoint: [] }, /unknown property "entryPoint"/, /did you mean "entrypoint"/],
    ['has another unknown member', { zzz: 1 }, /unknown property "zzz"/, /it knows env, entrypoint/],
    ['has "=" in a variable', { env: { 'A=B': '' } }, /^config\.env has the key "A=B"/],
    ['has an empty variable', { env: { '': '' } }, /^config\.env has the key ""/],
    ['has NUL in a variable', { env: { 'A\0': '' } }, /^config\.env has the key "A\\u0000"/],
    ['has NUL in a value', { env: { A: '\0' } }, /^config\.env\.A is "\\u0000"/],
    ['has a variable that is a number', { env: { A: 1 } }, /^config\.env\.A is 1; it must be a string/],
    ['has a variable that is undefined', { env: { A: undefined } }, /^config\.env\.A is undefined/],
    ['has variables as a list', { env: ['A=B'] }, /^config\.env is an array; it must be an object of strings/],
    ['has a command that needs a shell', { cmd: 'a && b' }, /"&" means something to a shell/, /\['\/bin\/sh', '-c'/],
    ['has a command that is a number', { entrypoint: 1 }, /^config\.entrypoint is 1/],
    ['has a word that is a number', { entrypoint: ['a', 1] }, /^config\.entrypoint\[1\] is 1/],
    ['has an empty command', { cmd: ' ' }, /it has no words/, /array of words/],
    ['has fullCommand and cmd', { fullCommand: 'a', cmd: 'b' }, /fullCommand is given together with/, /leave out/],
    ['has an empty user', { user: '' }, /^config\.user is ""/],
    ['has a user that is a number', { user: 1000 }, /^config\.user is 1000; it must be a string/],
    ['has a relative workingDir', { workingDir: 'srv' }, /^config\.workingDir is "srv"; it must be an absolute path/],
    ['has a label that is a boolean', { labels: { a: true } }, /^config\.labels\.a is true/],
    ['has a relative volume', { volumes: ['/a', 'b'] }, /^config\.volumes\[1\] is "b"/],
    ['has port 0', { exposedPorts: [0] }, /^config\.exposedPorts\[0\] is 0; it must be a port/],
    ['has port 65536', { exposedPorts: ['65536'] }, /^config\.exposedPorts\[0\] is "65536"/],
    ['has a range of ports', { exposedPorts: ['80-90'] }, /is "80-90"/],
    ['has a port of an unknown protocol', { exposedPorts: ['80/http'] }, /is "80\/http"/],
    ['has a port that is a fraction', { exposedPorts: [1.5] }, /is 1\.5/],
    ['has a signal without SIG', { stopSignal: 'TERM' }, /^config\.stopSignal is "TERM"/],
    ['has a health check without a test', { healthcheck: {} }, /^config\.healthcheck\.test is undefined/],
    [
      'has a health check that is a bare list',
      { healthcheck: { test: ['curl', 'x'] } },
      /healthcheck\.test is an array; it must be a command line/,
    ],
    ['has a health check with CMD alone', { healthcheck: { test: ['CMD'] } }, /it must be a command line/],
    [
      'has a negative interval',
      { healthcheck: { test: 'a', interval: -1 } },
      /healthcheck\.interval is -1; it must be seconds/,
    ],
    ['has an interval as text', { healthcheck: { test: 'a', interval: '30s' } }, /healthcheck\.interval is "30s"/],
    ['has no retries', { healthcheck: { test: 'a', retries: 0 } }, /healthcheck\.retries is 0/],
    [
      'has a health check with an unknown member',
      { healthcheck: { test: 'a', retry: 1 } },
      /unknown property "retry"/,
      /it knows test|did you mean "retries"/,
    ],
  ])('that %s is an error', (...[, config, message, hint]) => {
    expectOne(layerProblems({ config: untyped<ImageConfig>(config) }), 'STACK2006', 'it', message, hint);
  });
});

describe('an image', () => {
  test.each<[string, unknown, string, RegExp, RegExp?]>([
    ['null as its properties', null, 'STACK2006', /^props is null/],
    ['a base that is null', { from: null }, 'STACK2006', /^from is null; it must be an image/],
    ['a base that is a number', { from: 1 }, 'STACK2006', /^from is 1/],
    [
      'a base in a registry with a name in upper case',
      { from: 'docker://Acme' },
      'STACK2006',
      /^from\.reference cannot be used: 'Acme' is not a reference to an image/,
      /names in lower case/,
    ],
    ['a base that is a name', { from: 'base' }, 'STACK2006', /^from is "base"/, /pass the construct itself/],
    ['a base that is a missing tar', { from: 'tar:fil.tar' }, 'STACK2007', /^from\.file "fil\.tar" does not exist/],
    ['a base that is a tar, but a directory', { from: ImageSource.tar('dir') }, 'STACK2006', /it is a directory/],
    [
      'a base with a wrong sha256',
      { from: ImageSource.tar('file', { sha256: 'x' }) },
      'STACK2006',
      /^from\.sha256 is "x"/,
    ],
    ['a base in no layout', { from: 'oci:' }, 'STACK2006', /^from\.directory is ""/],
    ['a base without a name in a layout', { from: 'oci:dir:' }, 'STACK2006', /^from\.reference is ""/],
    ['imports that are no array', { imports: goodImport }, 'STACK2006', /^imports is an object; it must be an array/],
    ['a platform of one part', { platform: 'amd64' }, 'STACK2006', /^platform is "amd64"/, /"linux\/amd64"/],
    [
      'a platform of an unknown system',
      { platform: 'window/amd64' },
      'STACK2006',
      /^platform is "window\/amd64"/,
      /OS\/ARCHITECTURE/,
    ],
    [
      'an architecture that Go has no name for',
      { platform: 'linux/amd46' },
      'STACK2006',
      /^platform is "linux\/amd46"/,
    ],
    [
      'a script for another system',
      { platform: 'windows/amd64', run: 'true' },
      'STACK2006',
      /scripts run on Linux only/,
    ],
    [
      'labels made for another system',
      { platform: 'freebsd/arm64', generateLabels: 'true' },
      'STACK2006',
      /for freebsd\/arm64/,
    ],
    ['a platform the wrong way round', { platform: 'amd64/linux' }, 'STACK2006', /^platform is/],
    ['no formats', { formats: [] }, 'STACK2006', /^formats is an empty array/],
    [
      'an unknown format',
      { formats: ['squash'] },
      'STACK2006',
      /^formats\[0\] is "squash"; it must be "tar" or "squashfs"/,
      /did you mean "squashfs"/,
    ],
    ['a format twice', { formats: ['tar', 'tar'] }, 'STACK2006', /^formats has "tar" twice/],
    ['a buildOnly that is text', { buildOnly: 'no' }, 'STACK2006', /^buildOnly is "no"; it must be true or false/],
    ['an annotation that is a number', { annotations: { a: 1 } }, 'STACK2006', /^annotations\.a is 1/],
    ['an annotation without a name', { annotations: { '': 'a' } }, 'STACK2006', /^annotations has the key ""/],
    ['a tag with a slash', { tags: ['a/b'] }, 'STACK2009', /^tags\[0\] is "a\/b"/],
    ['an empty tag', { tags: [''] }, 'STACK2009', /^tags\[0\] is ""/],
    ['a tag of 129 letters', { tags: ['ok', 'a'.repeat(129)] }, 'STACK2009', /^tags\[1\] is "a+…/],
    ['tags as text', { tags: 'latest' }, 'STACK2006', /^tags is "latest"; it must be an array/],
    ['a name that is a number', { imageName: 1 }, 'STACK2006', /^imageName is 1/],
  ])('with %s is an error', (...[, props, code, message, hint]) => {
    expectOne(layerProblems(props), code, 'it', message, hint);
  });

  test.each([undefined, [], 'kernel', null])('stacked out of %j is an error', (components) => {
    const app = appWith();
    new StackedImage(app, 'it', untyped(components));
    expect(problemsOf(app)).toMatchObject([
      {
        code: 'STACK2006',
        path: 'it',
        message: expect.stringMatching(/^components is .*; it must be an array of at least one image$/) as string,
      },
    ]);
  });

  test('stacked out of something else than images is an error for each', () => {
    const app = appWith();
    new StackedImage(app, 'it', untyped(['kernel', new Layer(app, 'good'), undefined, app]));
    expect(problemsOf(app).map(({ message }) => message)).toEqual([
      'components[0] is "kernel"; it must be an image, such as a Layer',
      'components[2] is undefined; it must be an image, such as a Layer',
      'components[3] is an object; it must be an image, such as a Layer',
    ]);
  });

  test.each<[string, unknown, string, RegExp, RegExp?]>([
    ['glue that is a flag', { glue: true }, 'STACK2006', /^glue is true; it must be "allow" or "forbid"/],
    ['whiteouts of no policy', { conflicts: { whiteouts: 'fix' } }, 'STACK2006', /^conflicts\.whiteouts is "fix"/],
    ['a merger that is a function', { mergers: [() => 1] }, 'STACK2006', /^mergers\[0\] is function/],
    ['a merger without a module', { mergers: [{ paths: ['/x'] }] }, 'STACK2006', /^mergers\[0\]\.module is undefined/],
    [
      'a merger that is not there',
      { mergers: [{ module: 'mi.js', paths: ['/x'] }] },
      'STACK2007',
      /^mergers\[0\]\.module "mi\.js" does not exist/,
      /"m\.js"/,
    ],
    [
      'a merger elsewhere',
      { mergers: [{ module: '../m.js', paths: ['/x'] }] },
      'STACK2006',
      /^mergers\[0\]\.module is "\.\.\/m\.js"/,
    ],
    [
      'a merger in TypeScript',
      { mergers: [{ module: 'm.ts', paths: ['/x'] }] },
      'STACK2006',
      /^mergers\[0\]\.module is "m\.ts"/,
      /compile/,
    ],
    [
      'a merger for nothing',
      { mergers: [{ module: 'm.js', paths: [] }] },
      'STACK2006',
      /^mergers\[0\]\.paths is an empty array/,
    ],
    [
      'a merger for a relative path',
      { mergers: [{ module: 'm.js', paths: ['x'] }] },
      'STACK2006',
      /^mergers\[0\]\.paths\[0\] is "x"/,
    ],
  ])('stacked with %s is an error', (...[, props, code, message, hint]) => {
    const app = appWith({ 'm.js': '', 'm.ts': '' });
    new StackedImage(app, 'it', [new Layer(app, 'a')], untyped(props));
    expectOne(problemsOf(app), code, 'it', message, hint);
  });

  test('stacked with mergers has them in its plan', () => {
    const app = appWith({ 'mergers/m.js': '' });
    const mergers = [{ module: './mergers/m.js', paths: ['/etc/motd'] }];
    new StackedImage(app, 'it', [new Layer(app, 'a')], { mergers, glue: 'forbid', conflicts: { whiteouts: 'repair' } });
    expect(app.synth().plan.images['it']).toMatchObject({
      mergers,
      glue: 'forbid',
      conflicts: { whiteouts: 'repair' },
    });
  });

  test.each(['boot', '/a/../b', '', '/\0', undefined])('used by its file %j is an error', (file) => {
    const app = appWith();
    const base = new Layer(app, 'base');
    new Layer(app, 'it', { imports: [{ source: base.file(untyped(file)), dest: '/' }] });
    expect(problemsOf(app)).toMatchObject([
      { code: 'STACK2006', path: 'it', message: expect.stringContaining('imports[0].source.path is') as string },
    ]);
  });
});

describe('Debian packages', () => {
  test.each<[string, unknown, RegExp]>([
    ['no properties', undefined, /^props is undefined/],
    ['no packages', {}, /^packages is undefined; it must be an array of at least one/],
    ['an empty list', { packages: [] }, /^packages is an empty array/],
    ['one package as text', { packages: 'curl' }, /^packages is "curl"/],
    ['an uppercase package', { packages: ['ok', 'Curl'] }, /^packages\[1\] is "Curl"/],
    ['an option', { packages: ['--yes'] }, /^packages\[0\] is "--yes"/],
    ['a suite in the package', { packages: ['curl/sid'] }, /^packages\[0\]/],
    ['two packages in one string', { packages: ['curl wget'] }, /^packages\[0\]/],
    ['an empty version', { packages: ['curl='] }, /^packages\[0\]/],
    [
      'unknown dependencies',
      { packages: ['curl'], dependencies: 'all' },
      /^dependencies is "all"; it must be "none" or "closure"/,
    ],
    ['a suite with a space', { packages: ['curl'], suite: 'book worm' }, /^suite is/],
    [
      'a path as sources',
      { packages: ['curl'], sources: '/etc/apt/sources.list' },
      /^sources is .*the text of a sources file/,
    ],
    ['an uppercase architecture', { packages: ['curl'], architecture: 'AMD64' }, /^architecture is/],
    ['one glob to exclude', { packages: ['curl'], exclude: '/usr' }, /^exclude is "\/usr"; it must be an array/],
  ])('with %s are an error', (_, props, message) => {
    const app = appWith();
    new DebianPackages(app, 'it', untyped(props));
    expect(problemsOf(app)).toMatchObject([
      { code: 'STACK2006', path: 'it', message: expect.stringMatching(message) as string },
    ]);
  });

  test.each(['Types: deb\nURIs: x\n', 'deb [trusted=yes] file:/repo ./', '# mine\ndeb x y z'])(
    'can have the sources %j',
    (sources) => {
      const app = appWith();
      new DebianPackages(app, 'it', { packages: ['libstdc++6', 'a1.b-c'], sources });
      expect(() => app.synth()).not.toThrow();
    },
  );
});

describe('an app', () => {
  test.each<[string, AppProps, RegExp, RegExp?]>([
    [
      'milliseconds as its epoch',
      { epoch: Date.UTC(2024, 1) },
      /^epoch is \d+; it must be a whole number from 0 to 4294967295/,
      /seconds, not in milliseconds/,
    ],
    ['a fraction as its epoch', { epoch: 1.5 }, /^epoch is 1\.5/],
    ['no formats', { formats: [] }, /^formats is an empty array/],
    ['an unknown compression', { tar: { compression: untyped('xz') } }, /^tar\.compression is "xz"/],
    ['too high a level for gzip', { tar: { compression: 'gzip', level: 10 } }, /^tar\.level is 10; .* from 1 to 9/],
    ['too high a level for zstd', { tar: { level: 20 } }, /^tar\.level is 20; .* from 1 to 19/],
    ['a level without compression', { tar: { compression: 'none', level: 1 } }, /nothing is compressed/],
    [
      'an unknown squashfs option',
      { squashfs: untyped({ verify: true }) },
      /^squashfs has the unknown property "verify"/,
      /did you mean "verity"/,
    ],
    ['an unknown media type', { squashfs: { mediaType: untyped('old') } }, /^squashfs\.mediaType is "old"/],
  ])('with %s is an error', (...[, props, message, hint]) => {
    const app = appWith({}, props);
    new Layer(app, 'it');
    expectOne(problemsOf(app), 'STACK2006', undefined, message, hint);
  });

  test('in a directory that does not exist is an error', () => {
    const app = new App({ directory: '/does/not/exist' });
    expect(problemsOf(app)).toMatchObject([
      { code: 'STACK2006', message: expect.stringContaining("the app's directory") as string },
    ]);
  });

  test('tells everything that is wrong at once, in the order of the tree', () => {
    const app = appWith({}, { epoch: -1 });
    const bad = new Layer(app, 'Bad', {
      imports: [untyped<Import>({ source: 'missing', dest: 'relative', mode: 'x' })],
    });
    new StackedImage(app, 'stacked', [], { tags: ['-'] });
    bad.node.addValidation({ validate: () => ['mine', 'too'] });
    expect(problemsOf(app).map(({ code, path }) => `${code} ${path ?? '-'}`)).toEqual([
      'STACK2006 -',
      'STACK2007 Bad',
      'STACK2008 Bad',
      'STACK2006 Bad',
      'STACK2009 stacked',
      'STACK2006 stacked',
      'STACK2004 Bad',
      'STACK2013 Bad',
      'STACK2013 Bad',
    ]);
  });

  test('every error of a construct has its line', () => {
    const app = appWith();
    new Layer(app, 'it', { platform: 'x', tags: [''] });
    let sources: (string | undefined)[] = [];
    try {
      app.synth();
    } catch (error) {
      sources = (error as { all(): { source?: string }[] }).all().map(({ source }) => source);
    }
    expect(sources).toHaveLength(2);
    for (const source of sources) expect(source).toMatch(/test\/constructs\/properties\.test\.ts:\d+:\d+$/);
  });

  test('a validation that throws is an error of its construct', () => {
    const app = appWith();
    new Layer(app, 'it').node.addValidation({
      validate: () => {
        throw new TypeError('oops');
      },
    });
    expect(problemsOf(app)).toMatchObject([{ code: 'STACK2013', path: 'it', message: 'a validation threw: oops' }]);
  });

  test('without images is an error', () => {
    expect(problemsOf(appWith())).toMatchObject([{ code: 'STACK2002', message: 'the app has no images' }]);
  });
});
