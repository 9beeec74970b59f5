import { messageOf, StackError } from '../core';
import type { Expected } from './digests';

/** A blob to be published. */
export interface BlobSource extends Expected {
  /**
   * Its bytes from an offset on; may be called again after a broken connection. A `Readable` fits.
   */
  open(offset: number): AsyncIterable<Uint8Array>;
  /** Repositories, as `HOST/NAME`, that may have it: one in the registry it goes to saves the upload. */
  readonly knownIn?: readonly string[] | undefined;
}

/**
 * A piece of a source.
 * @param onBytes told the offset that was reached
 * @throws StackError STACK3002 when the source is shorter than it should be, STACK3003 when it cannot be read
 */
export async function* sliceOf(
  source: BlobSource,
  start: number,
  end: number,
  onBytes: (offset: number) => void,
): AsyncGenerator<Uint8Array> {
  let at = start;
  if (at === end) return;
  try {
    for await (const piece of source.open(start)) {
      const part = piece.subarray(0, end - at);
      yield part;
      at += part.length;
      onBytes(at);
      if (at === end) return;
    }
  } catch (error) {
    if (StackError.is(error)) throw error;
    throw new StackError('STACK3003', `cannot read the blob ${source.digest}: ${messageOf(error)}`, { cause: error });
  }
  throw new StackError(
    'STACK3002',
    `the blob ${source.digest} has ${String(at)} bytes instead of ${String(source.size)}`,
    {
      hint: 'it changed while it was being published; do it again',
    },
  );
}
