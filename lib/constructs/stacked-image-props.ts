import type { ImageProps } from './image-props';

/** Properties of a `StackedImage`; its `config` wins over the components', field by field. */
export interface StackedImageProps extends ImageProps {
  /** What becomes of conflicts between the components. @default those that lose something are errors */
  readonly conflicts?: Conflicts | undefined;
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
   * `allow` hides them, with a warning.
   * @default 'error'
   */
  readonly whiteouts?: 'error' | 'allow' | undefined;
  /** Whether names that differ only in case or in the form of Unicode are errors. @default false */
  readonly portable?: boolean | undefined;
}

/** A policy for some paths. */
export interface ConflictRule {
  /** A glob over absolute paths, such as `/usr/share/doc/**`. */
  readonly match: string;
  readonly policy: ConflictPolicy;
}
