import type { FileData } from './file-data';
import type { MetadataPosition } from './metadata';

/** What the head of an inode says. */
export interface NodeMetadata {
  readonly mode: number;
  /** Places in the id table. */
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, 32 bits unsigned. */
  readonly mtime: number;
  /** Place in the xattr table, or NONE. */
  readonly xattrs: number;
}

/** What becomes one inode. */
export type Node = FileNode | DirectoryNode | SymlinkNode | DeviceNode | FifoNode;

// Classes, not literals: a layer may have a million of these, and spread literals take twice the time and memory.
abstract class NodeBase implements NodeMetadata {
  public readonly mode: number;
  public readonly uid: number;
  public readonly gid: number;
  public readonly mtime: number;
  public readonly xattrs: number;
  /** Where its inode was written. */
  public position: MetadataPosition | undefined = undefined;

  /**
   * @param number inode number, from 1 in the order the entries came; the root has 1
   * @param links names it has; of a directory the number of its subdirectories plus 2
   */
  public constructor(
    public readonly number: number,
    metadata: NodeMetadata,
    public links = 1,
  ) {
    this.mode = metadata.mode;
    this.uid = metadata.uid;
    this.gid = metadata.gid;
    this.mtime = metadata.mtime;
    this.xattrs = metadata.xattrs;
  }
}

/** A regular file. */
export class FileNode extends NodeBase {
  public readonly type = 'file';

  public constructor(
    number: number,
    metadata: NodeMetadata,
    public readonly size: number,
    public readonly data: FileData,
  ) {
    super(number, metadata);
  }
}

/** A directory; the root has no parent. */
export class DirectoryNode extends NodeBase {
  public readonly type = 'directory';
  public readonly children = new Map<string, Node>();

  public constructor(
    number: number,
    metadata: NodeMetadata,
    public readonly parent: DirectoryNode | undefined,
  ) {
    super(number, metadata, 2);
  }
}

/** A symbolic link. */
export class SymlinkNode extends NodeBase {
  public readonly type = 'symlink';

  public constructor(
    number: number,
    metadata: NodeMetadata,
    public readonly target: Buffer,
  ) {
    super(number, metadata);
  }
}

/** A device; its number is in Linux' 32-bit form (include/linux/kdev_t.h). */
export class DeviceNode extends NodeBase {
  public constructor(
    number: number,
    metadata: NodeMetadata,
    public readonly type: 'char' | 'block',
    public readonly device: number,
  ) {
    super(number, metadata);
  }
}

/** A named pipe. */
export class FifoNode extends NodeBase {
  public readonly type = 'fifo';
}
