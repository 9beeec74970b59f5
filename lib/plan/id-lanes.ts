/**
 * Id lanes: ranges of system ids, so that scripts that run on one base do not give one id two names.
 *
 * Debian takes 100 to 999 for system users and groups: adduser from below, useradd and groupadd from above. Both ends are left
 * to scripts without a lane, and what is below 200 to the distributions that give out numbers there by hand. What lies above the
 * lanes is for names that have an id of their own: adduser takes a user that exists for no system user below its first id.
 */
const FIRST_ID = 200;
const SIZE = 12;

/** How many lanes there are; they are numbered from 1. */
export const ID_LANES = 31;

/** A range of ids, both ends included. */
export interface IdRange {
  readonly first: number;
  readonly last: number;
}

/** The ids of a lane. */
export function idRange(lane: number): IdRange {
  const first = FIRST_ID + (lane - 1) * SIZE;
  return { first, last: first + SIZE - 1 };
}
