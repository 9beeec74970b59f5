import type { Construct } from 'constructs';
import {
  App,
  DebianPackages,
  ImageSource,
  Layer,
  PublishedImage,
  StackedImage,
  StackError,
  type AppProps,
  type DebianPackagesProps,
  type LayerProps,
  type StackedImageProps,
} from '../../lib';
import { suggestPlatform } from '../../lib/oci';
import { appWith, directoryWith, problemsOf, removeDirectories } from './fixture';

afterEach(removeDirectories);

/** Values as JavaScript lets users pass them: the app is usually run without a type check. */
function untyped<T>(value: unknown): T {
  return value as T;
}

type Maker = (app: App, props: unknown) => void;

const MAKERS: Readonly<Record<string, Maker>> = {
  // With a script, since some properties are only for one.
  Layer: (app, props) => new Layer(app, 'it', untyped({ run: 'true', ...(props as object) })),
  StackedImage: (app, props) => new StackedImage(app, 'it', [new Layer(app, 'part')], untyped(props)),
  DebianPackages: (app, props) => new DebianPackages(app, 'it', untyped({ packages: ['curl'], ...(props as object) })),
  'PublishedImage of a registry': (app, props) => PublishedImage.fromRegistry(app, 'it', 'acme/ssl:1', untyped(props)),
  'PublishedImage of a layout': (app, props) => PublishedImage.fromLayout(app, 'it', './oci', untyped(props)),
};

test.each([
  ['Layer', 'import', 'imports'],
  ['Layer', 'form', 'from'],
  ['Layer', 'buildonly', 'buildOnly'],
  ['StackedImage', 'conflict', 'conflicts'],
  ['StackedImage', 'merger', 'mergers'],
  ['DebianPackages', 'package', 'packages'],
  ['PublishedImage of a registry', 'platfrom', 'platform'],
  ['PublishedImage of a layout', 'platfrom', 'platform'],
])('a property that %s does not know is an error: %s', (maker, wrong, meant) => {
  const app = appWith();
  MAKERS[maker]?.(app, { [wrong]: ['x'] });
  expect(problemsOf(app)).toEqual([
    {
      code: 'STACK2006',
      path: 'it',
      message: `${maker.replace(/ .*/, '')} has the unknown property "${wrong}"`,
      hint: `did you mean "${meant}"?`,
    },
  ]);
});

test('a published image knows no properties of layers, also those it is made of', () => {
  const app = appWith();
  PublishedImage.fromRegistry(app, 'it', 'acme/ssl:1', untyped({ buildOnly: false, config: {}, from: 'scratch' }));
  expect(problemsOf(app).map(({ message }) => message)).toEqual(
    ['buildOnly', 'config', 'from'].map((name) => `PublishedImage has the unknown property "${name}"`),
  );
});

test('properties that an app, or the options of a tar, do not know are errors', () => {
  const app = appWith({ 'a.tar': '' }, untyped({ format: ['tar'] }));
  new Layer(app, 'it', { from: ImageSource.tar('a.tar', untyped({ sha265: 'a' })) });
  expect(problemsOf(app)).toMatchObject([
    { message: 'App has the unknown property "format"', hint: 'did you mean "formats"?' },
    { message: 'from has the unknown property "sha265"', hint: 'did you mean "sha256"?' },
  ]);
});

test('a subclass may have properties of its own, and pass on all of them', () => {
  class Kernel extends Layer {
    public constructor(scope: Construct, id: string, props: LayerProps & { readonly version: string }) {
      super(scope, id, props);
    }
  }
  const app = appWith();
  new Kernel(app, 'kernel', { version: '6.1' });
  expect(() => app.synth()).not.toThrow();
});

/** Every property, so that none is forgotten: the compiler wants all of them. */
const LAYER: Readonly<Record<keyof LayerProps, true>> = {
  from: true,
  imports: true,
  run: true,
  buildEnv: true,
  buildEnvPassthrough: true,
  network: true,
  binds: true,
  caches: true,
  secrets: true,
  exclude: true,
  clean: true,
  idLane: true,
  generateLabels: true,
  config: true,
  annotations: true,
  platform: true,
  formats: true,
  buildOnly: true,
  imageName: true,
  tags: true,
};
type Own<T> = Readonly<Record<Exclude<keyof T, keyof LayerProps>, true>>;
const STACKED: Own<StackedImageProps> = { conflicts: true, mergers: true, glue: true };
const DEBIAN: Own<DebianPackagesProps> = {
  packages: true,
  dependencies: true,
  suite: true,
  sources: true,
  architecture: true,
};
const APP: Readonly<Record<keyof AppProps, true>> = {
  epoch: true,
  formats: true,
  tar: true,
  squashfs: true,
  limits: true,
  context: true,
  outdir: true,
  directory: true,
};

/** Values of every type, of which a property takes one or two. */
const VALUES: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['a number', 7.5],
  ['NaN', NaN],
  ['a bigint', 10n],
  ['a symbol', Symbol('s')],
  ['a function', () => 1],
  ['true', true],
  ['text', 'no such thing'],
  ['text with NUL', '\0'],
  ['an empty array', []],
  ['an array of null', [null]],
  ['an array of arrays', [[[]]]],
  ['an array of symbols', [Symbol('s')]],
  ['an empty object', {}],
  ['an object without prototype', Object.create(null)],
  ['an object of objects', { a: { b: {} } }],
  ['an object of symbols', { a: Symbol('s') }],
  ['a date', new Date(0)],
  ['a map', new Map([['a', 1]])],
];

/** Properties by the class that has them, with what makes one. */
const PROPERTIES = [
  ...Object.keys(LAYER).map((name) => ['Layer', name] as const),
  ...Object.keys(STACKED).map((name) => ['StackedImage', name] as const),
  ...Object.keys(DEBIAN).map((name) => ['DebianPackages', name] as const),
  ['PublishedImage of a registry', 'platform'] as const,
  ...Object.keys(APP).map((name) => ['App', name] as const),
];

/** Fails for whatever is thrown but errors of ours about this property: a TypeError from inside would be a fault. */
function synthesizeWith(maker: string, name: string, value: unknown): readonly StackError[] {
  const directory = directoryWith();
  try {
    const app = new App({ directory, ...(maker === 'App' ? { [name]: value } : {}) });
    if (maker === 'App') new Layer(app, 'it');
    else MAKERS[maker]?.(app, { [name]: value });
    app.synth();
    return [];
  } catch (error) {
    if (!StackError.is(error)) throw error;
    return error.all();
  }
}

test.each(PROPERTIES)('%s.%s is refused with a clear error, whatever it is', (maker, name) => {
  const outcomes = VALUES.map(([type, value]) => {
    const errors = synthesizeWith(maker, name, value);
    for (const error of errors) {
      expect({ type, code: error.code, message: error.message }).toMatchObject({
        code: expect.stringMatching(/^STACK20\d\d$/) as string,
        message: expect.stringMatching(new RegExp(`\\b${name}\\b|the name of an image`)) as string,
      });
    }
    return errors.length;
  });
  expect(Math.max(...outcomes)).toBe(1);
  expect(outcomes.filter((count) => count === 1).length).toBeGreaterThanOrEqual(VALUES.length / 2);
});

test.each([
  [undefined, 'undefined'],
  [null, 'null'],
  ['app', '"app"'],
  [{}, 'an object'],
])('a scope that is %j is an error', (scope, shown) => {
  expect(() => new Layer(untyped(scope), 'it')).toThrow(
    expect.objectContaining({
      code: 'STACK2012',
      message: `the scope of the image "it" is ${shown}; it must be a construct`,
      source: expect.stringMatching(/^test\/constructs\/unknown-properties\.test\.ts:/) as string,
    }) as Error,
  );
});

test.each([7, {}, ['a'], Symbol('s'), 10n])('an id that is no text is an error', (id) => {
  expect(() => new Layer(new App(), untyped(id))).toThrow(
    expect.objectContaining({
      code: 'STACK2012',
      message: expect.stringMatching(/^the id of an image in the app is /) as string,
    }) as Error,
  );
});

test.each([null, 1, 'x', [], () => 1])('an app with %p for its properties is an error', (props) => {
  const app = new App(untyped(props));
  new Layer(app, 'it');
  expect(problemsOf(app)).toMatchObject([
    { code: 'STACK2006', message: expect.stringMatching(/^props is /) as string },
  ]);
});

test.each([
  ['linux/x86_64', 'linux/amd64'],
  ['linux/x86-64', 'linux/amd64'],
  ['x86_64', 'linux/amd64'],
  ['amd64', 'linux/amd64'],
  ['amd64/linux', 'linux/amd64'],
  ['Linux/AMD64', 'linux/amd64'],
  ['linux/aarch64', 'linux/arm64'],
  ['aarch64', 'linux/arm64'],
  ['arm64/v8', 'linux/arm64/v8'],
  ['linux/armv7l', 'linux/arm/v7'],
  ['armhf', 'linux/arm/v7'],
  ['linux/i386', 'linux/386'],
  ['i686', 'linux/386'],
  ['linux/ppc64el', 'linux/ppc64le'],
])('the platform %s is an error that says what was meant', (platform, meant) => {
  const app = appWith();
  new Layer(app, 'it', { platform });
  expect(problemsOf(app)).toMatchObject([{ code: 'STACK2006', path: 'it', hint: `did you mean "${meant}"?` }]);
});

test.each(['linux/amd64', 'linux/arm64/v8', 'linux/s390x', 'windows/amd64', '', 'linux', 'a/b/c/d'])(
  'nothing is suggested for %j',
  (platform) => {
    expect(suggestPlatform(platform)).toBeUndefined();
  },
);
