/** What a layer's delta becomes: `tar`, or `squashfs`, a filesystem image that is mounted as it is. */
export type LayerFormat = 'tar' | 'squashfs';

/** How layers in the format `tar` are made. */
export interface TarOptions {
  /** @default 'zstd' */
  readonly compression?: 'zstd' | 'gzip' | 'none' | undefined;
  /**
   * Compression level: 1 to 19 for zstd, 1 to 9 for gzip.
   * @default 3 for zstd, 6 for gzip
   */
  readonly level?: number | undefined;
}

/** How layers in the format `squashfs` are made. */
export interface SquashfsOptions {
  /**
   * Append a dm-verity hash tree, and write its root hash to the layer's annotations.
   * @default true
   */
  readonly verity?: boolean | undefined;
  /**
   * `current` is the media type stacker writes since 1.1; `legacy` the one before it, for readers that know no other.
   * @default 'current'
   */
  readonly mediaType?: 'current' | 'legacy' | undefined;
  /**
   * zstd level, 1 to 11.
   * @default 3
   */
  readonly level?: number | undefined;
}
