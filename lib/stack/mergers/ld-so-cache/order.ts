import type { Library } from './cache';

/**
 * The order of ldconfig, highest soname first (glibc, elf/cache.c and dl-cache.c). Equal are those that differ in their
 * directories only: they stand in the order in which ldconfig came to these.
 */
export function compareLibraries(a: Library, b: Library): number {
  return (
    compareSonames(b.soname, a.soname) ||
    b.flags - a.flags ||
    compareSubdirectories(a.subdirectory, b.subdirectory) ||
    bitsOf(b) - bitsOf(a) ||
    compareNumbers(hwcapOf(b), hwcapOf(a)) ||
    b.osVersion - a.osVersion
  );
}

/** By bytes, but numbers by their value. */
function compareSonames(a: string, b: string): number {
  let [x, y] = [0, 0];
  while (x < a.length) {
    const [left, right] = [digitsAt(a, x), digitsAt(b, y)];
    if (left !== '' && right !== '') {
      const difference = Number(left) - Number(right);
      if (difference !== 0) return difference;
      x += left.length;
      y += right.length;
      continue;
    }
    if (left !== '') return 1;
    if (right !== '') return -1;
    const difference = a.charCodeAt(x) - (y < b.length ? b.charCodeAt(y) : 0);
    if (difference !== 0) return difference;
    x += 1;
    y += 1;
  }
  return y < b.length ? -1 : 0;
}

const DIGITS = /\d*/y;

function digitsAt(text: string, at: number): string {
  DIGITS.lastIndex = at;
  return DIGITS.exec(text)?.[0] ?? '';
}

/** Those in a subdirectory first, by its name. */
function compareSubdirectories(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return a < b ? -1 : 1;
}

/** What old glibc knew about processors, more of it first; the level of a subdirectory is no part of that. */
function hwcapOf({ hwcap, subdirectory }: Library): bigint {
  return subdirectory === undefined ? hwcap : 0n;
}

function bitsOf(library: Library): number {
  return hwcapOf(library).toString(2).replaceAll('0', '').length;
}

function compareNumbers(a: bigint, b: bigint): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
