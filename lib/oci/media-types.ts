/** Media types we write and read. Sources: image-spec media-types.md; stacker's and atomfs' sources for the filesystem images. */
export const MEDIA_TYPE = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  tar: 'application/vnd.oci.image.layer.v1.tar',
  tarGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  tarZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  squashfs: 'application/vnd.stacker.image.layer.squashfs+zstd',
  squashfsLegacy: 'application/vnd.stacker.image.layer.squashfs+zstd+verity',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const;

/** What can be done with a layer: unpacked (tar), or mounted as it is (a filesystem image). */
export type MediaFamily = 'tar' | 'filesystem';

/** How the tar of a layer is compressed. */
export type TarCompression = 'none' | 'gzip' | 'zstd';

/** OCI names of Docker's layer media types; the bytes are the same (image-spec, media-types.md, "Compatibility Matrix"). */
const OCI_TYPE: ReadonlyMap<string, string> = new Map([
  [MEDIA_TYPE.dockerLayer, MEDIA_TYPE.tar],
  [MEDIA_TYPE.dockerLayerGzip, MEDIA_TYPE.tarGzip],
  ['application/vnd.docker.image.rootfs.diff.tar.zstd', MEDIA_TYPE.tarZstd],
  ['application/vnd.docker.image.rootfs.foreign.diff.tar', 'application/vnd.oci.image.layer.nondistributable.v1.tar'],
  [
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  ],
]);

const TAR_COMPRESSION: ReadonlyMap<string, TarCompression> = new Map([
  [MEDIA_TYPE.tar, 'none'],
  [MEDIA_TYPE.tarGzip, 'gzip'],
  [MEDIA_TYPE.tarZstd, 'zstd'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar', 'none'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', 'gzip'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar+zstd', 'zstd'],
  [MEDIA_TYPE.dockerLayer, 'none'],
  [MEDIA_TYPE.dockerLayerGzip, 'gzip'],
  ['application/vnd.docker.image.rootfs.diff.tar.zstd', 'zstd'],
  ['application/vnd.docker.image.rootfs.foreign.diff.tar', 'none'],
  ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', 'gzip'],
]);

/**
 * A layer as an OCI manifest lists it: clients refuse OCI manifests with layers of Docker's media types. Digest, size and
 * annotations stay.
 */
export function ociLayer<T extends { readonly mediaType: string }>(descriptor: T): T {
  const mediaType = OCI_TYPE.get(descriptor.mediaType);
  return mediaType === undefined ? descriptor : { ...descriptor, mediaType };
}

/** Compression of a tar layer's media type; undefined when it is no tar layer. */
export function tarCompressionOf(mediaType: string): TarCompression | undefined {
  return TAR_COMPRESSION.get(mediaType);
}

/** Media family of a layer's media type; undefined when it is no layer we know. */
export function mediaFamilyOf(mediaType: string): MediaFamily | undefined {
  if (TAR_COMPRESSION.has(mediaType)) return 'tar';
  return /^application\/vnd\.stacker\.image\.layer\.(squashfs|erofs)(\+[a-z0-9]+)*$/.test(mediaType) ? 'filesystem' : undefined;
}

/** True for an image index or a Docker manifest list. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE.index || mediaType === MEDIA_TYPE.dockerIndex;
}

/** True for an OCI or Docker image manifest. */
export function isManifestType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE.manifest || mediaType === MEDIA_TYPE.dockerManifest;
}

/** Annotation keys we write, each with its source. */
export const ANNOTATION = {
  /** image-spec annotations.md; in an index.json the name by which tools find an image. */
  refName: 'org.opencontainers.image.ref.name',
  /** image-spec annotations.md: the image whose layers are the lowest ones. */
  baseDigest: 'org.opencontainers.image.base.digest',
  /** image-spec annotations.md: the reference of that image. */
  baseName: 'org.opencontainers.image.base.name',
  /** atomfs, current key: root hash of the dm-verity tree behind a filesystem image, lowercase hex. */
  verityRootHash: 'io.stackeroci.stacker.atomfs_verity_root_hash',
  /** stacker before 1.1; written too, since its readers know only this one. */
  verityRootHashLegacy: 'io.stackeroci.stacker.squashfs_verity_root_hash',
  /** Ours, on the descriptor of a glue layer: digest of everything it was made from. */
  glue: 'dev.cdk-stack.glue',
  /** Ours, on the manifest of a combination: its components, and how they are combined, as JSON. */
  components: 'dev.cdk-stack.components',
} as const;
