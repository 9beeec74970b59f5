import type { LayerFormat, SquashfsOptions, TarOptions } from './formats';

/** Limits from which on a deploy warns, for readers that are known to take more, or less. */
export interface Limits {
  /**
   * Filesystem layers of an image that its readers mount. stacker and atomfs pass all of them in one page of mount options, where about
   * 35 fit; Linux itself mounts 500, and more are an error.
   * @default 30
   */
  readonly filesystemLayers?: number | undefined;
}

/** Properties of an `App`. */
export interface AppProps {
  /**
   * Seconds since 1970 that stand for "now" in everything that is built: times of files, `created`, history.
   * @default the environment's SOURCE_DATE_EPOCH when deploying, else 1980-01-01T00:00:00Z
   */
  readonly epoch?: number | undefined;
  /** Formats in which images are published. @default ['tar'] */
  readonly formats?: readonly LayerFormat[] | undefined;
  readonly tar?: TarOptions | undefined;
  readonly squashfs?: SquashfsOptions | undefined;
  /** Limits from which on a deploy warns. */
  readonly limits?: Limits | undefined;
  /** Context for `node.tryGetContext()`: JSON values. What the command passes wins, key by key. @default none */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
  /** Where to synthesize to, relative to `directory`. The `stack` command decides on its own. @default 'synth.out' */
  readonly outdir?: string | undefined;
  /** The app's directory, where relative paths start. @default the working directory */
  readonly directory?: string | undefined;
}
