import type { Entry, View } from '../../pack';

/** The files of one image, or of what several share. Paths have no leading slash; links in their parents are not followed. */
export interface Files extends View {
  /** What is at a path and everything below it, in byte order of the paths. */
  under(path: string): readonly Entry[];
  /**
   * The content of a file, also through a hard link; undefined where there is no file.
   * @throws StackError STACK5023 for one too large to be merged; STACK7004 when the store is damaged
   */
  read(path: string): Promise<Buffer | undefined>;
}

/** A component as mergers see it. */
export interface MergedComponent {
  /** Construct path. */
  readonly name: string;
  readonly files: Files;
}

/** What a merger is asked to settle. */
export interface MergeRequest {
  /** Its paths at which components contradict each other, in byte order. */
  readonly paths: readonly string[];
  /** What these components share: the layers they have in common; nothing when they have none. */
  readonly base: Files;
  /** Those that have, or remove, something at one of the paths; bottom to top. */
  readonly components: readonly MergedComponent[];
  /** What containers would see without any merger, but with what mergers before this one made. */
  readonly stacked: Files;
}

/** What is to be at a path: the content of a file, where a symbolic link leads, or nothing. */
export type MergedFile =
  | { readonly type: 'file'; readonly content: Buffer }
  | { readonly type: 'symlink'; readonly target: string }
  | { readonly type: 'removed' };

/** Why a merger cannot settle something. */
export type MergeProblemCode =
  /** Components have different versions of one package. */
  | 'PKG_VERSION_CONFLICT'
  /** The packages together do not satisfy what one of them asks for. */
  | 'DEP_BROKEN'
  /** A package is half installed, or its database and its files disagree. */
  | 'PKG_STATE'
  /** One name with two ids, or one id with two names: files would change their owner. */
  | 'ID_COLLISION'
  /** Components change the same thing in different ways. */
  | 'MERGE_CONFLICT'
  /** The file has a form that cannot be merged, or that is broken. */
  | 'NOT_MERGEABLE';

/** One thing that a merger cannot settle. */
export interface MergeProblem {
  readonly code: MergeProblemCode;
  /** Without a leading slash. */
  readonly path: string;
  /** What is wrong, as a sentence without its full stop, that names the record: `redis-server has version 1 and 2`. */
  readonly message: string;
  /** Construct paths of the components that contradict each other. */
  readonly components: readonly string[];
  /** Files that this would damage, such as those that would change their owner; without a leading slash, in byte order. */
  readonly files?: readonly string[] | undefined;
  /** What to do about it. */
  readonly fix: string;
}

/** What came out. Nothing of it is used when there are problems; of a pathwise merger, nothing at the paths of its problems. */
export interface MergeOutcome {
  /**
   * By path; other paths than those of the request are allowed, if the merger is for them or `makes` them. Paths of the request that are not here are
   * left to the next merger that is for them, and at last to whoever reads of the conflict.
   */
  readonly files: ReadonlyMap<string, MergedFile>;
  readonly problems: readonly MergeProblem[];
}

/**
 * Knows what files of one kind mean, and so what they are together (stacking.md §5).
 *
 * The outcome depends on the request alone, and on the order of the components only where that has a meaning.
 */
export interface Merger {
  /** In lower case: `dpkg-status`. */
  readonly name: string;
  /** Part of all keys: another number makes everything anew that it merged. */
  readonly version: number;
  /** Globs over absolute paths: what it is for. `/**` is everything but what nobody cares about, such as logs. */
  readonly paths: readonly string[];
  /** Globs over absolute paths: what it may make besides, without being asked about it. @default nothing */
  readonly makes?: readonly string[] | undefined;
  /**
   * Whether each path is settled for itself: then it is asked once for all paths that the same components have, with what just
   * those share as the base, and a path that it cannot settle leaves the others be. @default false: its paths belong together
   */
  readonly isPathwise?: boolean | undefined;
  /** @throws StackError STACK5023, STACK7004 of the files it reads */
  merge(request: MergeRequest): Promise<MergeOutcome>;
}
