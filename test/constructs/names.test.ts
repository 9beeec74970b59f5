import fc from 'fast-check';
import { Construct } from 'constructs';
import { Layer, StackedImage, type App } from '../../lib';
import { suggestName } from '../../lib/constructs/private/image-names';
import { isImageName } from '../../lib/oci';
import { appWith, planOf, problemsOf, removeDirectories } from './fixture';

afterEach(removeDirectories);

test.each([
  ['Kernel', 'kernel'],
  ['kernelBuild', 'kernel-build'],
  ['kernel:v1', 'kernel-v1'],
  ['my image', 'my-image'],
  ['-kernel-', 'kernel'],
  ['a..b', 'a-b'],
  ['a._b', 'a-b'],
  ['/a//B/', 'a/b'],
  ['Größe', 'gro-e'],
])('%s is not a name of an image as it is, %s is', (name, suggested) => {
  expect(suggestName(name)).toBe(suggested);
});

test('a good name is its own suggestion, and a long one is cut', () => {
  expect(suggestName('v1.0_x__y--z/a')).toBe('v1.0_x__y--z/a');
  expect(suggestName(`${'a'.repeat(254)}-${'a'.repeat(50)}`)).toBe('a'.repeat(254));
});

test('there is no suggestion when nothing of a name is usable', () => {
  expect(suggestName('名前')).toBeUndefined();
  expect(suggestName('---')).toBeUndefined();
});

test('whatever is suggested is a name a registry accepts', () => {
  const unit = fc.constantFrom(...'aBz09._-/: éß名\u0301\0');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 30 }), (name) => {
      const suggested = suggestName(name);
      expect(suggested === undefined || isImageName(suggested)).toBe(true);
    }),
  );
});

test('an invalid default name is an error that suggests one', () => {
  const app = appWith();
  new Layer(app, 'KernelBuild');
  expect(problemsOf(app)).toEqual([
    {
      code: 'STACK2004',
      path: 'KernelBuild',
      message: expect.stringMatching(/^"KernelBuild" cannot be the name of an image: names are made of/) as string,
      hint: 'rename the construct or set imageName, for example to "kernel-build"',
    },
  ]);
});

test('an invalid imageName is an error, also when it is only too long', () => {
  const app = appWith();
  new Layer(app, 'a', { imageName: 'host:5000/a' });
  new Layer(app, 'b', { imageName: 'b'.repeat(256) });
  expect(problemsOf(app)).toMatchObject([
    { code: 'STACK2004', path: 'a', hint: 'set imageName, for example to "host-5000/a"' },
    {
      code: 'STACK2004',
      path: 'b',
      message: expect.stringContaining('it has 256 characters, and 255 are allowed') as string,
    },
  ]);
});

test('two images of one name are one error that names both and where they are', () => {
  const app = appWith();
  new Layer(app, 'a-b');
  new Layer(new Construct(app, 'a'), 'b');
  expect(problemsOf(app)).toEqual([
    {
      code: 'STACK2003',
      path: 'a/b',
      message: expect.stringMatching(
        /^"a-b" \(.*names\.test\.ts:\d+:\d+\) and "a\/b" \(.*names\.test\.ts:\d+:\d+\) would be published under the same name "a-b"$/,
      ) as string,
      hint: 'give all but one of them another imageName, or another platform',
    },
  ]);
});

test('three images of one name in two formats are still one error', () => {
  const app = appWith({}, { formats: ['tar', 'squashfs'] });
  for (const id of ['a', 'b', 'c']) new Layer(app, id, { imageName: 'same' });
  expect(problemsOf(app)).toMatchObject([{ code: 'STACK2003', path: 'c' }]);
});

describe('images of one name for several platforms', () => {
  /** Whether they declare the platform or what they stand on does. */
  function appForTwo(): App {
    const app = appWith();
    for (const architecture of ['amd64', 'arm64']) {
      const platform = `linux/${architecture}`;
      const kernel = new Layer(app, `kernel-${architecture}`, { imageName: 'kernel', platform });
      new StackedImage(app, `combined-${architecture}`, [kernel], { imageName: 'combined' });
    }
    return app;
  }

  test('are one image', () => {
    const names = Object.values(planOf(appForTwo()).images).map(({ name }) => name);
    expect(names.sort()).toEqual(['combined', 'combined', 'kernel', 'kernel']);
  });

  test('are an error when two are for one platform', () => {
    const app = appForTwo();
    const kernel = app.node.findChild('kernel-arm64') as Layer;
    new StackedImage(app, 'again', [kernel], { imageName: 'combined' });
    expect(problemsOf(app)).toMatchObject([
      { code: 'STACK2003', path: 'again', message: expect.stringContaining('"combined-arm64"') as string },
    ]);
  });
});

test('names that meet only because of a format are an error', () => {
  const app = appWith();
  new Layer(app, 'kernel', { formats: ['squashfs'] });
  new Layer(app, 'kernel-squashfs');
  expect(problemsOf(app)).toMatchObject([
    { code: 'STACK2003', message: expect.stringContaining('"kernel-squashfs"') as string },
  ]);
});

test('images that are only built need no usable name', () => {
  const app = appWith();
  new Layer(app, 'kernelBuild', { buildOnly: true });
  new Layer(app, 'a', { buildOnly: true, imageName: 'same' });
  new Layer(app, 'b', { imageName: 'same' });
  expect(Object.keys(planOf(app).images)).toEqual(['kernelBuild', 'a', 'b']);
});
