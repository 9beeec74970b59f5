/** Everything in a tar comes in blocks of this many bytes. */
export const BLOCK = 512;

/** Type flags of a ustar header, by kind of entry (POSIX 1003.1, pax, "ustar Interchange Format"). */
export const TYPE_FLAG = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
} as const;

/** Where the fields of a ustar header are: offset and width in bytes. */
export const FIELD = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  link: [157, 100],
  magic: [257, 6],
  major: [329, 8],
  minor: [337, 8],
  prefix: [345, 155],
} as const;

/** Bytes that fill the last block of a file of this size. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/**
 * The sum of a header's bytes, its checksum field counted as spaces.
 * `signed` is what writers got that took bytes for signed; readers accept it too.
 */
export function headerSums(header: Buffer): { readonly unsigned: number; readonly signed: number } {
  const [start, width] = FIELD.checksum;
  let unsigned = 0x20 * width;
  let high = 0;
  for (let at = 0; at < BLOCK; at++) {
    if (at === start) at += width;
    const byte = header[at] ?? 0;
    unsigned += byte;
    high += byte >> 7;
  }
  return { unsigned, signed: unsigned - high * 0x100 };
}
