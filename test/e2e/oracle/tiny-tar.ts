/** What a tar of the tests has: whiteouts are files with the names of the image specification. */
export type TarEntry = {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
} & (
  | { readonly type: 'file'; readonly size: number }
  | { readonly type: 'directory' }
  | { readonly type: 'symlink'; readonly target: string }
);

const TYPES = { file: '0', symlink: '2', directory: '5' } as const;

/** Writes a ustar archive; a file of n bytes has n times 0xff, so that its size says all of its content. */
export function tinyTar(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const size = entry.type === 'file' ? entry.size : 0;
    const header = Buffer.alloc(512);
    const octal = (value: number, at: number, length: number): void => {
      header.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1');
    };
    header.write(entry.type === 'directory' ? `${entry.path}/` : entry.path, 0, 'latin1');
    octal(entry.mode, 100, 8);
    octal(entry.uid, 108, 8);
    octal(entry.gid, 116, 8);
    octal(size, 124, 12);
    octal(1_000_000_000, 136, 12);
    header.write(' '.repeat(8), 148, 'latin1');
    header.write(TYPES[entry.type], 156, 'latin1');
    if (entry.type === 'symlink') header.write(entry.target, 157, 'latin1');
    header.write('ustar\x0000', 257, 'latin1');
    octal(
      header.reduce((sum, byte) => sum + byte, 0),
      148,
      7,
    );
    return [header, Buffer.alloc(size, 0xff), Buffer.alloc((512 - (size % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
