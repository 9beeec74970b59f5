import { Construct } from 'constructs';
import { App, DebianPackages, Image, ImageSource, Layer, LayerFile, StackedImage } from '../../lib';
import type * as library from '../../lib';
import { declare } from '../../lib/constructs/private/declaration';
import { appWith, planOf, problemsOf, removeDirectories } from './fixture';

afterEach(removeDirectories);

function otherCopy(): typeof library {
  let copy: typeof library | undefined;
  jest.isolateModules(() => {
    copy = jest.requireActual<typeof library>('../../lib');
  });
  return copy!;
}

test('every class recognises instances of another copy of the package, and nothing else', () => {
  const other = otherCopy();
  const app = new other.App();
  const layer = new other.Layer(app, 'layer');
  const stacked = new other.StackedImage(app, 'stacked', [layer]);
  const debian = new other.DebianPackages(app, 'debian', { packages: ['a'] });
  const things: unknown[] = [
    app,
    layer,
    stacked,
    debian,
    layer.file('/a'),
    other.ImageSource.scratch(),
    {},
    null,
    undefined,
    'Layer',
    () => 1,
  ];
  const recognise = (is: (x: unknown) => boolean): number[] =>
    things.flatMap((thing, index) => (is(thing) ? [index] : []));

  expect(other.Layer).not.toBe(Layer);
  expect(recognise((x) => App.isApp(x))).toEqual([0]);
  expect(recognise((x) => Image.isImage(x))).toEqual([1, 2, 3]);
  expect(recognise((x) => Layer.isLayer(x))).toEqual([1]);
  expect(recognise((x) => StackedImage.isStackedImage(x))).toEqual([2]);
  expect(recognise((x) => DebianPackages.isDebianPackages(x))).toEqual([3]);
  expect(recognise((x) => LayerFile.isLayerFile(x))).toEqual([4]);
  expect(recognise((x) => ImageSource.isImageSource(x))).toEqual([5]);
  const classes = [App, Image, Layer, StackedImage, DebianPackages, LayerFile, ImageSource] as (abstract new (
    ...args: never[]
  ) => unknown)[];
  expect(classes.map((owner) => recognise((x) => x instanceof owner))).toEqual([
    [0],
    [1, 2, 3],
    [1],
    [2],
    [3],
    [4],
    [5],
  ]);
});

test('images of another copy of the package can be used and are synthesized', () => {
  const other = otherCopy();
  const app = appWith();
  const base = new other.Layer(app, 'base', { from: other.ImageSource.ociLayout('x') });
  new Layer(app, 'mine', { imports: [{ source: base.file('/a'), dest: '/' }] });
  new StackedImage(app, 'stacked', [base]);
  expect(planOf(app).images).toMatchObject({
    base: { from: { type: 'oci-layout', directory: 'x' } },
    mine: { imports: [{ source: { image: 'base' } }] },
    stacked: { components: ['base'] },
  });
});

test('instanceof a subclass of the user is not fooled by the marker of its parent', () => {
  class Kernel extends Layer {}
  const app = new App();
  expect(new Kernel(app, 'a') instanceof Kernel).toBe(true);
  expect(new Kernel(app, 'b') instanceof Layer).toBe(true);
  expect(new Layer(app, 'c') instanceof Kernel).toBe(false);
});

test('App.of finds the app of a construct', () => {
  const app = new App();
  expect(App.of(new Layer(new Layer(app, 'a'), 'b'))).toBe(app);
  const root = new Construct(undefined as never, 'root');
  expect(() => App.of(new Construct(root, 'child'))).toThrow('the root of the construct tree is not an App');
});

test('an image of a kind that only a newer copy of the package knows is an error', () => {
  const app = appWith();
  const layer = new Layer(app, 'it', { from: ImageSource.scratch() });
  const newer = Object.assign(new Construct(app, 'newer'), { imageName: 'newer', file: () => layer.file('/') });
  declare(newer, { declaration: { type: 'erofs-image', props: {} } as never, stack: {} });
  const source = Object.assign(Object.create(ImageSource.prototype) as object, { spec: { type: 'ipfs' } });
  new Layer(app, 'on-newer', { from: source as ImageSource });
  expect(problemsOf(app)).toMatchObject([
    {
      code: 'STACK2006',
      path: 'newer',
      message: expect.stringContaining('another version of cdk-stack, as "erofs-image"') as string,
    },
    { code: 'STACK2006', path: 'on-newer', message: expect.stringContaining('from is "ipfs"') as string },
  ]);
});
