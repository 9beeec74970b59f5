/** What is wrong at a path, as stacking.md §3 and §4 tell it apart. */
export type ConflictCode =
  /** Two components have another content there. */
  | 'CONTENT_CONFLICT'
  /** The same content with another owner, mode or extended attributes. */
  | 'METADATA_CONFLICT'
  | 'DIRECTORY_METADATA'
  /** The directory of the upper component lets in more than that of the lower one. */
  | 'DIRECTORY_WEAKENED'
  | 'TYPE_CONFLICT'
  /** A layer has files in a directory that it does not describe, and that is a link in another component. */
  | 'IMPLICIT_PARENT'
  /** A setuid or setgid file, or a device, in the place of another component's file. */
  | 'PRIVILEGED_FILE'
  | 'FILE_OVER_DIRECTORY'
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
  readonly fix: string;
}

/** Everything that was found out about one combination, sorted by severity and path. */
export interface ConflictReport {
  /** The first ones of each code and severity. */
  readonly conflicts: readonly Conflict[];
  /** How many there are in all. */
  readonly counts: readonly ConflictCount[];
}

export interface ConflictCount {
  readonly code: ConflictCode;
  readonly severity: Severity;
  readonly count: number;
}
