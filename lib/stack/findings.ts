import type { Place } from './combination';
import type { ConflictCode } from './conflict-report';

/** What a component has somewhere. */
export type Owner = Place & { readonly component: number };

/** A conflict as it was found, before anybody describes it. */
export interface Finding {
  readonly code: ConflictCode;
  /** Without a leading slash. */
  readonly path: string;
  readonly owners: readonly Owner[];
  /** Says it instead of what the owners have. */
  readonly message?: string | undefined;
}

/** A conflict that mergers may settle; where none does, it is reported. */
export interface Claim extends Finding {
  /** Numbers of the mergers that are for the path, in their order. */
  readonly mergers: readonly number[];
}

/** Something that a component has, or removed, and that the layers above it undo though nobody meant that. */
export interface Restoration {
  /** Without a leading slash. */
  readonly path: string;
  /** Where it is; undefined for a removal. */
  readonly place?: Place | undefined;
  readonly by: 'one-sided change' | 'repair';
  /** The components concerned. */
  readonly owners: readonly Owner[];
}
