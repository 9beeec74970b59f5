import { damaged } from './damage';
import { SUPERBLOCK_SIZE } from './format';
import type { ImageFile } from './image-file';
import { readPosition } from './metadata-reader';
import { ABSENT, MAGIC, type Superblock } from './superblock';

/** Smallest and largest data blocks, as powers of two (Linux, fs/squashfs/squashfs_fs.h). */
const MIN_BLOCK_LOG = 12;
const MAX_BLOCK_LOG = 20;

/** What a superblock tells a reader. */
export interface ReadSuperblock extends Omit<Superblock, 'level' | 'time'> {
  readonly blockSize: number;
  /** Number of the compressor. */
  readonly compressor: number;
}

/**
 * Reads the superblock, and limits the image to what that describes.
 * @throws StackError STACK4001 when it is none, or not of version 4.0
 */
export async function readSuperblock(image: ImageFile): Promise<ReadSuperblock> {
  if (image.size < SUPERBLOCK_SIZE) throw damaged('is truncated');
  const block = await image.read(0, SUPERBLOCK_SIZE);
  if (block.readUInt32LE(0) !== MAGIC) throw damaged('is no squashfs');
  const [major, minor] = [block.readUInt16LE(28), block.readUInt16LE(30)];
  if (major !== 4 || minor !== 0) throw damaged(`is of squashfs version ${String(major)}.${String(minor)}, not 4.0`);
  const [blockSize, blockLog] = [block.readUInt32LE(12), block.readUInt16LE(22)];
  if (blockLog < MIN_BLOCK_LOG || blockLog > MAX_BLOCK_LOG || blockSize !== 2 ** blockLog) {
    throw damaged('has a wrong block size');
  }
  const superblock = {
    inodes: block.readUInt32LE(4),
    blockSize,
    fragments: block.readUInt32LE(16),
    compressor: block.readUInt16LE(20),
    ids: block.readUInt16LE(26),
    root: readPosition(block, 32),
    size: readPosition(block, 40),
    idTable: readPosition(block, 48),
    xattrTable: block.readBigUInt64LE(56) === ABSENT ? undefined : readPosition(block, 56),
    inodeTable: readPosition(block, 64),
    directoryTable: readPosition(block, 72),
    // Nothing is there where there are no fragments.
    fragmentTable: block.readUInt32LE(16) === 0 ? 0 : readPosition(block, 80),
  };
  image.limit(superblock.size);
  return superblock;
}
