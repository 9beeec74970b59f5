const PRIME1 = 0x9e3779b185ebca87n;
const PRIME2 = 0xc2b2ae3d27d4eb4fn;
const PRIME3 = 0x165667b19e3779f9n;
const PRIME4 = 0x85ebca77c2b2ae63n;
const PRIME5 = 0x27d4eb2f165667c5n;

/** Bytes taken in one step: four lanes of 64 bits. */
const STRIPE = 32;

/**
 * XXH64 with seed 0, the checksum of zstd frames (xxHash's own doc/xxhash_spec.md, "XXH64 Algorithm Description").
 * Every operation is cut to 64 bits at once, which lets the engine use machine integers.
 */
export class Xxh64 {
  private lane1 = cut(PRIME1 + PRIME2);
  private lane2 = PRIME2;
  private lane3 = 0n;
  private lane4 = cut(-PRIME1);
  private length = 0;
  /** Bytes that do not fill a stripe yet. */
  private readonly rest = Buffer.alloc(STRIPE);
  private restLength = 0;

  public update(bytes: Uint8Array): void {
    this.length += bytes.length;
    let at = 0;
    if (this.restLength > 0) {
      at = Math.min(STRIPE - this.restLength, bytes.length);
      this.rest.set(bytes.subarray(0, at), this.restLength);
      this.restLength += at;
      if (this.restLength < STRIPE) return;
      this.mix(this.rest, 0, STRIPE);
    }
    const end = bytes.length - ((bytes.length - at) % STRIPE);
    this.mix(bytes, at, end);
    this.rest.set(bytes.subarray(end));
    this.restLength = bytes.length - end;
  }

  /** The hash of everything so far. */
  public digest(): bigint {
    let hash = this.length < STRIPE ? PRIME5 : this.converge();
    hash = cut(hash + BigInt(this.length));
    const view = viewOf(this.rest);
    let at = 0;
    for (; at + 8 <= this.restLength; at += 8) {
      hash = cut(cut(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * PRIME1) + PRIME4);
    }
    if (at + 4 <= this.restLength) {
      hash = cut(cut(rotate(hash ^ cut(BigInt(view.getUint32(at, true)) * PRIME1), 23n) * PRIME2) + PRIME3);
      at += 4;
    }
    for (; at < this.restLength; at++) hash = cut(rotate(hash ^ cut(BigInt(view.getUint8(at)) * PRIME5), 11n) * PRIME1);
    hash = cut((hash ^ (hash >> 33n)) * PRIME2);
    hash = cut((hash ^ (hash >> 29n)) * PRIME3);
    return hash ^ (hash >> 32n);
  }

  private mix(bytes: Uint8Array, start: number, end: number): void {
    const view = viewOf(bytes);
    let { lane1, lane2, lane3, lane4 } = this;
    for (let at = start; at < end; at += STRIPE) {
      lane1 = round(lane1, view.getBigUint64(at, true));
      lane2 = round(lane2, view.getBigUint64(at + 8, true));
      lane3 = round(lane3, view.getBigUint64(at + 16, true));
      lane4 = round(lane4, view.getBigUint64(at + 24, true));
    }
    this.lane1 = lane1;
    this.lane2 = lane2;
    this.lane3 = lane3;
    this.lane4 = lane4;
  }

  private converge(): bigint {
    const { lane1, lane2, lane3, lane4 } = this;
    let hash = cut(rotate(lane1, 1n) + rotate(lane2, 7n));
    hash = cut(hash + rotate(lane3, 12n));
    hash = cut(hash + rotate(lane4, 18n));
    for (const lane of [lane1, lane2, lane3, lane4]) hash = cut(cut((hash ^ round(0n, lane)) * PRIME1) + PRIME4);
    return hash;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function round(accumulator: bigint, lane: bigint): bigint {
  return cut(rotate(cut(accumulator + cut(lane * PRIME2)), 31n) * PRIME1);
}

function rotate(value: bigint, by: bigint): bigint {
  return cut(cut(value << by) | (value >> (64n - by)));
}

function cut(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
