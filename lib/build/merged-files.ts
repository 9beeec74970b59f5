import { StackError } from '../core';
import { ContentReader, type Entry, type FileEntry } from '../pack';
import type { Files } from '../stack';
import type { FileView } from './file-view';

/** Bytes of one file that a merger can read: it is held in memory, several times. */
const MAX_MERGED = 64 * 1024 * 1024;

/** STACK5023: a merger asked for a file that is too large for it. */
export class TooLargeToMerge extends StackError {
  /** @param path of the file, without a leading slash */
  public constructor(
    public readonly path: string,
    size: number,
  ) {
    super('STACK5023', `/${path} has ${String(size)} bytes; at most ${String(MAX_MERGED)} can be merged`);
  }
}

/** A view as mergers see it. Contents are read from the store, or from the user's files, only when they are asked for. */
export function filesOf(view: FileView): Files {
  return {
    get: (path) => view.get(path),
    under: (path) => view.under(path),
    read: (path) => Promise.resolve().then(() => readFile(view, path)),
  };
}

/** What is at a path, hard links replaced by their files. */
export function fileAt(view: FileView, path: string): Entry | undefined {
  const entry = view.get(path);
  if (entry?.type !== 'hardlink') return entry;
  const file = view.get(entry.target);
  return file?.type === 'file' ? { ...file, path } : entry;
}

function readFile(view: FileView, path: string): Buffer | undefined {
  const file = fileAt(view, path);
  if (file?.type !== 'file') return undefined;
  if (file.size > MAX_MERGED) throw new TooLargeToMerge(path, file.size);
  return contentOf(file);
}

/** The content of a file that is small. @throws StackError STACK3002, STACK3003, STACK7004 */
export function contentOf(file: FileEntry): Buffer {
  const reader = new ContentReader();
  try {
    return Buffer.concat([...copiesOf(reader.read(file))], file.size);
  } finally {
    reader.close();
  }
}

/** Each chunk is valid only until the next one. */
function* copiesOf(chunks: Iterable<Buffer>): Generator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}
