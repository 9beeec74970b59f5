const ZEROS = Buffer.alloc(1024 * 1024);

/** This many zeros, in pieces that {@link isHole} knows. */
export function* zeros(length: number): Generator<Buffer> {
  for (let left = length; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
}

/** Whether a piece of content comes from {@link zeros}: it stands for a hole and is not stored. */
export function isHole(piece: Buffer): boolean {
  return piece.buffer === ZEROS.buffer;
}
