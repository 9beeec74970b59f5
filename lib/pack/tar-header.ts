import { bytesToName, nameToBytes, StackError } from '../core';
import type { Entry, Metadata, Xattr } from './entry';

/** Everything in a tar comes in blocks of this many bytes. */
export const BLOCK = 512;

const TYPE_FLAGS = { file: '0', hardlink: '1', symlink: '2', char: '3', block: '4', directory: '5', fifo: '6' } as const;
const NO_METADATA: Metadata = { mode: 0, uid: 0, gid: 0, mtime: 0 };
const WHITEOUT_PREFIX = '.wh.';
const OPAQUE_NAME = '.wh..wh..opq';
/** Field sizes of a ustar header (POSIX 1003.1, pax "ustar Interchange Format"). */
const MAX_NAME = 100;
const MAX_LINK = 100;
const MAX_ID = 0o7777777;
const MAX_TIME = 0o77777777777;
const MAX_SIZE = 0o77777777777;

/**
 * The header blocks of one entry of a layer tar: a ustar header, behind a pax header where a value does not fit.
 * Whiteouts take the form of image-spec layer.md (`.wh.NAME`); an opaque directory is followed by its `.wh..wh..opq`.
 *
 * Deterministic: no user or group names, pax records sorted, times in whole seconds.
 * @throws StackError STACK4004 for a name a layer tar cannot hold.
 */
export function encodeTarHeader(entry: Entry): Buffer {
  refuseReservedName(entry.path);
  if (entry.type === 'whiteout') return encode(whiteoutPath(entry.path, WHITEOUT_PREFIX), '0', NO_METADATA, {});
  const flag = TYPE_FLAGS[entry.type];
  switch (entry.type) {
    case 'file':
      return encode(entry.path, flag, entry, { size: entry.size });
    case 'hardlink':
    case 'symlink':
      return encode(entry.path, flag, entry, { link: entry.target });
    case 'char':
    case 'block':
      return encode(entry.path, flag, entry, { device: [entry.major, entry.minor] });
    case 'fifo':
      return encode(entry.path, flag, entry, {});
    case 'directory': {
      const header = encode(entry.path === '' ? './' : `${entry.path}/`, flag, entry, {});
      if (entry.opaque !== true) return header;
      const mark = entry.path === '' ? OPAQUE_NAME : `${entry.path}/${OPAQUE_NAME}`;
      return Buffer.concat([header, encode(mark, '0', NO_METADATA, {})]);
    }
  }
}

/** Bytes that fill the last block of a file of this size. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function refuseReservedName(path: string): void {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (!name.startsWith(WHITEOUT_PREFIX)) return;
  throw new StackError('STACK4004', `'/${path}' cannot be put into a layer: names that start with .wh. mean removed files there`, {
    hint: 'rename the file or exclude it',
  });
}

function whiteoutPath(path: string, prefix: string): string {
  const at = path.lastIndexOf('/') + 1;
  return path.slice(0, at) + prefix + path.slice(at);
}

interface Extra {
  readonly size?: number;
  readonly link?: string;
  readonly device?: readonly [major: number, minor: number];
}

function encode(path: string, flag: string, metadata: Metadata, extra: Extra): Buffer {
  const name = nameToBytes(path);
  const link = nameToBytes(extra.link ?? '');
  const size = extra.size ?? 0;
  const records: [key: string, value: Buffer][] = [];
  if (name.length > MAX_NAME) records.push(['path', name]);
  if (link.length > MAX_LINK) records.push(['linkpath', link]);
  if (metadata.uid > MAX_ID) records.push(['uid', Buffer.from(String(metadata.uid))]);
  if (metadata.gid > MAX_ID) records.push(['gid', Buffer.from(String(metadata.gid))]);
  if (metadata.mtime < 0 || metadata.mtime > MAX_TIME) records.push(['mtime', Buffer.from(String(metadata.mtime))]);
  if (size > MAX_SIZE) records.push(['size', Buffer.from(String(size))]);
  for (const xattr of metadata.xattrs ?? []) records.push([`SCHILY.xattr.${xattr.name}`, xattr.value]);

  const header = ustar(name, flag, metadata, size, link, extra.device);
  if (records.length === 0) return header;
  const body = Buffer.concat(records.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => paxRecord(key, value)));
  const paxName = Buffer.from('././@PaxHeader');
  return Buffer.concat([
    ustar(paxName, 'x', { ...NO_METADATA, mode: 0o644 }, body.length, Buffer.alloc(0), undefined),
    body,
    Buffer.alloc(paddingOf(body.length)),
    header,
  ]);
}

/** One record of a pax header: its own length in decimal, a space, `key=value`, a newline (POSIX 1003.1, pax). */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'utf8'), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (rest.length + String(length).length !== length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function ustar(
  name: Buffer,
  flag: string,
  metadata: Metadata,
  size: number,
  link: Buffer,
  device: readonly [number, number] | undefined,
): Buffer {
  const header = Buffer.alloc(BLOCK);
  name.copy(header, 0, 0, MAX_NAME);
  octal(header, 100, 8, metadata.mode);
  octal(header, 108, 8, Math.min(metadata.uid, MAX_ID));
  octal(header, 116, 8, Math.min(metadata.gid, MAX_ID));
  octal(header, 124, 12, Math.min(size, MAX_SIZE));
  octal(header, 136, 12, Math.min(Math.max(metadata.mtime, 0), MAX_TIME));
  header.write(flag, 156, 'latin1');
  link.copy(header, 157, 0, MAX_LINK);
  header.write('ustar\x0000', 257, 'latin1');
  octal(header, 329, 8, device?.[0] ?? 0);
  octal(header, 337, 8, device?.[1] ?? 0);
  header.fill(' ', 148, 156);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function octal(header: Buffer, at: number, width: number, value: number): void {
  header.write(value.toString(8).padStart(width - 1, '0'), at, 'latin1');
}

/** Sorted copy of extended attributes, or undefined for none. */
export function sortXattrs(xattrs: Iterable<readonly [string, Buffer]>): readonly Xattr[] | undefined {
  const sorted = [...xattrs].map(([name, value]) => ({ name, value })).sort((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.length === 0 ? undefined : sorted;
}

/** What a `.wh.` name of a layer tar means; undefined for an ordinary name. */
export function whiteoutOf(path: string): { readonly kind: 'opaque' | 'whiteout'; readonly path: string } | undefined {
  const at = path.lastIndexOf('/') + 1;
  const name = path.slice(at);
  if (!name.startsWith(WHITEOUT_PREFIX)) return undefined;
  if (name === OPAQUE_NAME) return { kind: 'opaque', path: path.slice(0, Math.max(at - 1, 0)) };
  const hidden = name.slice(WHITEOUT_PREFIX.length);
  if (hidden === '' || hidden === '.' || hidden === '..' || hidden.startsWith('.wh.')) {
    throw new StackError('STACK4002', `'${path}' is not a valid whiteout`);
  }
  return { kind: 'whiteout', path: path.slice(0, at) + hidden };
}

/** Bytes as a name, up to the first NUL. */
export function fieldName(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytesToName(end === -1 ? bytes : bytes.subarray(0, end));
}
