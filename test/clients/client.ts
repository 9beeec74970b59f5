/** Compressions of tar layers that we write and clients may read. */
export const COMPRESSIONS = ['gzip', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** An image as clients find it. */
export interface ClientImage {
  /** `HOST/NAME:TAG`. */
  readonly reference: string;
  /** The layout that has it as well, `DIRECTORY:NAME`, as skopeo and umoci write it. */
  readonly layout: string;
  readonly compression: Compression;
  /** Digest of its manifest, or index, in the layout. */
  readonly digest: () => string;
  /** Digests of its layers, bottom to top. */
  readonly layers: () => readonly string[];
}

/** A client of another project that reads images. */
export interface Client {
  readonly name: string;
  /** The command that prints its version. */
  readonly version: readonly [string, ...string[]];
  readonly reads: readonly Compression[];
  /** Runs images, with {@link RunningClient.run}. @default false */
  readonly runs?: boolean;
  /** Finds the image of this platform in an index. @default true */
  readonly readsIndexes?: boolean;
  /** Keeps layers, so that pulling a stacked image after its components transfers no layer. @default true */
  readonly keepsLayers?: boolean;
  /** Lines of a listing that it gets wrong on purpose, or that our way of asking it does. */
  readonly ignores?: RegExp;
  /** Starts it with all of its state in a directory of its own. */
  start(directory: string): Promise<RunningClient>;
}

/** A client that was started. */
export interface RunningClient {
  /** Gets an image and checks whatever it checks. @throws what it reports */
  pull(image: ClientImage): void;
  /** The directory where it unpacked, or mounted, a pulled image. */
  files?(image: ClientImage): string;
  /** Runs a command in a pulled image and gives what it writes. */
  run?(image: ClientImage, command: readonly string[]): string;
  /** Stops it, and unmounts what it mounted. */
  end(): Promise<void>;
}

/** Ends a client that has nothing to end. */
export function nothingToEnd(): Promise<void> {
  return Promise.resolve();
}
