import { Image, Layer, PublishedImage, StackedImage } from '../../lib';
import { dependenciesOf } from '../../lib/plan';
import { appWith, planOf, problemsOf, removeDirectories } from './fixture';

afterEach(removeDirectories);

const DIGEST = `sha256:${'a'.repeat(64)}`;

test('an image in a registry is one that is not published, with its complete reference', () => {
  const app = appWith();
  PublishedImage.fromRegistry(app, 'ssl', 'acme/ssl', { platform: 'linux/arm64' });
  PublishedImage.fromRegistry(app, 'pinned', `GHCR.io/acme/ssl:3@${DIGEST}`);
  expect(planOf(app).images).toEqual({
    ssl: {
      type: 'layer',
      name: 'ssl',
      buildOnly: true,
      platform: 'linux/arm64',
      from: { type: 'registry', reference: 'docker.io/acme/ssl:latest' },
      imports: [],
    },
    pinned: {
      type: 'layer',
      name: 'pinned',
      buildOnly: true,
      from: { type: 'registry', reference: `ghcr.io/acme/ssl:3@${DIGEST}` },
      imports: [],
    },
  });
});

test.each([
  ['./images', { directory: './images' }],
  ['./images:ssl', { directory: './images', reference: 'ssl' }],
  ['./images:ssl:3-squashfs', { directory: './images', reference: 'ssl:3-squashfs' }],
  [`images:${DIGEST}`, { directory: 'images', reference: DIGEST }],
])('an image in the layout %s is one that is not published', (place, from) => {
  const app = appWith();
  PublishedImage.fromLayout(app, 'ssl', place);
  expect(planOf(app).images['ssl']).toMatchObject({ buildOnly: true, from: { type: 'oci-layout', ...from } });
});

test('it is a component, a base, and something to take files from', () => {
  const app = appWith();
  const ssl = PublishedImage.fromRegistry(app, 'ssl', 'ghcr.io/acme/ssl:3');
  const on = new Layer(app, 'on', { from: ssl });
  const taker = new Layer(app, 'taker', { imports: [{ source: ssl.file('/etc/ssl'), dest: '/ssl' }] });
  new StackedImage(app, 'server', [ssl, on, taker]);
  const { images } = planOf(app);
  expect(images['on']).toMatchObject({ from: { type: 'image', image: 'ssl' } });
  expect(images['taker']).toMatchObject({ imports: [{ source: { type: 'image-file', image: 'ssl' } }] });
  expect(images['server']).toMatchObject({ components: ['ssl', 'on', 'taker'] });
  expect(dependenciesOf(images['server']!)).toEqual(['on', 'ssl', 'taker']);
});

test('it is an image and a published one, but no layer', () => {
  const app = appWith();
  const ssl = PublishedImage.fromRegistry(app, 'ssl', 'ghcr.io/acme/ssl:3');
  const layer = new Layer(app, 'layer');
  expect([ssl, layer].map((each) => [each instanceof PublishedImage, each instanceof Layer])).toEqual([
    [true, false],
    [false, true],
  ]);
  expect(ssl).toBeInstanceOf(Image);
  expect(PublishedImage.isPublishedImage(ssl)).toBe(true);
  expect(PublishedImage.isPublishedImage(layer)).toBe(false);
});

test('its functions need no receiver', () => {
  const { fromLayout, fromRegistry } = PublishedImage;
  const app = appWith();
  fromRegistry(app, 'a', 'ghcr.io/acme/ssl:3');
  fromLayout(app, 'b', './images');
  expect(Object.keys(planOf(app).images)).toEqual(['a', 'b']);
});

test('two apps that name the same image alike have the same plan', () => {
  const plans = ['debian', 'docker.io/library/debian:latest', 'index.docker.io/debian'].map((reference) => {
    const app = appWith();
    PublishedImage.fromRegistry(app, 'base', reference);
    return planOf(app);
  });
  expect(plans[1]).toEqual(plans[0]);
  expect(plans[2]).toEqual(plans[0]);
});

test.each<[string, unknown]>([
  ['upper case', 'ghcr.io/Acme/ssl'],
  ['a short digest', 'ghcr.io/acme/ssl@sha256:abc'],
  ['a password', 'user:secret@ghcr.io/acme/ssl'],
  ['nothing', ''],
  ['no text', 3],
])('a reference with %s is one error at the image', (_, reference) => {
  const app = appWith();
  PublishedImage.fromRegistry(app, 'ssl', reference as string);
  expect(problemsOf(app)).toMatchObject([{ code: 'STACK2006', path: 'ssl' }]);
});

test('a layout without a directory is one error at the image', () => {
  const app = appWith();
  PublishedImage.fromLayout(app, 'ssl', ':ssl');
  expect(problemsOf(app)).toMatchObject([{ code: 'STACK2006', path: 'ssl' }]);
});
