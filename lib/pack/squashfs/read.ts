import { createHash } from 'node:crypto';
import { StackError } from '../../core';
import { located, type Archive, type ReadArchiveOptions } from '../archive';
import { ArchiveCopy } from '../archive-copy';
import { ARCHIVE_LIMITS, requireRoom, type ArchiveLimits } from '../archive-limits';
import { ArchiveTree } from '../archive-tree';
import type { TarHeader } from '../tar-entry';
import { isHole } from '../zeros';
import { damaged } from './damage';
import { SquashfsImage } from './image';
import { ImageFile } from './image-file';
import type { FileInode, Inode } from './inode-reader';
import type { ListedName } from './listing-reader';

/** Longest path, in bytes: Linux' PATH_MAX. */
const MAX_PATH = 4096;
/** Attributes by which overlayfs finds content in other places: what they say gets lost where they are not heeded. */
const MISPLACED = /^(trusted|user)\.overlay\.(redirect|metacopy)$/;

/**
 * Reads a squashfs 4.0 image from outside, with zstd, gzip or xz: keeps a copy of all contents, hashes them, and builds its tree
 * without creating any of its files, as `readArchive` does with tars. What stands behind the filesystem is left alone.
 *
 * @throws StackError STACK4001 to STACK4006, naming the image; STACK3013 when xz is needed and not installed; the system's
 *   own error when the copy cannot be written. The copy is then useless and for the caller to remove.
 */
export async function readSquashfs(file: string, options: ReadArchiveOptions): Promise<Pick<Archive, 'tree' | 'copy'>> {
  const limits = options.limits ?? ARCHIVE_LIMITS;
  const source = await ImageFile.open(file);
  try {
    const copy = await ArchiveCopy.create(options.copy);
    try {
      const entries = new ArchiveTree({ ...options, limits });
      const image = await SquashfsImage.open(source, limits);
      const reading = new Reading(image, source.size, entries, copy, limits);
      await reading.run();
      const tree = entries.tree();
      await copy.finish();
      return { tree, copy: { digest: reading.digest(), size: copy.position } };
    } finally {
      await copy.close();
    }
  } catch (error) {
    throw located(error, options.name);
  } finally {
    await source.close();
  }
}

/** Overlayfs gives all its whiteouts one inode, and each of them removes something else. */
function isWhiteout({ type, major, minor }: TarHeader): boolean {
  return type === 'char' && major === 0 && minor === 0;
}

/** One walk over an image, depth first, as its contents mostly lie. */
class Reading {
  private readonly hash = createHash('sha256');
  /** The first path of every directory and file, by the number of the inode. */
  private readonly paths = new Map<number, string>();
  /** Bytes of the contents so far, holes among them. */
  private unpacked = 0;
  /** The directories on the way down, with what is left of them. */
  private readonly open: { readonly path: string; readonly names: AsyncGenerator<ListedName> }[] = [];

  public constructor(
    private readonly image: SquashfsImage,
    private readonly imageSize: number,
    private readonly entries: ArchiveTree,
    private readonly copy: ArchiveCopy,
    private readonly limits: ArchiveLimits,
  ) {}

  /** Digest of the copy; asked for once, at the end. */
  public digest(): string {
    return `sha256:${this.hash.digest('hex')}`;
  }

  public async run(): Promise<void> {
    await this.visit('', await this.image.root());
    for (let directory = this.open.at(-1); directory !== undefined; directory = this.open.at(-1)) {
      const next = await directory.names.next();
      if (next.done === true) {
        this.open.pop();
        continue;
      }
      const path = directory.path === '' ? next.value.name : `${directory.path}/${next.value.name}`;
      if (path.length > MAX_PATH) {
        throw new StackError('STACK4003', `the filesystem image has a path of more than ${String(MAX_PATH)} bytes`);
      }
      await this.visit(path, await this.image.inode(next.value));
    }
  }

  private async visit(path: string, inode: Inode): Promise<void> {
    if (inode.type === 'socket') return; // means something only to the process that made it
    const earlier = this.paths.get(inode.number);
    const header = await this.headerOf(path, inode);
    switch (inode.type) {
      case 'directory':
        if (earlier !== undefined) throw damaged(`has one directory in two places, '/${earlier}' and '/${path}'`);
        this.paths.set(inode.number, path);
        this.entries.header(header, 0);
        this.open.push({ path, names: this.image.names(inode) });
        return;
      case 'file':
        if (earlier !== undefined) {
          this.entries.header({ ...header, type: 'hardlink', link: earlier, size: 0 }, 0);
          return;
        }
        this.paths.set(inode.number, path);
        await this.takeFile(inode, header);
        return;
      case 'symlink':
      case 'char':
      case 'block':
      case 'fifo':
        if (earlier !== undefined && !isWhiteout(header)) {
          this.entries.header({ ...header, type: 'hardlink', link: earlier }, 0);
          return;
        }
        this.paths.set(inode.number, path);
        this.entries.header(header, 0);
    }
  }

  private async takeFile(file: FileInode, header: TarHeader): Promise<void> {
    this.unpacked += file.size;
    requireRoom(this.unpacked, this.imageSize, this.limits);
    this.entries.header(header, this.copy.position);
    for await (const piece of this.image.content(file)) {
      this.entries.data(piece);
      if (isHole(piece)) continue;
      this.hash.update(piece);
      await this.copy.write(piece);
    }
  }

  private async headerOf(path: string, inode: Exclude<Inode, { type: 'socket' }>): Promise<TarHeader> {
    const xattrs = await this.image.xattrsOf(inode);
    const misplaced = xattrs?.find(({ name }) => MISPLACED.test(name));
    if (misplaced !== undefined) {
      throw new StackError('STACK4004', `'/${path}' has its content elsewhere, says its attribute ${misplaced.name}`, {
        hint: 'make the layer on an overlay without redirect_dir and metacopy',
      });
    }
    const { type, mode, mtime } = inode;
    const isDevice = type === 'char' || type === 'block';
    return {
      type,
      path,
      link: type === 'symlink' ? inode.target : '',
      mode,
      uid: await this.image.id(inode.uid),
      gid: await this.image.id(inode.gid),
      mtime,
      size: type === 'file' ? inode.size : 0,
      major: isDevice ? inode.major : 0,
      minor: isDevice ? inode.minor : 0,
      xattrs,
    };
  }
}
