import { BLOCK_LOG, BLOCK_SIZE, DEFAULT_ZSTD_LEVEL, STORED_METADATA, SUPERBLOCK_SIZE } from './format';

export const MAGIC = 0x73717368;
const ZSTD = 6;
const FLAG_DUPLICATES = 0x0040;
const FLAG_COMPRESSOR_OPTIONS = 0x0400;
/** Stands for a table that is not there. */
export const ABSENT = 0xffff_ffff_ffff_ffffn;

/** What the superblock says. Positions are in bytes from the beginning of the image. */
export interface Superblock {
  readonly inodes: number;
  /** Seconds since 1970. */
  readonly time: number;
  readonly fragments: number;
  readonly ids: number;
  readonly level: number;
  /** Place of the root's inode, packed. */
  readonly root: number;
  /** Bytes of the image without what fills up its end. */
  readonly size: number;
  readonly idTable: number;
  /** Absent where nothing has extended attributes. */
  readonly xattrTable: number | undefined;
  readonly inodeTable: number;
  readonly directoryTable: number;
  readonly fragmentTable: number;
}

/** The first 96 bytes of an image. */
export function encodeSuperblock(fields: Superblock): Buffer {
  const block = Buffer.alloc(SUPERBLOCK_SIZE);
  block.writeUInt32LE(MAGIC, 0);
  block.writeUInt32LE(fields.inodes, 4);
  block.writeUInt32LE(fields.time, 8);
  block.writeUInt32LE(BLOCK_SIZE, 12);
  block.writeUInt32LE(fields.fragments, 16);
  block.writeUInt16LE(ZSTD, 20);
  block.writeUInt16LE(BLOCK_LOG, 22);
  block.writeUInt16LE(FLAG_DUPLICATES | (hasCompressorOptions(fields.level) ? FLAG_COMPRESSOR_OPTIONS : 0), 24);
  block.writeUInt16LE(fields.ids, 26);
  block.writeUInt16LE(4, 28); // version 4.0
  const positions = [
    fields.root,
    fields.size,
    fields.idTable,
    fields.xattrTable,
    fields.inodeTable,
    fields.directoryTable,
    fields.fragmentTable,
    undefined, // no table to export the image over NFS
  ];
  positions.forEach((position, place) => {
    block.writeBigUInt64LE(position === undefined ? ABSENT : BigInt(position), 32 + 8 * place);
  });
  return block;
}

/** What stands between the superblock and the data: the level, as a metadata block; nothing for the default level. */
export function encodeCompressorOptions(level: number): Buffer {
  if (!hasCompressorOptions(level)) return Buffer.alloc(0);
  const block = Buffer.alloc(6);
  block.writeUInt16LE(4 | STORED_METADATA, 0);
  block.writeUInt32LE(level, 2);
  return block;
}

function hasCompressorOptions(level: number): boolean {
  return level !== DEFAULT_ZSTD_LEVEL;
}
