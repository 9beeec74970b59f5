import { nameToBytes, StackError } from '../../core';
import { withoutAcls } from '../acl';
import type { DeviceEntry, Entry, HardlinkEntry, SymlinkEntry, WhiteoutEntry, Xattr } from '../entry';
import { ancestorsOf, isLinkable, parentOf, plainDirectory } from '../tree';
import { emptyData } from './file-data';
import { MAX_NAME, MAX_SYMLINK } from './format';
import { IdTable } from './ids';
import { DeviceNode, DirectoryNode, FifoNode, FileNode, SymlinkNode, type Node, type NodeMetadata } from './nodes';
import { XattrTable } from './xattrs';

/** Linux, include/linux/kdev_t.h: device numbers as they are stored have 12 and 20 bits. */
const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xfffff;
const MAX_UINT32 = 0xffffffff;
/** Overlayfs' mark of a directory that hides what is below, as atomfs reads it. */
const OPAQUE: Xattr = { name: 'user.overlay.opaque', value: Buffer.from('y') };

type NodeEntry = Exclude<Entry, HardlinkEntry | WhiteoutEntry>;

/** The entries of one image as inodes-to-be, in a tree of names. */
export class NodeTree {
  public readonly ids = new IdTable();
  public readonly xattrs = new XattrTable();
  /** All directories; each comes behind its parent. */
  public readonly directories: DirectoryNode[] = [];
  private readonly byPath = new Map<string, DirectoryNode>();
  private count = 0;

  /** @param epoch time of what has no time of its own: directories nobody described, and whiteouts; seconds since 1970 */
  public constructor(private readonly epoch: number) {}

  /** Number of inodes. */
  public get inodes(): number {
    return this.count;
  }

  /** The root directory; as a plain one where the tree does not describe it. */
  public get root(): DirectoryNode {
    return this.directory('');
  }

  /**
   * Adds an entry.
   * @returns its node; of a hard link that of its target
   * @throws StackError STACK4004 for what squashfs cannot store, STACK4006 for a second entry of one path
   */
  public add(entry: Entry): Node {
    if (entry.type === 'whiteout') {
      const mark = { mode: 0, uid: 0, gid: 0, mtime: this.epoch, type: 'char', major: 0, minor: 0 } as const;
      return this.insert(entry.path, (parent) => this.create({ path: entry.path, ...mark }, parent));
    }
    if (entry.type === 'hardlink') return this.insert(entry.path, () => this.linkTarget(entry));
    return this.insert(entry.path, (parent) => this.sharedNode(entry) ?? this.create(entry, parent));
  }

  /** The node of which something that is no file is another name. */
  private sharedNode(entry: NodeEntry): Node | undefined {
    if (!isLinkable(entry) || entry.linkOf === undefined) return undefined;
    const node = this.nodeAt(entry.linkOf);
    if (node?.type !== entry.type) return undefined;
    node.links += 1;
    return node;
  }

  private nodeAt(path: string): Node | undefined {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return this.byPath.get(parentOf(path))?.children.get(name);
  }

  private insert(path: string, create: (parent: DirectoryNode | undefined) => Node): Node {
    if (path === '') return this.insertRoot(create);
    const parent = this.directory(parentOf(path));
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (parent.children.has(name)) throw duplicate(path);
    checkName(path, name);
    const node = create(parent);
    parent.children.set(name, node);
    if (node.type === 'directory') parent.links += 1;
    return node;
  }

  private insertRoot(create: (parent: undefined) => Node): Node {
    if (this.byPath.has('')) throw duplicate('');
    const node = create(undefined);
    if (node.type !== 'directory')
      throw new StackError('STACK4004', `the root of a tree must be a directory, not a ${node.type}`);
    return node;
  }

  /** A directory by its path; it and those above it are made where nobody described them. */
  private directory(path: string): DirectoryNode {
    const known = this.byPath.get(path);
    if (known !== undefined) return known;
    for (const above of ['', ...ancestorsOf(path), path]) {
      if (!this.byPath.has(above)) this.add(plainDirectory(above, this.epoch));
    }
    return this.directory(path);
  }

  private create(entry: NodeEntry, parent: DirectoryNode | undefined): Node {
    const number = this.count + 1;
    const node = this.nodeOf(entry, number, parent);
    this.count = number;
    if (node.type === 'directory') {
      this.directories.push(node);
      this.byPath.set(entry.path, node);
    }
    return node;
  }

  private nodeOf(entry: NodeEntry, number: number, parent: DirectoryNode | undefined): Node {
    const metadata = this.metadataOf(entry);
    switch (entry.type) {
      case 'file':
        return new FileNode(number, metadata, entry.size, emptyData());
      case 'directory':
        return new DirectoryNode(number, metadata, parent);
      case 'symlink':
        return new SymlinkNode(number, metadata, symlinkTarget(entry));
      case 'char':
      case 'block':
        return new DeviceNode(number, metadata, entry.type, deviceNumber(entry));
      case 'fifo':
        return new FifoNode(number, metadata);
    }
  }

  private metadataOf(entry: NodeEntry): NodeMetadata {
    const { mode, xattrs } = withoutAcls(entry);
    return {
      mode: entry.type === 'symlink' ? 0o777 : mode & 0o7777, // as Linux has it
      uid: this.ids.place(entry.uid),
      gid: this.ids.place(entry.gid),
      mtime: Math.min(Math.max(entry.mtime, 0), MAX_UINT32),
      xattrs: this.xattrs.place(entry.path, xattrsOf(entry.type === 'directory' && entry.opaque === true, xattrs)),
    };
  }

  private linkTarget(entry: HardlinkEntry): Node {
    const target = this.nodeAt(entry.target);
    if (target === undefined || target.type === 'directory') {
      throw new StackError(
        'STACK4004',
        `'${entry.path}' is a hard link to '${entry.target}', which is no file before it in the tree`,
      );
    }
    target.links += 1;
    return target;
  }
}

function xattrsOf(isOpaque: boolean, xattrs: readonly Xattr[] = []): readonly Xattr[] {
  return isOpaque ? [...xattrs.filter(({ name }) => name !== OPAQUE.name), OPAQUE] : xattrs;
}

function checkName(path: string, name: string): void {
  const { length } = nameToBytes(name);
  if (length === 0 || length > MAX_NAME || name.includes('\0')) {
    throw new StackError(
      'STACK4004',
      `'${path}' has a name of ${String(length)} bytes or with a NUL in it: Linux allows up to ${String(MAX_NAME)}`,
    );
  }
}

function symlinkTarget(entry: SymlinkEntry): Buffer {
  const target = nameToBytes(entry.target);
  if (target.length === 0 || target.length > MAX_SYMLINK || target.includes(0)) {
    throw new StackError(
      'STACK4004',
      `the symbolic link '${entry.path}' has a target of ${String(target.length)} bytes or with a NUL in it: Linux allows 1 to ${String(MAX_SYMLINK)}`,
    );
  }
  return target;
}

function deviceNumber({ path, major, minor }: DeviceEntry): number {
  if (major < 0 || major > MAX_MAJOR || minor < 0 || minor > MAX_MINOR) {
    throw new StackError(
      'STACK4004',
      `squashfs cannot store the device number ${String(major)}:${String(minor)} of '${path}'`,
    );
  }
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

function duplicate(path: string): StackError {
  return new StackError(
    'STACK4006',
    `the tree has two entries for '${path}', or entries below it though it is no directory`,
  );
}
