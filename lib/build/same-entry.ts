import { createHash } from 'node:crypto';
import { ContentReader, indexLine, type Entry, type FileEntry } from '../pack';

/** Mode of symbolic links, which Linux does not keep; archives have others. */
const LINK_MODE = 0o777;

/**
 * Reports whether two entries are the same in everything but their paths. Contents are read only where all else is equal and a
 * hash is missing.
 * @throws StackError as `ContentReader.read`
 */
export function isSameEntry(a: Entry, b: Entry): boolean {
  if (lineOf(a) !== lineOf(b)) return false;
  return a.type !== 'file' || b.type !== 'file' || sha256Of(a) === sha256Of(b);
}

function lineOf(entry: Entry): string {
  return indexLine({ ...entry, path: '', ...(entry.type === 'symlink' ? { mode: LINK_MODE } : {}) }, undefined);
}

/** Hashes a file unless that was done before; 64 hex characters. @throws StackError as `ContentReader.read` */
export function sha256Of(file: FileEntry): string {
  if (file.sha256 !== undefined) return file.sha256;
  const hash = createHash('sha256');
  const reader = new ContentReader();
  try {
    for (const chunk of reader.read(file)) hash.update(chunk);
  } finally {
    reader.close();
  }
  return hash.digest('hex');
}
