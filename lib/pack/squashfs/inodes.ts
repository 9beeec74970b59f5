import type { Listing } from './directory';
import { EXTENDED, INODE_TYPE, NONE } from './format';
import type { DeviceNode, DirectoryNode, FifoNode, FileNode, Node, SymlinkNode } from './nodes';

/** Puts little-endian fields one behind the other. */
class Fields {
  private readonly buffer: Buffer;
  private length = 0;

  public constructor(size: number) {
    this.buffer = Buffer.allocUnsafe(size);
  }

  public u16(...values: readonly number[]): this {
    for (const value of values) this.length = this.buffer.writeUInt16LE(value, this.length);
    return this;
  }

  public u32(...values: readonly number[]): this {
    return this.list(values);
  }

  public list(values: readonly number[]): this {
    for (const value of values) this.length = this.buffer.writeUInt32LE(value, this.length);
    return this;
  }

  public u64(...values: readonly number[]): this {
    for (const value of values) this.length = this.buffer.writeBigUInt64LE(BigInt(value), this.length);
    return this;
  }

  public bytes(bytes: Buffer): this {
    this.length += bytes.copy(this.buffer, this.length);
    return this;
  }

  public done(): Buffer {
    return this.buffer.subarray(0, this.length);
  }
}

/** The inode of anything but a directory: a basic one, or an extended one where that has no room for what is to be said. */
export function encodeInode(node: Exclude<Node, DirectoryNode>): Buffer {
  switch (node.type) {
    case 'file':
      return encodeFile(node);
    case 'symlink':
      return encodeSymlink(node);
    case 'char':
    case 'block':
      return encodeSpecial(node, [node.links, node.device]);
    case 'fifo':
      return encodeSpecial(node, [node.links]);
  }
}

/**
 * The inode of a directory.
 * @param parent inode number of the directory it is in
 */
export function encodeDirectoryInode(node: DirectoryNode, listing: Listing, parent: number): Buffer {
  const { position, index } = listing;
  // By convention the size is that of the listing and 3 more, for the . and .. that are not in it.
  const size = listing.size + 3;
  if (size <= 0xffff && index.length === 0 && node.xattrs === NONE) {
    return head(node, 32).u32(position.block, node.links).u16(size, position.offset).u32(parent).done();
  }
  const fields = head(node, 40 + index.reduce((sum, { name }) => sum + 12 + name.length, 0), EXTENDED);
  fields.u32(node.links, size, position.block, parent).u16(index.length, position.offset).u32(node.xattrs);
  for (const { offset, block, name } of index) fields.u32(offset, block, name.length - 1).bytes(name);
  return fields.done();
}

function encodeFile(node: FileNode): Buffer {
  const { size, data } = node;
  const { start, blocks, fragment, offset } = data;
  const basic = node.links === 1 && node.xattrs === NONE && data.sparse === 0 && size <= NONE && start <= NONE;
  if (basic)
    return head(node, 32 + 4 * blocks.length)
      .u32(start, fragment, offset, size)
      .list(blocks)
      .done();
  // unsquashfs takes a file for a sparse one when this is not 0, so it stays below the size as in mksquashfs.
  const sparse = Math.min(data.sparse, Math.max(size - 1, 0));
  const fields = head(node, 56 + 4 * blocks.length, EXTENDED).u64(start, size, sparse);
  return fields.u32(node.links, fragment, offset, node.xattrs).list(blocks).done();
}

function encodeSymlink(node: SymlinkNode): Buffer {
  const { target } = node;
  const extended = node.xattrs !== NONE;
  const fields = head(node, 28 + target.length, extended ? EXTENDED : 0)
    .u32(node.links, target.length)
    .bytes(target);
  return extended ? fields.u32(node.xattrs).done() : fields.done();
}

function encodeSpecial(node: DeviceNode | FifoNode, values: readonly number[]): Buffer {
  if (node.xattrs === NONE)
    return head(node, 24)
      .u32(...values)
      .done();
  return head(node, 28, EXTENDED)
    .u32(...values, node.xattrs)
    .done();
}

function head(node: Node, size: number, extended = 0): Fields {
  const { mode, uid, gid, mtime, number } = node;
  return new Fields(size).u16(INODE_TYPE[node.type] + extended, mode, uid, gid).u32(mtime, number);
}
