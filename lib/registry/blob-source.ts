import { messageOf, StackError } from '../core';
import type { Expected } from './digests';

/** A blob to be published. */
export interface BlobSource extends Expected {
  /**
   * Its bytes from an offset on; may be called again after a broken connection. A `Readable` fits.
   */
  open(offset: number): AsyncIterable<Uint8Array>;
  /**
   * Repositories, as `HOST/NAME`, that had it when they were last used, the likeliest first: the blob is mounted from one in the
   * registry it goes to, without a question. When that is refused, it is uploaded.
   */
  readonly knownIn?: readonly string[] | undefined;
  /** Repositories, as `HOST/NAME`, that would have it if they exist: those in the registry it goes to are asked first. */
  readonly maybeIn?: readonly string[] | undefined;
}

/**
 * A piece of a source. What ends the source is given last of all, when the source has come to its end: one that finds only
 * there that it is wrong must not become a whole blob in a registry.
 * @param onBytes told the offset that was reached
 * @throws StackError STACK3002 when the source is not as long as it should be, STACK3003 when it cannot be read
 */
export async function* sliceOf(
  source: BlobSource,
  start: number,
  end: number,
  onBytes: (offset: number) => void,
): AsyncGenerator<Uint8Array> {
  if (start === end) return;
  let at = start;
  let last: Uint8Array | undefined;
  try {
    for await (const piece of source.open(start)) {
      if (at + piece.length > source.size) throw changed(source, `more than ${String(source.size)}`);
      const part = piece.subarray(0, end - at);
      at += part.length;
      if (at === source.size) {
        last ??= part;
        continue;
      }
      yield part;
      onBytes(at);
      if (at === end) return;
    }
  } catch (error) {
    if (StackError.is(error)) throw error;
    throw new StackError('STACK3003', `cannot read the blob ${source.digest}: ${messageOf(error)}`, { cause: error });
  }
  if (last === undefined) throw changed(source, String(at));
  yield last;
  onBytes(at);
}

function changed({ digest, size }: BlobSource, bytes: string): StackError {
  return new StackError('STACK3002', `the blob ${digest} has ${bytes} bytes instead of ${String(size)}`, {
    hint: 'it changed while it was being published; do it again',
  });
}
