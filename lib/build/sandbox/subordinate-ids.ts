/** Ids a user may give away in a user namespace: `count` from `first` on. */
export interface IdRange {
  readonly first: number;
  readonly count: number;
}

/** Ids 0 to 65535 have to exist inside, for what Debian and others give files to; 65534 is nobody. */
export const NEEDED_IDS = 65_536;

const FIRST_FREE = 100_000;

/**
 * The range that unshare(1) takes from /etc/subuid or /etc/subgid: the first one given to a user, by name or number.
 * @param text of the file, lines of `USER:FIRST:COUNT` (subuid(5))
 */
export function subordinateRange(text: string, user: string, uid: number): IdRange | undefined {
  const line = linesOf(text).find(([owner]) => owner === user || owner === String(uid));
  return line && { first: line[1], count: line[2] };
}

/** The first id behind all the ranges of these files where a new range can start. */
export function freeStart(...texts: readonly string[]): number {
  return Math.max(FIRST_FREE, ...texts.flatMap(linesOf).map(([, first, count]) => first + count));
}

function linesOf(text: string): (readonly [owner: string, first: number, count: number])[] {
  return text.split('\n').flatMap((line) => {
    const [, owner, first, count] = /^([^:#]+):(\d+):(\d+)\s*$/.exec(line) ?? [];
    return owner === undefined ? [] : [[owner, Number(first), Number(count)] as const];
  });
}
