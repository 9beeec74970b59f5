import { statSync, utimesSync, type Stats } from 'node:fs';
import { errnoOf } from '../core';

/** Milliseconds for which a use is not noted again, so that a deploy with nothing to do writes next to nothing. */
const NOTED_FOR = 60 * 60 * 1000;

/**
 * When something in the store was last of use, milliseconds since 1970: its access time, which we set ourselves, since many
 * file systems do not keep it. (Not the modification time: blobs are hard links of those in layouts.)
 */
export function lastUseOf({ atimeMs, mtimeMs }: Pick<Stats, 'atimeMs' | 'mtimeMs'>): number {
  return Math.max(atimeMs, mtimeMs);
}

/** Notes that something is used now. Synchronously: that takes a tenth of the time. */
export function noteUse(file: string): void {
  try {
    const stat = statSync(file);
    const now = Date.now();
    if (now - lastUseOf(stat) > NOTED_FOR) utimesSync(file, now / 1000, stat.mtimeMs / 1000);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error; // otherwise it is only forgotten earlier
  }
}
