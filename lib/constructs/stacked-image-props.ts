import type { ImageProps } from './image-props';

/** Properties of a `StackedImage`; its `config` wins over the components', field by field. */
export interface StackedImageProps extends ImageProps {
  /** What becomes of conflicts between the components. @default those that lose something are errors */
  readonly conflicts?: Conflicts | undefined;
  /**
   * Mergers of your own, which are asked before the built-in ones, in this order.
   * @default none
   */
  readonly mergers?: readonly MergerModule[] | undefined;
  /**
   * Whether a layer may be added on top for what is merged or put back. `forbid` makes needing one an error, so that the image has
   * nothing but the layers of its components.
   * @default 'allow'
   */
  readonly glue?: 'allow' | 'forbid' | undefined;
}

/**
 * A merger of your own: a module whose export `merge`, or whose default export, is a function from a `MergeRequest` to a
 * `MergeOutcome` or a promise of one. A deploy loads it only when components contradict each other at one of its paths. Its
 * outcome must depend on the request alone; another content of the module's file merges anew.
 */
export interface MergerModule {
  /** JavaScript file in the app's directory, relative to that: `./mergers/motd.js`. */
  readonly module: string;
  /** Globs over absolute paths: what it is for, such as `/etc/motd.d/**`. */
  readonly paths: readonly string[];
}

/**
 * What becomes of conflicts: `error` publishes nothing, `warn` tells them, and `last-wins` takes what is on top without a word.
 * Where runtimes disagree on the result it is an error always.
 */
export type ConflictPolicy = 'error' | 'warn' | 'last-wins';

/** What is to become of conflicts between the components of a `StackedImage`. */
export interface Conflicts {
  /** Of those that no rule is about. @default 'error' */
  readonly default?: ConflictPolicy | undefined;
  /** For some paths; the last one that matches counts. @default none */
  readonly rules?: readonly ConflictRule[] | undefined;
  /**
   * Of whiteouts that a component means for its own base, and that hide files of a component below.
   * `allow` hides them, with a warning; `repair` puts them back by a layer on top.
   * @default 'error'
   */
  readonly whiteouts?: 'error' | 'repair' | 'allow' | undefined;
  /** Whether names that differ only in case or in the form of Unicode are errors. @default false */
  readonly portable?: boolean | undefined;
  /**
   * Of components that have a root filesystem each (an os-release, or a database of packages) and share no layer: two systems on
   * top of each other are none. `ignore` combines them all the same.
   * @default 'error'
   */
  readonly base?: 'error' | 'ignore' | undefined;
}

/** A policy for some paths. */
export interface ConflictRule {
  /** A glob over absolute paths, such as `/usr/share/doc/**`. */
  readonly match: string;
  readonly policy: ConflictPolicy;
}
