import { randomBytes } from 'node:crypto';
import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { errnoOf } from './errors';

/** Names of the temporary files of {@link writeFileAtomic}; one that is found later was left by a killed process. */
export const TEMPORARY_FILE = /\.\d+-[0-9a-f]{8}\.tmp$/;

/**
 * Replaces a file at once and for good: written beside, synced, renamed. After a crash either the old or the new content is there.
 * @param mode of the new file, less the umask
 * @throws the system's error; nothing half-written stays.
 */
export async function writeFileAtomic(file: string, content: string | Buffer, mode = 0o644): Promise<void> {
  await replaceFile(file, content, { mode, sync: true });
  await syncDirectory(path.dirname(file));
}

/** How a file is replaced. */
export interface ReplaceFileOptions {
  /** Of the new file, less the umask; default 0o644. */
  readonly mode?: number;
  /** Wait until the content is on the disk. Without, the file may be empty or missing after a power failure. */
  readonly sync: boolean;
}

/**
 * Replaces a file at once, as others see it. That the new one has the name is durable only after {@link syncDirectory}.
 * @throws the system's error; nothing half-written stays.
 */
export async function replaceFile(file: string, content: string | Buffer, options: ReplaceFileOptions): Promise<void> {
  const temporary = `${file}.${String(process.pid)}-${randomBytes(4).toString('hex')}.tmp`;
  try {
    await fs.writeFile(temporary, content, { flag: 'wx', mode: options.mode ?? 0o644, flush: options.sync });
    await fs.rename(temporary, file);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
}

/** Makes renames inside a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await fs.open(directory, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL') throw error; // a file system that cannot sync directories, fsync(2)
  } finally {
    await handle.close();
  }
}
