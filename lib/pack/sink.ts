import type { Entry } from './entry';

/**
 * Receives one walk over a tree and writes one blob. Several sinks share a walk, so each file is read once.
 * Calls come one at a time: `entry`, then for a file as many `data` as it takes, then the next `entry`.
 */
export interface Sink {
  /** The next entry, in byte order of the paths. */
  entry(entry: Entry): void | Promise<void>;
  /** The next bytes of the file announced last. The buffer is reused by the caller once this returns or resolves. */
  data(chunk: Buffer): void | Promise<void>;
  /** No more entries: completes, syncs and closes the blob. */
  finish(): Promise<PackedBlob>;
  /** Gives up; closes what is open. The caller removes the file. */
  abort(): Promise<void>;
}

/** A finished blob, still under its temporary name. */
export interface PackedBlob {
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly mediaType: string;
  /** Digest of the uncompressed tar; of the blob itself for a filesystem image (formats.md). */
  readonly diffId: string;
  /** Annotations of the layer descriptor, such as the verity root hash. */
  readonly annotations: Readonly<Record<string, string>>;
}
