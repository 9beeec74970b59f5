import type { FileData } from './file-data';
import type { MetadataPosition } from './metadata';

/** What every inode has. */
interface NodeBase {
  /** Inode number, from 1 in the order the entries came; the root has 1. */
  readonly number: number;
  mode: number;
  /** Places in the id table. */
  uid: number;
  gid: number;
  /** Seconds since 1970, 32 bits unsigned. */
  mtime: number;
  /** Place in the xattr table, or NONE. */
  xattrs: number;
  /** Names it has; of a directory the number of its subdirectories plus 2. */
  links: number;
  /** Where its inode was written. */
  position?: MetadataPosition;
}

export interface FileNode extends NodeBase {
  readonly type: 'file';
  readonly size: number;
  readonly data: FileData;
}

export interface DirectoryNode extends NodeBase {
  readonly type: 'directory';
  /** The root is in itself. */
  readonly parent: DirectoryNode | undefined;
  readonly children: Map<string, Node>;
}

export interface SymlinkNode extends NodeBase {
  readonly type: 'symlink';
  readonly target: Buffer;
}

export interface DeviceNode extends NodeBase {
  readonly type: 'char' | 'block';
  /** Device number in Linux' 32-bit form (new_encode_dev in include/linux/kdev_t.h). */
  readonly device: number;
}

export interface FifoNode extends NodeBase {
  readonly type: 'fifo';
}

/** What becomes one inode. */
export type Node = FileNode | DirectoryNode | SymlinkNode | DeviceNode | FifoNode;
