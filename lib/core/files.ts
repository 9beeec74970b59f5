import { fdatasync as fdatasyncWithCallback, fsync as fsyncWithCallback, promises as fs } from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { errnoOf } from './errors';
import { isLeftOver, ownerOfTemporary, temporaryName } from './temporary-name';

const fsync = promisify(fsyncWithCallback);
const fdatasync = promisify(fdatasyncWithCallback);

/** Names of the temporary files of {@link writeFileAtomic}, of this version and earlier ones; one that is found later was left by a killed process. */
export const TEMPORARY_FILE = /\.\d+-(?:\d+-[0-9a-f]{8}-)?[0-9a-f]{8,12}\.tmp$/;

/**
 * Replaces a file at once and for good: written beside, synced, renamed. After a crash either the old or the new content is there.
 * @param mode of the new file, less the umask
 * @throws the system's error; nothing half-written stays.
 */
export async function writeFileAtomic(file: string, content: string | Buffer, mode = 0o644): Promise<void> {
  await replaceFile(file, content, mode);
  await syncDirectory(path.dirname(file));
}

/**
 * Like {@link writeFileAtomic}, but after a power failure the old content may be back until {@link syncDirectory} was called:
 * once for many files.
 */
export async function replaceFile(file: string, content: string | Buffer, mode = 0o644): Promise<void> {
  const temporary = `${file}.${temporaryName()}.tmp`;
  try {
    await fs.writeFile(temporary, content, { flag: 'wx', mode, flush: true });
    await fs.rename(temporary, file);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
}

/** Removes what killed writes of a file by {@link writeFileAtomic} left beside it. */
export async function removeLeftTemporaries(file: string): Promise<void> {
  const directory = path.dirname(file);
  for (const name of await fs.readdir(directory)) {
    if (!name.startsWith(`${path.basename(file)}.`) || !TEMPORARY_FILE.test(name)) continue;
    const temporary = path.join(directory, name);
    const owner = ownerOfTemporary(name.replace(/\.tmp$/, ''));
    if (isLeftOver(temporary, owner)) await fs.rm(temporary, { force: true });
  }
}

/**
 * Makes a directory and those above it, where they are missing. (Node's own `recursive` never comes back from a file system
 * that answers ENOENT though the parent is there, as procfs does.)
 * @param mode of the new ones, less the umask
 * @throws the system's error
 */
export async function makeDirectories(directory: string, mode = 0o777): Promise<void> {
  if (await isDirectory(directory)) return;
  const parent = path.dirname(directory);
  if (parent !== directory) await makeDirectories(parent, mode);
  try {
    await fs.mkdir(directory, { mode });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST' || !(await isDirectory(directory))) throw error; // made by somebody else meanwhile
  }
}

async function isDirectory(directory: string): Promise<boolean> {
  try {
    return (await fs.stat(directory)).isDirectory();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false; // why not is what mkdir says
  }
}

/**
 * Makes what was written through a handle durable. By its number: under Yarn's Plug'n'Play a `FileHandle` has no `sync` of its own.
 */
export async function syncFile({ fd }: fs.FileHandle): Promise<void> {
  await fsync(fd);
}

/** Makes what was written through a handle durable, but for times; see {@link syncFile}. */
export async function syncData({ fd }: fs.FileHandle): Promise<void> {
  await fdatasync(fd);
}

/** Makes renames inside a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await fs.open(directory, 'r');
  try {
    await syncFile(handle);
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL') throw error; // a file system that cannot sync directories, fsync(2)
  } finally {
    await handle.close();
  }
}
