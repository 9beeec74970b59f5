import { ContentReader } from './content-reader';
import type { Entry, Tree } from './entry';
import { BLOCK, paddingOf } from './tar-format';
import { encodeOverlayHeader } from './tar-header';

/** Headers and small files are joined to chunks of at least this many bytes. */
const CHUNK = 256 * 1024;

/**
 * A tree as an uncompressed tar in overlay form: unpacked, it is a directory that overlayfs takes as a lower layer.
 * Whiteouts are character devices 0:0, opaque directories have an extended attribute (kernel documentation, overlayfs.rst).
 * @param opaqueXattr the attribute; which one overlayfs heeds depends on how it is mounted
 * @throws StackError STACK3002, STACK3003 for a file of the user's that changed or cannot be read
 */
export async function* overlayTar(tree: Tree, opaqueXattr: string): AsyncGenerator<Buffer> {
  const reader = new ContentReader();
  let parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer): void => {
    parts.push(part);
    length += part.length;
  };
  const flushed = (): Buffer => {
    const chunk = Buffer.concat(parts);
    parts = [];
    length = 0;
    return chunk;
  };
  try {
    for (const entry of tree) {
      add(encodeOverlayHeader(entry, opaqueXattr));
      for (const content of contentOf(reader, entry)) {
        add(Buffer.from(content)); // the reader uses its buffer again
        if (length >= CHUNK) yield flushed();
      }
      if (entry.type === 'file') add(Buffer.alloc(paddingOf(entry.size)));
      if (length >= CHUNK) yield flushed();
    }
    add(Buffer.alloc(2 * BLOCK));
    yield await Promise.resolve(flushed());
  } finally {
    reader.close();
  }
}

function contentOf(reader: ContentReader, entry: Entry): Iterable<Buffer> {
  return entry.type === 'file' && entry.size > 0 ? reader.read(entry) : [];
}
