import { createHash } from 'node:crypto';
import { ContentReader, type FileEntry } from '../pack';

/**
 * The sha256 of a file of a tree, 64 hex characters. It is read where that is not known: a file of the user's is hashed only when
 * it is packed, which may not have been needed.
 * @throws StackError STACK3002, STACK3003, STACK7004
 */
export async function hashEntry(entry: FileEntry): Promise<string> {
  if (entry.sha256 !== undefined) return entry.sha256;
  const hash = createHash('sha256');
  for await (const chunk of readEntry(entry)) hash.update(chunk);
  return hash.digest('hex');
}

/** Reads a file of a tree. The reader reuses its buffer; a stream keeps what it is given. */
export async function* readEntry(entry: FileEntry): AsyncGenerator<Buffer> {
  const reader = new ContentReader();
  try {
    for (const chunk of reader.read(entry)) yield await Promise.resolve(Buffer.from(chunk));
  } finally {
    reader.close();
  }
}
