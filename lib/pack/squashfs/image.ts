import type { ArchiveLimits } from '../archive-limits';
import type { Xattr } from '../entry';
import { BlockDecoder } from './block-decoder';
import { ContentStream } from './content-stream';
import { damaged } from './damage';
import { NONE } from './format';
import type { ImageFile } from './image-file';
import { readInode, type DirectoryInode, type FileInode, type Inode } from './inode-reader';
import { readListing, type ListedName } from './listing-reader';
import { packPosition } from './metadata';
import { LookupTable, MetadataReader, unpackPosition } from './metadata-reader';
import { readSuperblock } from './superblock-reader';
import { XattrReader } from './xattr-reader';

/** Stands for "no such user" (chown(2)). */
const NO_ID = 0xffffffff;

/** The tables of a squashfs image, each part read when it is asked for and checked before it is believed. */
export class SquashfsImage {
  /** @throws StackError STACK4001 when it is no squashfs 4.0, STACK4005 when its compression cannot be read */
  public static async open(file: ImageFile, limits: ArchiveLimits): Promise<SquashfsImage> {
    const superblock = await readSuperblock(file);
    const { inodeTable, directoryTable, idTable, ids, fragmentTable, fragments, xattrTable, blockSize } = superblock;
    const decoder = new BlockDecoder(superblock.compressor, file.size, limits);
    const anywhere = new MetadataReader(file, decoder, 0, file.size);
    return new SquashfsImage(
      superblock.inodes,
      superblock.root,
      new MetadataReader(file, decoder, inodeTable, directoryTable),
      new MetadataReader(file, decoder, directoryTable, file.size),
      new LookupTable(file, anywhere, idTable, ids, 4),
      new ContentStream(file, decoder, blockSize, new LookupTable(file, anywhere, fragmentTable, fragments, 16)),
      xattrTable === undefined ? undefined : await XattrReader.open(file, decoder, anywhere, xattrTable),
    );
  }

  /** Places of the inodes by their numbers. What has one number is one file to the kernel, whatever is there. */
  private readonly places = new Map<number, number>();

  private constructor(
    private readonly inodes: number,
    private readonly rootPlace: number,
    private readonly inodeTable: MetadataReader,
    private readonly listings: MetadataReader,
    private readonly ids: LookupTable,
    private readonly contents: ContentStream,
    private readonly xattrs: XattrReader | undefined,
  ) {}

  /** The root directory. */
  public async root(): Promise<DirectoryInode> {
    const inode = await this.inodeAt(this.rootPlace);
    if (inode.type !== 'directory') throw damaged('has a root that is no directory');
    return inode;
  }

  /** What a name in a directory stands for. */
  public async inode({ name, type, position, number }: ListedName): Promise<Inode> {
    const inode = await this.inodeAt(packPosition(position));
    if (inode.type === type && inode.number === number) return inode;
    throw damaged(`says of '${name}' one thing in its directory and another in its inode`);
  }

  /** The names in a directory. */
  public names({ listing, size }: DirectoryInode): AsyncGenerator<ListedName> {
    return readListing(this.listings.at(listing), size);
  }

  /** The content of a file in pieces, exactly `size` bytes. */
  public content(file: FileInode): AsyncGenerator<Buffer> {
    return this.contents.read(file);
  }

  /** The user or group id in a row of their table. */
  public async id(row: number): Promise<number> {
    const id = (await this.ids.row(row)).readUInt32LE(0);
    if (id === NO_ID) throw damaged('has a user or group id out of range');
    return id;
  }

  /** The extended attributes of an inode. */
  public async xattrsOf({ xattrs }: Inode): Promise<readonly Xattr[] | undefined> {
    if (xattrs === NONE) return undefined;
    if (this.xattrs === undefined) throw damaged('points to extended attributes and has none');
    return this.xattrs.read(xattrs);
  }

  private async inodeAt(place: number): Promise<Inode> {
    const inode = await readInode(this.inodeTable.at(unpackPosition(place)));
    const { number } = inode;
    if (number === 0 || number > this.inodes) throw damaged('has an inode whose number is out of range');
    const known = this.places.get(number);
    if (known === undefined) this.places.set(number, place);
    else if (known !== place) throw damaged('has two inodes of one number');
    return inode;
  }
}
