import * as zlib from 'node:zlib';
import { StackError } from '../core';

/** Compresses one buffer into one complete zstd frame, on the thread pool. */
export type FrameCompressor = (content: Buffer) => Promise<Buffer>;

/** The libzstd whose bytes the golden digests pin; part of the packer version. */
export const LIBZSTD_VERSION = '1.5.7';

interface NativeZstd {
  readonly Encoder: new (level: number) => { encode(data: Buffer): Promise<Buffer> };
}

interface BuiltinZstd {
  readonly zstdCompress: (
    content: Buffer,
    options: object,
    done: (error: Error | null, result: Buffer) => void,
  ) => void;
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
}

/**
 * A zstd compressor of the given level (1 to 19).
 *
 * Bytes must not depend on the machine, so only builds of libzstd 1.5.7 qualify: the prebuilt addon, else Node's own
 * (from 22.15 on, where it carries that version).
 * @throws StackError STACK4005 when neither is there.
 */
export function zstdCompressor(level: number): FrameCompressor {
  const native = loadNative();
  if (native !== undefined) {
    const encoder = new native.Encoder(level);
    return (content) => encoder.encode(content);
  }
  const builtin = zlib as unknown as Partial<BuiltinZstd>;
  const { zstdCompress, constants } = builtin;
  if (
    zstdCompress !== undefined &&
    constants !== undefined &&
    (process.versions as NodeJS.Dict<string>)['zstd'] === LIBZSTD_VERSION
  ) {
    const options = { params: { [constants.ZSTD_c_compressionLevel]: level } };
    return (content) =>
      new Promise((resolve, reject) => {
        zstdCompress(content, options, (error, result) => {
          if (error === null) resolve(result);
          else reject(error);
        });
      });
  }
  throw new StackError(
    'STACK4005',
    `zstd ${LIBZSTD_VERSION} is not available on ${process.platform}-${process.arch} with Node ${process.versions.node}`,
    {
      hint: "use Node 22.15 or newer, reinstall with optional dependencies, or set the app's tar: { compression: 'gzip' }",
    },
  );
}

function loadNative(): NativeZstd | undefined {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- an optional dependency, loaded only where something is compressed
    return require('@toondepauw/node-zstd') as NativeZstd;
  } catch {
    return undefined; // not built for this platform: the caller has another way
  }
}
