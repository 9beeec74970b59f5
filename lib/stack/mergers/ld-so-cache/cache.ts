/** What ldconfig knows about the libraries of a system. Strings are bytes as latin1. */
export interface LibraryCache {
  readonly isBigEndian: boolean;
  /** In the order of the file. */
  readonly libraries: readonly Library[];
  /** Which ldconfig wrote it. */
  readonly generator: string;
  /** Strings that the file has for no library: names of empty directories for some kind of processor. */
  readonly idleStrings: readonly string[];
}

/** A library by its soname. */
export interface Library {
  readonly soname: string;
  readonly path: string;
  /** Format and architecture. */
  readonly flags: number;
  readonly osVersion: number;
  /** Bits of processors; without the number of the subdirectory, which is another one in each file. */
  readonly hwcap: bigint;
  /** Its directory below `glibc-hwcaps`, such as `x86-64-v3`. */
  readonly subdirectory: string | undefined;
}

/** Layout of the file: glibc, sysdeps/generic/dl-cache.h. Sizes and offsets in bytes. */
export const LAYOUT = {
  magic: 'glibc-ld.so.cache1.1',
  /** What files have in front of that, or instead, that an old ldconfig wrote. */
  oldMagic: 'ld.so-1.7.0',
  header: 48,
  library: 24,
  flagsLittleEndian: 2,
  flagsBigEndian: 3,
  extensionMagic: 0xeaa42174,
  extensionHeader: 8,
  extensionSection: 16,
  generatorTag: 0,
  subdirectoriesTag: 1,
} as const;

/** Where the high half of `hwcap` is this, apart from ten bits for the level of the processor, the low half is a number. */
const SUBDIRECTORY_MARK = 1n << 62n;
const LEVEL_BITS = 0x3ffn << 32n;

/** Whether a value of `hwcap` has the number of a subdirectory in its low 32 bits. */
export function hasSubdirectory(hwcap: bigint): boolean {
  return (hwcap & ~LEVEL_BITS) >> 32n === SUBDIRECTORY_MARK >> 32n;
}
