/** A table of strings that end with NUL. */
export interface StringTable {
  readonly table: Buffer;
  /** By string. */
  readonly offsets: ReadonlyMap<string, number>;
}

/**
 * Lays strings (bytes as latin1) as ldconfig does: sorted by their ends, the highest first, so that one which another ends
 * with comes right behind it and takes its place there (glibc, elf/stringtable.c).
 */
export function layStrings(strings: readonly string[]): StringTable {
  const sorted = [...new Set(strings)].map(reversed).sort(highestAndLongestFirst).map(reversed);
  const offsets = new Map<string, number>();
  const pieces: string[] = [];
  let end = 0; // behind the NUL of the string before
  let previous: string | undefined;
  for (const string of sorted) {
    if (previous?.endsWith(string) === true) {
      offsets.set(string, end - 1 - string.length);
    } else {
      offsets.set(string, end);
      pieces.push(`${string}\0`);
      end += string.length + 1;
    }
    previous = string;
  }
  return { table: Buffer.from(pieces.join(''), 'latin1'), offsets };
}

function reversed(string: string): string {
  return string.split('').reverse().join('');
}

/** Code units of latin1 are bytes; what another begins with sorts below it. */
function highestAndLongestFirst(a: string, b: string): number {
  return a === b ? 0 : a < b ? 1 : -1;
}
