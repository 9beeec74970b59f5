/** Builds tars byte by byte, on its own: what is under test must not make its own input. */

const BLOCK = 512;

export interface RawHeader {
  name?: string | Buffer;
  type?: string;
  /** Stated in the header; default: the length of the content. */
  size?: number;
  mode?: number;
  uid?: number;
  gid?: number;
  mtime?: number;
  link?: string | Buffer;
  prefix?: string;
  magic?: string;
  major?: number;
  minor?: number;
  /** Raw bytes put over the header at an offset, before the checksum is computed. */
  patch?: Record<number, Buffer | string>;
  /** In place of the right one. */
  checksum?: number;
}

function octal(value: number, width: number): string {
  return value.toString(8).padStart(width - 1, '0');
}

/** One header block. */
export function header(fields: RawHeader, contentSize = 0): Buffer {
  const block = Buffer.alloc(BLOCK);
  const put = (at: number, bytes: Buffer | string): void => {
    (typeof bytes === 'string' ? Buffer.from(bytes) : bytes).copy(block, at);
  };
  put(0, fields.name ?? 'file');
  put(100, octal(fields.mode ?? 0o644, 8));
  put(108, octal(fields.uid ?? 0, 8));
  put(116, octal(fields.gid ?? 0, 8));
  put(124, octal(fields.size ?? contentSize, 12));
  put(136, octal(fields.mtime ?? 0, 12));
  put(156, fields.type ?? '0');
  put(157, fields.link ?? '');
  put(257, fields.magic ?? 'ustar\x0000');
  put(329, octal(fields.major ?? 0, 8));
  put(337, octal(fields.minor ?? 0, 8));
  put(345, fields.prefix ?? '');
  for (const [at, bytes] of Object.entries(fields.patch ?? {})) put(Number(at), bytes);
  block.fill(' ', 148, 156);
  const sum = fields.checksum ?? block.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 7)}\0 `);
  return block;
}

/** A header with its content, filled up to whole blocks. */
export function entry(fields: RawHeader, content: Buffer | string = ''): Buffer {
  const body = Buffer.from(content);
  const padding = Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK);
  return Buffer.concat([header(fields, body.length), body, padding]);
}

export const dir = (name: string, fields: RawHeader = {}): Buffer => entry({ mode: 0o755, ...fields, name, type: '5' });
export const file = (name: string | Buffer, content: Buffer | string = '', fields: RawHeader = {}): Buffer =>
  entry({ ...fields, name }, content);
export const symlink = (name: string, link: string): Buffer => entry({ mode: 0o777, name, link, type: '2' });
export const hardlink = (name: string, link: string): Buffer => entry({ name, link, type: '1' });

/** One pax record with its length. */
export function record(keyword: string, value: Buffer | string): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${keyword}=`), Buffer.from(value), Buffer.from('\n')]);
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** A pax header for the next entry, or with type g for all. */
export function pax(records: Record<string, Buffer | string>, type = 'x'): Buffer {
  return entry({ name: 'pax', type }, Buffer.concat(Object.entries(records).map(([key, value]) => record(key, value))));
}

/** A GNU long name (L) or long link (K) for the next entry. */
export const gnuLong = (type: 'L' | 'K', name: string | Buffer): Buffer =>
  entry({ name: '././@LongLink', type, magic: 'ustar  \0' }, Buffer.concat([Buffer.from(name), Buffer.alloc(1)]));

/** A field in base-256. */
export function base256(value: bigint, width: number): Buffer {
  const bytes = Buffer.alloc(width);
  let rest = BigInt.asUintN(8 * width, value);
  for (let at = width - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  bytes[0] = (bytes[0] ?? 0) | 0x80;
  return bytes;
}

/** What ends an archive. */
export const END = Buffer.alloc(2 * BLOCK);

/** A whole archive. */
export function tar(...parts: Buffer[]): Buffer {
  return Buffer.concat([...parts, END]);
}
