import { createHash, hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { readChunks, writeFully } from './file-io';

/** Bytes of a data block and of a hash block, whatever the page size of the machine. */
const BLOCK_SIZE = 4096;
const DIGEST_SIZE = 32;
/** Hash blocks held back per level, to be written together. */
const BATCH = 64;

/** What {@link appendVerity} wrote. */
export interface VerityArea {
  /** Digest of the top of the hash tree, 64 lowercase hex characters. */
  readonly rootHash: string;
  /** Bytes appended: superblock and hash tree. */
  readonly size: number;
}

/**
 * Appends a dm-verity superblock and hash tree to a filesystem image, in the format of libcryptsetup
 * (lib/verity/verity.c and verity_hash.c), so that `veritysetup` and the kernel can check it; the hash offset is the image's size.
 *
 * Salt and UUID, elsewhere random, are derived from the image: equal images give equal blobs.
 * The image is read once, and memory does not grow with it.
 *
 * @param handle the image, open for reading and writing
 * @param imageSize bytes; a multiple of 4096, at least that
 * @param imageSha256 sha256 of the image, 32 bytes
 * @throws the system's own error when reading or writing fails
 */
export async function appendVerity(handle: FileHandle, imageSize: number, imageSha256: Buffer): Promise<VerityArea> {
  const salt = derive('cdk-stack dm-verity salt', imageSha256);
  const blocks = imageSize / BLOCK_SIZE;
  const tree = new HashTree(handle, imageSize + BLOCK_SIZE, blocks, salt);
  await writeFully(handle, encodeSuperblock(blocks, salt, derive('cdk-stack dm-verity uuid', imageSha256)), imageSize);
  for await (const chunk of readChunks(handle, 0, imageSize)) await tree.add(chunk);
  const rootHash = await tree.finish();
  return { rootHash, size: BLOCK_SIZE + tree.size };
}

/** The tree of digests, built from all its levels at once. The leaves are the digests of the data blocks. */
class HashTree {
  /** Bytes of the tree. */
  public readonly size: number;
  /** Leaves first. On the disk the order is the reverse. */
  private readonly levels: readonly Level[];
  /** The salt, and room for a block behind it: hashed in one call, which is faster than a hash object per block. */
  private readonly salted: Buffer;
  private top = '';

  public constructor(handle: FileHandle, position: number, dataBlocks: number, salt: Buffer) {
    const counts: number[] = [];
    for (let blocks = dataBlocks; blocks > 1;) counts.push((blocks = Math.ceil((blocks * DIGEST_SIZE) / BLOCK_SIZE)));
    let end = position + BLOCK_SIZE * counts.reduce((sum, count) => sum + count, 0);
    this.size = end - position;
    this.levels = counts.map((count) => new Level(handle, (end -= BLOCK_SIZE * count)));
    this.salted = Buffer.concat([salt, Buffer.alloc(BLOCK_SIZE)]);
  }

  /** The next data blocks, at most 1 MiB. */
  public async add(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length; at += BLOCK_SIZE) this.addDigest(0, this.digest(chunk, at));
    for (const level of this.levels) await level.makeRoom();
  }

  /** @returns the root hash, in hex */
  public async finish(): Promise<string> {
    for (const [number, level] of this.levels.entries()) {
      const block = level.completeBlock();
      if (block !== undefined) this.addDigest(number + 1, this.digest(block, 0));
      await level.flush();
    }
    return Buffer.from(this.top, 'binary').toString('hex');
  }

  private addDigest(number: number, digest: string): void {
    const level = this.levels[number];
    if (level === undefined) {
      this.top = digest;
      return;
    }
    const block = level.add(digest);
    if (block !== undefined) this.addDigest(number + 1, this.digest(block, 0));
  }

  /** Salted digest of the block at `at`, one character a byte. */
  private digest(source: Buffer, at: number): string {
    source.copy(this.salted, this.salted.length - BLOCK_SIZE, at, at + BLOCK_SIZE);
    return hash('sha256', this.salted, 'binary');
  }
}

/** One level of the tree: digests packed into blocks, the last one filled up with zeros. */
class Level {
  private readonly buffer = Buffer.alloc(BATCH * BLOCK_SIZE);
  private used = 0;

  public constructor(
    private readonly handle: FileHandle,
    private position: number,
  ) {}

  /** @returns the block that the digest completed, if it did */
  public add(digest: string): Buffer | undefined {
    this.used += this.buffer.write(digest, this.used, 'binary');
    return this.used % BLOCK_SIZE === 0 ? this.buffer.subarray(this.used - BLOCK_SIZE, this.used) : undefined;
  }

  /** @returns the last block, unless that is complete */
  public completeBlock(): Buffer | undefined {
    const begun = this.used % BLOCK_SIZE;
    if (begun === 0) return undefined;
    this.used += BLOCK_SIZE - begun;
    return this.buffer.subarray(this.used - BLOCK_SIZE, this.used);
  }

  /** Keeps half of the buffer free, far more than the two or three blocks that 1 MiB of data adds. Writes complete blocks only. */
  public async makeRoom(): Promise<void> {
    if (this.used >= this.buffer.length / 2 && this.used % BLOCK_SIZE === 0) await this.flush();
  }

  public async flush(): Promise<void> {
    await writeFully(this.handle, this.buffer.subarray(0, this.used), this.position);
    this.position += this.used;
    this.used = 0;
    this.buffer.fill(0);
  }
}

function derive(label: string, imageSha256: Buffer): Buffer {
  return createHash('sha256').update(label).update(imageSha256).digest();
}

function encodeSuperblock(dataBlocks: number, salt: Buffer, id: Buffer): Buffer {
  const block = Buffer.alloc(BLOCK_SIZE);
  block.write('verity\0\0', 0, 'binary');
  block.writeUInt32LE(1, 8); // format version
  block.writeUInt32LE(1, 12); // hash type: the salt comes before the block
  uuidFrom(id).copy(block, 16);
  block.write('sha256', 32, 'binary');
  block.writeUInt32LE(BLOCK_SIZE, 64);
  block.writeUInt32LE(BLOCK_SIZE, 68);
  block.writeBigUInt64LE(BigInt(dataBlocks), 72);
  block.writeUInt16LE(salt.length, 80);
  salt.copy(block, 88);
  return block;
}

/** A UUID of version 8, "custom" (RFC 9562), out of the first 16 bytes of a hash. */
function uuidFrom(bytes: Buffer): Buffer {
  const uuid = Buffer.from(bytes.subarray(0, 16));
  uuid.writeUInt8((uuid.readUInt8(6) & 0x0f) | 0x80, 6);
  uuid.writeUInt8((uuid.readUInt8(8) & 0x3f) | 0x80, 8);
  return uuid;
}
