import { StackError } from '../core';
import { EXPANSION_LIMITS, type ExpansionLimits } from './decompress';

/** Bounds on what one archive may unpack to: far above real images, below what hurts (archives.md, bombs). */
export interface ArchiveLimits {
  readonly entries: number;
  /** Uncompressed bytes. */
  readonly bytes: number;
  /** Components of a path. */
  readonly depth: number;
  /** Bytes of paths, link targets and extended attributes, which are all held in memory. */
  readonly names: number;
  /** What holes and shared blocks may stand for. Default: `EXPANSION_LIMITS`. */
  readonly expansion?: ExpansionLimits;
}

export const ARCHIVE_LIMITS: ArchiveLimits = {
  entries: 5_000_000,
  bytes: 256 * 1024 ** 3,
  depth: 255,
  names: 1024 ** 3,
};

/** Bounds on what a script leaves: as for archives, but that its files may have holes of any size. */
export const SCRIPT_LIMITS: ArchiveLimits = { ...ARCHIVE_LIMITS, expansion: { ratio: 0, freeBytes: Infinity } };

/**
 * @param packed bytes of the archive that were needed for it; holes and shared blocks can stand for any number of bytes
 * @throws StackError STACK4003 when an archive unpacks to more than is accepted
 */
export function requireRoom(unpacked: number, packed: number, limits: ArchiveLimits): void {
  if (unpacked > limits.bytes) {
    throw new StackError('STACK4003', `the archive unpacks to more than ${String(limits.bytes)} bytes`);
  }
  const { freeBytes, ratio } = limits.expansion ?? EXPANSION_LIMITS;
  if (unpacked <= freeBytes + ratio * packed) return;
  throw new StackError('STACK4003', `the archive expands to more than ${String(ratio)} times its size`);
}
