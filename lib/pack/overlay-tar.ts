import { ContentReader } from './content-reader';
import type { Tree } from './entry';
import { storedSize } from './stretches';
import { BLOCK, paddingOf } from './tar-format';
import { encodeOverlayHeader } from './tar-header';
import { isHole } from './zeros';

/** Bytes that are yielded at a time. */
const CHUNK = 256 * 1024;

/**
 * A tree as an uncompressed tar in overlay form: unpacked, it is a directory that overlayfs takes as a lower layer.
 * Whiteouts are character devices 0:0, opaque directories have an extended attribute (kernel documentation, overlayfs.rst).
 * @param opaqueXattr the attribute; which one overlayfs heeds depends on how it is mounted
 * @throws StackError STACK3002, STACK3003 for a file of the user's that changed or cannot be read
 */
export function* overlayTar(tree: Tree, opaqueXattr: string): Generator<Buffer> {
  let chunk = Buffer.allocUnsafe(CHUNK);
  let used = 0;
  for (const piece of piecesOf(tree, opaqueXattr)) {
    for (let at = 0; at < piece.length;) {
      const copied = piece.copy(chunk, used, at);
      at += copied;
      used += copied;
      if (used < CHUNK) continue;
      yield chunk;
      chunk = Buffer.allocUnsafe(CHUNK); // who was given the other one may still hold it
      used = 0;
    }
  }
  yield chunk.subarray(0, used);
}

/** The tar in pieces, each valid until the next is asked for. */
function* piecesOf(tree: Tree, opaqueXattr: string): Generator<Buffer> {
  const reader = new ContentReader();
  try {
    for (const entry of tree) {
      yield encodeOverlayHeader(entry, opaqueXattr);
      if (entry.type !== 'file') continue;
      if (entry.size > 0) for (const piece of reader.read(entry)) if (!isHole(piece)) yield piece;
      yield Buffer.alloc(paddingOf(storedSize(entry)));
    }
    yield Buffer.alloc(2 * BLOCK);
  } finally {
    reader.close();
  }
}
