/**
 * One entry of a filesystem tree, the common form of tars, filesystem images, packages and imports.
 *
 * Paths have no leading or trailing slash and no `.`, `..` or empty component; `''` is the root directory itself.
 * Bytes that are not UTF-8 are kept as described at `bytesToName` in lib/core.
 */
export type Entry = FileEntry | DirectoryEntry | SymlinkEntry | HardlinkEntry | DeviceEntry | FifoEntry | WhiteoutEntry;

interface Named {
  readonly path: string;
}

/** Metadata every real entry has. */
export interface Metadata {
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, whole; may be negative. */
  readonly mtime: number;
  /** Extended attributes, sorted by name; absent when there are none. */
  readonly xattrs?: readonly Xattr[] | undefined;
}

/** An extended attribute; values are bytes (`security.capability` is binary). */
export interface Xattr {
  readonly name: string;
  readonly value: Buffer;
}

export interface FileEntry extends Named, Metadata {
  readonly type: 'file';
  /** Bytes. */
  readonly size: number;
  readonly content: Content;
  /** sha256 of the content, 64 hex characters, where it is already known. */
  readonly sha256?: string | undefined;
}

export interface DirectoryEntry extends Named, Metadata {
  readonly type: 'directory';
  /** Hides what lower layers have in this directory. */
  readonly opaque?: boolean | undefined;
  /** The layer only makes the directory opaque: its metadata is that of the layers below, if these have it. */
  readonly implied?: boolean | undefined;
}

/** What may have further names, as every inode but that of a directory. Those of files are entries of their own kind. */
interface Linkable {
  /** Path of an entry of the same tree that is the same inode, and in a sorted tree comes first. */
  readonly linkOf?: string | undefined;
}

export interface SymlinkEntry extends Named, Metadata, Linkable {
  readonly type: 'symlink';
  readonly target: string;
}

/** A further name of a file. Repeats the metadata of its target, since extractors apply it again (containerd does). */
export interface HardlinkEntry extends Named, Metadata {
  readonly type: 'hardlink';
  /** Path of a file entry of the same tree. In a sorted tree that one comes first. */
  readonly target: string;
}

export interface DeviceEntry extends Named, Metadata, Linkable {
  readonly type: 'char' | 'block';
  readonly major: number;
  readonly minor: number;
}

export interface FifoEntry extends Named, Metadata, Linkable {
  readonly type: 'fifo';
}

/** Removes what lower layers have at this path. */
export interface WhiteoutEntry extends Named {
  readonly type: 'whiteout';
}

/** Where the bytes of a file are, as plain data; they are read only when a layer is packed. */
export type Content =
  | {
      /** A file of the user's. It must still have this identity when it is read. */
      readonly kind: 'host';
      readonly file: string;
      readonly identity: FileIdentity;
    }
  | {
      /** Part of an immutable file of the store. */
      readonly kind: 'slice';
      readonly file: string;
      readonly offset: number;
      /** Where it has data, whose bytes stand there in a row; between are holes, which read as zeros. Default: everywhere. */
      readonly data?: readonly Stretch[] | undefined;
      /** Whether it is compared with the entry's sha256 when it is read: for what was written long ago. */
      readonly check?: boolean;
    }
  | { readonly kind: 'bytes'; readonly bytes: Buffer };

/** A part of a content, in bytes. */
export interface Stretch {
  readonly offset: number;
  readonly length: number;
}

/** What tells that a file has not been changed since it was looked at. */
export interface FileIdentity {
  readonly device: number;
  readonly inode: number;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** Entries sorted by the bytes of their paths, each path once, every parent directory present or deliberately left out. */
export type Tree = readonly Entry[];
