import * as fc from 'fast-check';
import { digestOf, MEDIA_TYPE } from '../../lib/oci';
import { checkLayers, layersOf, stackImages, stepsOf, type ImageStep, type ImageVariant } from '../../lib/stack';
import { failureOf } from '../failure';
import { components, emptyStep, image, squashfsLayer, step, tarLayer, wordsOf } from './fixture';

function of(...steps: readonly ImageStep[]): ImageVariant {
  return image([], {}, { steps });
}

const EMPTY_TAR = { ...tarLayer('empty'), diffId: digestOf(Buffer.alloc(1024)) };

describe('stackImages', () => {
  test('lists the descriptors of its components as they are, annotations and unknown members included', () => {
    const odd = tarLayer('odd', {
      annotations: { 'a.b': 'c' },
      urls: ['https://example.com/x'],
      data: 'eA==',
    } as object);
    const [a, b] = [of(step(squashfsLayer('a'))), of(step(squashfsLayer('b')))];
    expect(layersOf(stackImages(components(a, b)))).toEqual([squashfsLayer('a'), squashfsLayer('b')]);
    expect(layersOf(stackImages(components(of(step(odd)), image(['x']))))[0]).toBe(odd);
  });

  test('takes a tar for one layer however it is compressed, and keeps the blob of the first component', () => {
    const zstd = tarLayer('same');
    const gzip = { ...zstd, descriptor: { mediaType: MEDIA_TYPE.tarGzip, digest: digestOf('gzip'), size: 1 } };
    const docker = {
      ...zstd,
      descriptor: { mediaType: MEDIA_TYPE.dockerLayerGzip, digest: digestOf('docker'), size: 2 },
    };
    expect(layersOf(stackImages(components(of(step(gzip)), of(step(zstd)), of(step(docker)))))).toEqual([gzip]);
  });

  test('takes filesystem images for one layer by their digest', () => {
    const [a, b] = [squashfsLayer('a'), { ...squashfsLayer('a'), descriptor: squashfsLayer('b').descriptor }];
    expect(layersOf(stackImages(components(of(step(a)), of(step(a)))))).toEqual([a]);
    expect(layersOf(stackImages(components(of(step(a)), of(step(b)))))).toEqual([a, b]);
  });

  test('has the platform of its components', () => {
    const platform = { os: 'linux', architecture: 'arm64', variant: 'v8' };
    const bare = { os: 'linux', architecture: 'arm64' };
    expect(
      stackImages(components(image(['a'], {}, { platform }), image(['b'], {}, { platform: bare }))).platform,
    ).toEqual(platform);
  });

  test.each([
    [
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm64' },
    ],
    [
      { os: 'linux', architecture: 'arm64' },
      { os: 'linux', architecture: 'arm64', variant: 'v9' },
    ],
    [
      { os: 'linux', architecture: 'amd64' },
      { os: 'freebsd', architecture: 'amd64' },
    ],
  ])('refuses components for %j and %j', async (one, other) => {
    const [a, b] = [image(['a'], {}, { platform: one }), image(['b'], {}, { platform: other })];
    const error = await failureOf(() => stackImages(components(a, a, b)));
    expect(error.code).toBe('STACK5001');
    expect(error.message).toMatch(/^'a' is for .* and 'c' is for /);
    expect(error.hint).toMatch(/same platform/);
  });

  test('refuses tars and filesystem images together, naming both components', async () => {
    const error = await failureOf(() => stackImages(components(image([]), image(['a']), of(step(squashfsLayer('b'))))));
    expect(error).toMatchObject({
      code: 'STACK5002',
      message: expect.stringMatching(/'b' has tar .*'c' filesystem/) as string,
    });
  });

  test('refuses two root hashes for one filesystem image, naming both components', async () => {
    const layer = squashfsLayer('b');
    const other = { ...layer, descriptor: { ...layer.descriptor, annotations: { other: 'b' } } };
    const error = await failureOf(() => stackImages(components(of(step(layer)), of(step(layer)), of(step(other)))));
    expect(error).toMatchObject({
      code: 'STACK5007',
      message: expect.stringMatching(/'a' has [0-9a-f]{64}, 'c' has none$/) as string,
    });
  });

  test('refuses them in one component too, and layers of a kind it does not know', async () => {
    const mixed = of(step(tarLayer('a')), step(squashfsLayer('b')));
    expect(await failureOf(() => stackImages(components(mixed)))).toMatchObject({ code: 'STACK5002' });
    const unknown = of(step(tarLayer('a', { mediaType: 'application/vnd.example' })));
    const error = await failureOf(() => stackImages(components(unknown)));
    expect(error).toMatchObject({
      code: 'STACK5002',
      message: expect.stringContaining('application/vnd.example') as string,
    });
  });

  test('stacks images without layers', () => {
    expect(stackImages(components(image([], { User: 'me' }), image([]))).steps).toEqual([]);
    expect(wordsOf(stackImages(components(image([]), image(['a']), image([]))))).toEqual(['a']);
  });

  test('keeps history with its layer, and what does nothing behind the layer it followed', () => {
    const [first, a, b] = ['from', 'env', 'cmd'].map((text) => emptyStep(text));
    const base = step(tarLayer('base'), 'base');
    const [x, y] = [step(tarLayer('x'), 'x'), step(tarLayer('y'), 'y')];
    const combined = stackImages(components(of(first!, base, a!, x), of(first!, base, a!, b!, y)));
    expect(combined.steps).toEqual([first, base, a, b, x, y]);
  });

  test('keeps the history of one image as it is, repetitions included', () => {
    const twice = of(emptyStep('e'), emptyStep('e'), step(tarLayer('a')), emptyStep('e'), emptyStep('e'));
    expect(stackImages(components(twice)).steps).toEqual(twice.steps);
    expect(stackImages(components(twice, twice)).steps).toEqual(twice.steps);
  });

  test('drops layers that are known to be empty, and keeps their history as such', () => {
    const combined = stackImages(components(of(step(tarLayer('a')), step(EMPTY_TAR, 'RUN true')), image(['b'])));
    expect(combined.steps).toEqual([step(tarLayer('a')), emptyStep('RUN true'), step(tarLayer('b'), 'b')]);
  });

  test('has as many steps with a layer as layers, and no other step claims one', () => {
    const words = fc.array(fc.constantFrom('a', 'b', 'c', '', ''), { maxLength: 8 });
    const anImage = words.map((list) =>
      of(
        ...[...new Set(list.filter((word) => word !== ''))]
          .sort()
          .flatMap((word) => [step(tarLayer(word)), emptyStep('e')]),
        ...list.filter((word) => word === '').map((_, place) => emptyStep(String(place))),
      ),
    );
    fc.assert(
      fc.property(fc.array(anImage, { minLength: 1, maxLength: 4 }), ([first, ...others]) => {
        const { steps } = stackImages(components(first!, ...others));
        for (const { history, layer } of steps) expect(history.empty_layer === true).toBe(layer === undefined);
      }),
    );
  });
});

describe('checkLayers', () => {
  const tars = (count: number): ImageVariant =>
    image(Array.from({ length: count }, (_, place) => `layer ${String(place)}`));
  const images = (count: number): ImageVariant =>
    of(...Array.from({ length: count }, (_, place) => step(squashfsLayer(String(place)))));

  test.each([
    ['127 tars', tars(127)],
    ['101 tars', tars(101)],
    ['500 filesystem images', images(500)],
    ['31 filesystem images', images(31)],
  ])('warns of %s', (_, variant) => {
    expect(checkLayers(variant)).toMatch(/^the image has \d+ (tar|filesystem) layers; (some runtimes|readers that)/);
  });

  test.each([
    ['no layers', tars(0)],
    ['100 tars', tars(100)],
    ['30 filesystem images', images(30)],
  ])('has nothing to say to %s', (_, variant) => {
    expect(checkLayers(variant)).toBeUndefined();
  });

  test('warns of filesystem images from the number on that the app knows its readers to mount', () => {
    expect(checkLayers(images(60), 60)).toBeUndefined();
    expect(checkLayers(images(61), 60)).toMatch(/^the image has 61 filesystem layers/);
    expect(checkLayers(tars(101), 200)).toBeDefined();
  });

  test.each([
    ['128 tars', tars(128), '127'],
    ['501 filesystem images', images(501), '500'],
  ])('refuses %s', async (_, variant, most) => {
    const error = await failureOf(() => checkLayers(variant));
    expect(error).toMatchObject({
      code: 'STACK5005',
      message: expect.stringMatching(new RegExp(`at most ${most}$`)) as string,
    });
  });

  test('refuses one filesystem image twice, but not one tar', async () => {
    const [x, y] = [step(squashfsLayer('x')), step(squashfsLayer('y'))];
    const error = await failureOf(() => checkLayers(of(x, y, x)));
    expect(error).toMatchObject({
      code: 'STACK5006',
      message: expect.stringContaining(squashfsLayer('x').diffId) as string,
    });
    expect(checkLayers(image(['x', 'y', 'x']))).toBeUndefined();
  });
});

describe('stepsOf', () => {
  const [a, b] = [tarLayer('a'), tarLayer('b')];
  const NOW = '1980-01-01T00:00:00Z';

  test('puts layers to the steps that made them', () => {
    const history = [{ created_by: 'x', empty_layer: true }, { created_by: 'a' }, { created_by: 'b' }];
    expect(stepsOf([a, b], history, NOW)).toEqual([
      { history: history[0] },
      { history: history[1], layer: a },
      { history: history[2], layer: b },
    ]);
  });

  test('makes up steps for layers that have none', () => {
    const made = { created: NOW, created_by: 'layer without history' };
    expect(stepsOf([a, b], [{ created_by: 'a' }], NOW)).toEqual([
      { history: { created_by: 'a' }, layer: a },
      { history: made, layer: b },
    ]);
    expect(stepsOf([a], [], NOW)).toEqual([{ history: made, layer: a }]);
  });

  test('marks steps as empty for which there is no layer', () => {
    expect(stepsOf([a], [{ created_by: 'a' }, { created_by: 'b' }], NOW)).toEqual([
      { history: { created_by: 'a' }, layer: a },
      { history: { created_by: 'b', empty_layer: true } },
    ]);
  });
});
