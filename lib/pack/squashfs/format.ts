/**
 * Numbers of the squashfs 4.0 on-disk format, little-endian throughout.
 * Source: Linux, fs/squashfs/squashfs_fs.h and Documentation/filesystems/squashfs.rst.
 */

/** Bytes of a data block; what mksquashfs and the kernel are tuned for. */
export const BLOCK_SIZE = 128 * 1024;
export const BLOCK_LOG = 17;

/** Bytes of an uncompressed metadata block; only the last one of a table is shorter. */
export const METADATA_SIZE = 8 * 1024;

/** Bytes of the superblock. */
export const SUPERBLOCK_SIZE = 96;

/** In the size of a data or fragment block: it is stored as it is. */
export const STORED_DATA = 1 << 24;

/** In the header of a metadata block: it is stored as it is. */
export const STORED_METADATA = 1 << 15;

/** Stands for "no fragment" and "no extended attributes" in an inode. */
export const NONE = 0xffffffff;

/** Level that mksquashfs takes by default; an image of any other level says so in a compressor options block. */
export const DEFAULT_ZSTD_LEVEL = 15;

/** Inode types; these are also the types in directory entries. An extended inode has its basic type plus 7. */
export const INODE_TYPE = { directory: 1, file: 2, symlink: 3, block: 4, char: 5, fifo: 6 } as const;
export const EXTENDED = 7;

/** Longest name of a directory entry, in bytes (Linux, NAME_MAX). */
export const MAX_NAME = 255;

/** Longest symlink target, in bytes: PATH_MAX with its NUL, and no more than a page (Linux, fs/squashfs/inode.c). */
export const MAX_SYMLINK = 4095;
