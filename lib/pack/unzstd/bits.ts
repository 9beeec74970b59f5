/** The error for content that breaks the format; what it says goes on from "NAME is corrupt or truncated:". */
export function corrupt(what: string): Error {
  return new Error(`zstd: ${what}`);
}

/** Position of the highest bit that is set. */
export function highestBit(value: number): number {
  return 31 - Math.clz32(value);
}

/** Bytes with room around them, so that a look beyond their bounds can be judged after it was taken. */
export class Input {
  public readonly view: DataView;

  public constructor(public readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  public byte(at: number): number {
    return this.view.getUint8(at);
  }
}

/** Bits at a position counted in bits from the start of the input; at most 24, since 32 are looked at. */
export function bitsAt(view: DataView, position: number, count: number): number {
  return (view.getUint32(position >> 3, true) >>> (position & 7)) & ((1 << count) - 1);
}

/**
 * Where a stream of bits ends that is read from its end (RFC 8878, 4.1 and 4.2): the highest bit set in its last byte.
 * @returns a position as for {@link bitsAt}
 */
export function endOfBits(input: Input, start: number, end: number): number {
  const last = end > start ? input.byte(end - 1) : 0;
  if (last === 0) throw corrupt('a bit stream has no end mark');
  return 8 * (end - 1) + highestBit(last);
}
