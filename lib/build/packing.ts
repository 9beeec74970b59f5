import { availableParallelism } from 'node:os';
import { MEDIA_TYPE } from '../oci';
import { compressionVersion, createCompressor, SquashfsSink, TarSink, zstdCompressor, type Sink } from '../pack';
import type { LayerFormat } from '../plan';
import type { BuildContext } from './context';

/**
 * Names the way trees become bytes. Changing those bytes means another number here, and new golden digests.
 */
export const PACKER_VERSION = 2;

const DEFAULT_SQUASHFS_LEVEL = 3;

/** How trees become blobs in one format. */
export interface Packing {
  /** Everything the bytes of a blob depend on besides the tree, as plain data. */
  readonly fingerprint: unknown;
  /** @param file to create */
  createSink(file: string): Sink;
}

/** How an app wants its trees packed. */
export function packingOf({ plan, epoch }: Pick<BuildContext, 'plan' | 'epoch'>, format: LayerFormat): Packing {
  switch (format) {
    case 'tar': {
      const { compression = 'zstd', level } = plan.tar ?? {};
      return {
        fingerprint: { packer: PACKER_VERSION, format, compressor: compressionVersion(compression, level) },
        createSink: (file) => new TarSink(file, createCompressor(compression, level), availableParallelism() + 1),
      };
    }
    case 'squashfs': {
      const { verity = true, level = DEFAULT_SQUASHFS_LEVEL, mediaType: choice } = plan.squashfs ?? {};
      const mediaType = choice === 'legacy' ? MEDIA_TYPE.squashfsLegacy : MEDIA_TYPE.squashfs;
      const options = { level, epoch, verity, mediaType };
      return {
        fingerprint: { packer: PACKER_VERSION, format, ...options },
        createSink: (file) => new SquashfsSink(file, { ...options, compress: zstdCompressor(level) }),
      };
    }
  }
}
