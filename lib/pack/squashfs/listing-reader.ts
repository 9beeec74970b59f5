import { bytesToName } from '../../core';
import { damaged } from './damage';
import { MAX_NAME } from './format';
import type { Inode } from './inode-reader';
import { TYPES } from './inode-reader';
import type { MetadataPosition } from './metadata';
import type { MetadataCursor } from './metadata-reader';

/** Entries under one header at most (Linux, SQUASHFS_DIR_COUNT). */
const RUN_LENGTH = 256;
const HEADER_SIZE = 12;
const ENTRY_SIZE = 8;

/** What a directory says about one thing in it. */
export interface ListedName {
  readonly name: string;
  readonly type: Inode['type'];
  /** Of the inode: where it is, and its number. */
  readonly position: MetadataPosition;
  readonly number: number;
}

/**
 * The names in a directory, in byte order. A listing that is not sorted shows other files to who looks for a name than to
 * who reads it all, and is refused.
 * @param size bytes of the listing
 */
export async function* readListing(cursor: MetadataCursor, size: number): AsyncGenerator<ListedName> {
  let left = size;
  const take = (length: number): Promise<Buffer> => {
    left -= length;
    if (left < 0) throw damaged('has a directory whose entries do not fit');
    return cursor.read(length);
  };
  let last: Buffer = Buffer.alloc(0);
  while (left > 0) {
    const header = await take(HEADER_SIZE);
    const [count, block, base] = [header.readUInt32LE(0) + 1, header.readUInt32LE(4), header.readUInt32LE(8)];
    if (count > RUN_LENGTH) throw damaged('has too many entries under one header');
    for (let each = 0; each < count; each++) {
      const entry = await take(ENTRY_SIZE);
      const bytes = await take(entry.readUInt16LE(6) + 1);
      const name = nameOf(bytes);
      if (Buffer.compare(last, bytes) >= 0) throw damaged(`has a directory that is not sorted, at '${name}'`);
      last = bytes;
      const type = TYPES.get(entry.readUInt16LE(4));
      if (type === undefined) throw damaged(`has an entry of an unknown type, '${name}'`);
      const position = { block, offset: entry.readUInt16LE(0) };
      yield { name, type, position, number: base + entry.readInt16LE(2) };
    }
  }
}

function nameOf(bytes: Buffer): string {
  const name = bytesToName(bytes);
  if (bytes.length > MAX_NAME || bytes.includes(0) || name.includes('/') || name === '.' || name === '..') {
    throw damaged(`has an entry of the name ${JSON.stringify(name.slice(0, MAX_NAME))}, which is not valid`);
  }
  return name;
}
