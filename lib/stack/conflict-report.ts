import type { MergeProblemCode } from './mergers/merger';

/** What is wrong at a path, as stacking.md §3 to §6 tell it apart. */
export type ConflictCode =
  /** What mergers cannot settle. */
  | MergeProblemCode
  /** A merger would have to read a file that is too large for it. */
  | 'TOO_LARGE_TO_MERGE'
  /** Only a glue layer could settle it, and none is wanted. */
  | 'GLUE_FORBIDDEN'
  /** Two components have a root filesystem each, and no layer in common. */
  | 'NO_COMMON_BASE'
  /** Two components have another content there. */
  | 'CONTENT_CONFLICT'
  /** The same content with another owner, mode or extended attributes. */
  | 'METADATA_CONFLICT'
  | 'DIRECTORY_METADATA'
  /** A directory lets in more than that of the component below, or of the base. */
  | 'DIRECTORY_WEAKENED'
  | 'TYPE_CONFLICT'
  /** A layer has files in a directory that it does not describe, and that is a link in another component. */
  | 'IMPLICIT_PARENT'
  /** A file with setuid, setgid or capabilities, or a device, where another component has another file. */
  | 'PRIVILEGED_FILE'
  | 'FILE_OVER_DIRECTORY'
  /** One component removes a link of the base, or lets it lead elsewhere, and another one has files behind it. */
  | 'LINK_CHANGED'
  /** A package of one component has a file at a path that another one diverts: dpkg would have put it elsewhere. */
  | 'DIVERTED_FILE'
  /** One component lets more into a file of the base. */
  | 'FILE_WEAKENED'
  /** One component replaces the loader or the C library, without a package, that the other's programs were built for. */
  | 'RUNTIME_REPLACED'
  /** Two names that are one where upper and lower case, or forms of Unicode, are not told apart. */
  | 'NAME_COLLISION'
  /** One component removes a file of the base that another one changes. */
  | 'MODIFY_DELETE'
  /** A whiteout or opaque mark that is meant for the component's own base hides files of another component. */
  | 'FOREIGN_WHITEOUT'
  /** The same by one that hides nothing of its own base, which nobody meant. */
  | 'VACUOUS_WHITEOUT';

/** What becomes of a conflict. `info` is only in the report. */
export type Severity = 'error' | 'warning' | 'info';

/** A component that has a part in a conflict. */
export interface ConflictOwner {
  /** Construct path. */
  readonly component: string;
  /** What its layer is by content: the diffId of one that existed before, else the digest of its path index. */
  readonly layer: string;
  /** How the layer was made. */
  readonly createdBy: string;
  /** What it has there. */
  readonly entry: string;
}

/** One conflict. */
export interface Conflict {
  readonly code: ConflictCode;
  readonly severity: Severity;
  /** Absolute, with the links of the combination followed in its parents. */
  readonly path: string;
  /** Bottom to top: the last one is what containers see. */
  readonly owners: readonly ConflictOwner[];
  /** Of whiteouts: the first paths that they hide from the other component. */
  readonly hidden?: readonly string[];
  /** How many those are in all. */
  readonly hiddenCount?: number;
  /** What there is to say about it, as mergers and some rules do. */
  readonly message?: string;
  /** Absolute paths of files that it would damage. */
  readonly files?: readonly string[];
  readonly fix: string;
}

/** A conflict that the glue layer settles. */
export interface SettledConflict {
  /** Absolute. */
  readonly path: string;
  /** Name of the merger; `one-sided change` where only one component changed what the base has, `repair` of what was hidden. */
  readonly by: string;
  /** Construct paths of the components concerned, bottom to top. */
  readonly components: readonly string[];
}

/** Everything that was found out about one combination, sorted by severity and path. */
export interface ConflictReport {
  /** The first ones of each code and severity. */
  readonly conflicts: readonly Conflict[];
  /** How many there are in all. */
  readonly counts: readonly ConflictCount[];
  /** The first paths that the glue layer settles, in byte order. */
  readonly settled: readonly SettledConflict[];
  /** How many there are in all. */
  readonly settledCount: number;
}

export interface ConflictCount {
  readonly code: ConflictCode;
  readonly severity: Severity;
  readonly count: number;
}
