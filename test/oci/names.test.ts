import * as fc from 'fast-check';
import {
  digestOf,
  formatPlatform,
  hexOf,
  isDigest,
  isImageName,
  isIndexType,
  isManifestType,
  isTag,
  mediaFamilyOf,
  parsePlatform,
  samePlatform,
  shortDigest,
  tarCompressionOf,
} from '../../lib/oci';

describe('digests', () => {
  test('are sha256 in hex', () => {
    const empty = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    expect(digestOf('')).toBe(empty);
    expect(digestOf(Buffer.alloc(0))).toBe(empty);
    expect(isDigest(empty)).toBe(true);
    expect(hexOf(empty)).toBe(empty.slice(7));
    expect(shortDigest(empty)).toBe('e3b0c44298fc');
  });

  test('never hold anything but hex', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(isDigest(text)).toBe(false);
        expect(isDigest(`sha256:${text}`)).toBe(/^[0-9a-f]{64}$/.test(text));
      }),
    );
    expect(isDigest(`${digestOf('')}\n`)).toBe(false);
    for (const other of [undefined, null, 1, {}, [digestOf('')]]) expect(isDigest(other)).toBe(false);
  });
});

describe('platforms', () => {
  test.each(['linux/amd64', 'linux/arm64/v8', 'linux/riscv64', 'windows/amd64'])('%s is one', (text) => {
    expect(formatPlatform(parsePlatform(text)!)).toBe(text);
  });

  test.each(['linux', 'linux/', '/amd64', 'Linux/amd64', 'linux/arm64/v8/x', 'linux/amd64\n', ''])('%j is none', (text) => {
    expect(parsePlatform(text)).toBeUndefined();
  });

  test.each([
    ['linux/arm64', 'linux/arm64/v8', true],
    ['linux/arm', 'linux/arm/v7', true],
    ['linux/arm', 'linux/arm/v6', false],
    ['linux/amd64', 'linux/amd64/v1', true],
    ['linux/amd64', 'linux/amd64/v3', false],
    ['linux/amd64', 'linux/arm64', false],
    ['linux/amd64', 'windows/amd64', false],
    ['linux/riscv64', 'linux/riscv64', true],
  ])('%s and %s are the same: %p', (a, b, same) => {
    expect(samePlatform(parsePlatform(a)!, parsePlatform(b)!)).toBe(same);
    expect(samePlatform(parsePlatform(b)!, parsePlatform(a)!)).toBe(same);
  });
});

describe('names', () => {
  test.each(['a', 'a-b', 'a--b', 'a_b', 'a__b', 'a.b', 'org/team/image', '0/1', 'a'.repeat(255)])('%s is one a registry accepts', (name) => {
    expect(isImageName(name)).toBe(true);
  });

  test.each(['', 'A', 'a/', '/a', 'a//b', 'a___b', 'a..b', '-a', 'a-', 'a:b', 'a b', 'ä', 'a\n', 'a'.repeat(256)])('%j is none', (name) => {
    expect(isImageName(name)).toBe(false);
  });

  test.each(['latest', '1.0', 'V1_x-y', '_', 'a'.repeat(128)])('%s is a tag', (tag) => {
    expect(isTag(tag)).toBe(true);
  });

  test.each(['', '.a', '-a', 'a b', 'a/b', 'a:b', 'a\n', 'a'.repeat(129)])('%j is no tag', (tag) => {
    expect(isTag(tag)).toBe(false);
  });
});

describe('media types', () => {
  test.each([
    ['application/vnd.oci.image.layer.v1.tar', 'none'],
    ['application/vnd.oci.image.layer.v1.tar+gzip', 'gzip'],
    ['application/vnd.oci.image.layer.v1.tar+zstd', 'zstd'],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', 'gzip'],
    ['application/vnd.docker.image.rootfs.diff.tar', 'none'],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip'],
    ['application/vnd.docker.image.rootfs.diff.tar.zstd', 'zstd'],
  ])('%s is a tar', (type, compression) => {
    expect(mediaFamilyOf(type)).toBe('tar');
    expect(tarCompressionOf(type)).toBe(compression);
  });

  test.each(['squashfs', 'squashfs+zstd', 'squashfs+gzip', 'squashfs+zstd+verity', 'erofs', 'erofs+lz4hc'])(
    "stacker's %s is a filesystem image",
    (kind) => {
      const type = `application/vnd.stacker.image.layer.${kind}`;
      expect(mediaFamilyOf(type)).toBe('filesystem');
      expect(tarCompressionOf(type)).toBeUndefined();
    },
  );

  test.each(['', 'tar', 'application/json', 'application/vnd.stacker.image.layer.squashfsx', 'application/vnd.oci.image.layer.v1.tar+xz'])(
    '%j is no layer we know',
    (type) => {
      expect(mediaFamilyOf(type)).toBeUndefined();
    },
  );

  test('indexes and manifests are told apart', () => {
    for (const type of ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json']) {
      expect([isIndexType(type), isManifestType(type)]).toEqual([true, false]);
    }
    for (const type of ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json']) {
      expect([isIndexType(type), isManifestType(type)]).toEqual([false, true]);
    }
  });
});
