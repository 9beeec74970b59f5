import type { Index } from '../../lib/oci';
import { nameImages, type NamedImage } from '../../lib/toolkit/named-images';
import type { PublishedImage } from '../../lib/toolkit/published-images';
import { failureOf } from '../failure';

/** An image whose digest is told by its path and format. */
function image(
  path: string,
  name: string,
  options: { readonly architecture?: string; readonly format?: 'tar' | 'squashfs'; readonly tags?: string[] } = {},
): PublishedImage {
  const { architecture = 'amd64', format = 'tar', tags } = options;
  const digest = `sha256:${Buffer.from(`${path} ${format}`).toString('hex').padEnd(64, '0')}`;
  const platform = { os: 'linux', architecture };
  return {
    path,
    format,
    tags,
    plan: { name } as PublishedImage['plan'],
    encoded: {
      manifest: { mediaType: 'm', digest, size: 1, platform },
      blobs: [],
    } as unknown as PublishedImage['encoded'],
  };
}

const references = (images: readonly NamedImage[]): string[] =>
  images.map(({ name, tag, suffix, images: members }) => {
    return `${name}:${tag ?? ''}${suffix} ${members.map(({ path, format }) => `${path} ${format}`).join(', ')}`;
  });

const entriesOf = ({ index }: NamedImage): Index['manifests'] => (JSON.parse(String(index!.from)) as Index).manifests;

test('an image has a name for each tag and format, and is itself what it names', () => {
  const images = [image('a', 'a', { tags: ['1', '2'] }), image('a', 'a', { tags: ['1', '2'], format: 'squashfs' })];
  const named = nameImages(images, 'suffix');
  expect(references(named)).toEqual(['a:1 a tar', 'a:2 a tar', 'a:1-squashfs a squashfs', 'a:2-squashfs a squashfs']);
  expect(named.map(({ manifest }) => manifest.digest)).toEqual(
    [0, 0, 1, 1].map((at) => images[at]!.encoded.manifest.digest),
  );
  expect(named.map(({ index }) => index)).toEqual([undefined, undefined, undefined, undefined]);
});

test('images for several platforms are one index, which does not depend on their order', () => {
  const images = [image('y', 'a', { architecture: 'arm64' }), image('x', 'a'), image('b', 'b')];
  const [a, b] = nameImages(images, 'suffix');
  const [, other] = nameImages([...images].reverse(), 'suffix');
  expect(a!.manifest).toEqual(other!.manifest);
  expect(entriesOf(a!)).toEqual([images[1]!.encoded.manifest, images[0]!.encoded.manifest]);
  expect(b).not.toHaveProperty('index');
});

test('formats in one index come behind tar, and ask for the feature', () => {
  const images = [
    image('y', 'a', { format: 'squashfs' }),
    image('y', 'a'),
    image('x', 'a', { architecture: 'arm64', format: 'squashfs' }),
  ];
  const [a] = nameImages(images, 'index');
  expect(entriesOf(a!).map(({ platform }) => platform)).toEqual([
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'amd64', 'os.features': ['squashfs'] },
    { os: 'linux', architecture: 'arm64', 'os.features': ['squashfs'] },
  ]);
});

test('a tag that only one of the platforms has is no index', () => {
  const named = nameImages(
    [image('x', 'a', { tags: ['1'] }), image('y', 'a', { architecture: 'arm64', tags: ['1', 'arm'] })],
    'suffix',
  );
  expect(references(named)).toEqual(['a:1 x tar, y tar', 'a:arm y tar']);
});

test.each([
  ['of one name for one platform', [image('x', 'a'), image('y', 'a')]],
  [
    'whose names meet because of a format',
    [image('x', 'a', { format: 'squashfs' }), image('y', 'a-squashfs', { architecture: 'arm64' })],
  ],
])('two images %s are an error', async (_, images) => {
  const error = await failureOf(Promise.resolve().then(() => nameImages(images, 'suffix')));
  expect(error).toMatchObject({
    code: 'STACK2003',
    message: expect.stringMatching(/^'x' and 'y' would both/) as string,
  });
});
