import { createHash } from 'node:crypto';
import { StackError } from '../core';
import type { Content, Entry, FileEntry, Tree } from './entry';

/** One entry as a line of the path index; the order of the members is part of the format. */
export function indexLine(entry: Entry, sha256: string | undefined): string {
  const { path, type } = entry;
  if (entry.type === 'whiteout') return JSON.stringify({ path, type });
  const { mode, uid, gid, mtime } = entry;
  const xattrs = entry.xattrs?.map(({ name, value }) => [name, value.toString('base64')]);
  // JSON leaves out what is undefined.
  if (entry.type === 'file') {
    return JSON.stringify({ path, type, mode, uid, gid, mtime, xattrs, size: entry.size, sha256 });
  }
  const line = { path, type, mode, uid, gid, mtime, xattrs };
  switch (entry.type) {
    case 'hardlink':
      return JSON.stringify({ ...line, target: entry.target });
    case 'symlink':
      return JSON.stringify({ ...line, target: entry.target, linkOf: entry.linkOf });
    case 'char':
    case 'block':
      return JSON.stringify({ ...line, major: entry.major, minor: entry.minor, linkOf: entry.linkOf });
    case 'directory':
      return JSON.stringify({ ...line, implied: entry.implied || undefined, opaque: entry.opaque || undefined });
    case 'fifo':
      return JSON.stringify({ ...line, linkOf: entry.linkOf });
  }
}

/** An entry as it stands in an index line. */
type IndexEntry = Exclude<Entry, FileEntry> | Omit<FileEntry, 'content'>;
type Encoded<T> = T extends unknown
  ? Omit<T, 'xattrs'> & { readonly xattrs?: readonly (readonly [name: string, value: string])[] }
  : never;

/**
 * An entry back from its index line.
 * @param contentOf says where the content of a file is
 * @throws StackError STACK7001 when the line is damaged
 */
export function parseIndexLine(line: string, contentOf: (path: string, sha256: string) => Content): Entry {
  const parsed = parseLine(line);
  const xattrs = parsed.xattrs?.map(([name, value]) => ({ name, value: Buffer.from(value, 'base64') }));
  const entry = (xattrs === undefined ? parsed : { ...parsed, xattrs }) as IndexEntry;
  return entry.type === 'file' ? { ...entry, content: contentOf(entry.path, entry.sha256 ?? '') } : entry;
}

function parseLine(line: string): Encoded<IndexEntry> {
  try {
    return JSON.parse(line) as Encoded<IndexEntry>;
  } catch (cause) {
    throw new StackError('STACK7001', 'a path index in the local store is damaged', {
      hint: 'remove the store; it is filled again as needed',
      cause,
    });
  }
}

/**
 * The digest of a tree: sha256 over its path index. Two trees with the same digest give the same blobs.
 * @returns undefined while the sha256 of some file is not known
 */
export function treeDigest(tree: Tree): string | undefined {
  const hash = createHash('sha256');
  for (const entry of tree) {
    const sha256 = entry.type === 'file' ? sha256Of(entry) : undefined;
    if (entry.type === 'file' && sha256 === undefined) return undefined;
    hash.update(`${indexLine(entry, sha256)}\n`);
  }
  return `sha256:${hash.digest('hex')}`;
}

/** sha256 of a file's content where it is known without reading the file. */
function sha256Of({ sha256, content }: FileEntry): string | undefined {
  return sha256 ?? (content.kind === 'bytes' ? createHash('sha256').update(content.bytes).digest('hex') : undefined);
}
