import { nameToBytes, StackError } from '../core';
import type { Entry, FileEntry, Metadata, Stretch } from './entry';
import { encodePaxRecords, SCHILY_XATTR } from './pax';
import { storedSize, stretchesOf } from './stretches';
import { BLOCK, FIELD, headerSums, paddingOf, TYPE_FLAG } from './tar-format';
import { isLinkable } from './tree';
import { isReserved, opaqueName, whiteoutName } from './whiteout';
import { gnuEncoded } from './xattrs';

const NO_METADATA: Metadata = { mode: 0, uid: 0, gid: 0, mtime: 0 };
const PAX_NAME = Buffer.from('././@PaxHeader');
const EMPTY = Buffer.alloc(0);
/** The most that the fields of a ustar header hold. */
const MAX_NAME = FIELD.name[1];
const MAX_LINK = FIELD.link[1];
const MAX_ID = 0o7777777;
const MAX_TIME = 0o77777777777;
const MAX_SIZE = 0o77777777777;

/**
 * The header blocks of one entry of a layer tar: a ustar header, behind a pax header where a value does not fit.
 * Whiteouts take the form of image-spec layer.md (`.wh.NAME`); an opaque directory is followed by its `.wh..wh..opq`.
 *
 * Deterministic: no user or group names, pax records sorted, times in whole seconds.
 * @throws StackError STACK4004 for an entry that a layer tar cannot hold
 */
export function encodeTarHeader(entry: Entry): Buffer {
  refuseUnrepresentable(entry);
  if (isLinkable(entry) && entry.linkOf !== undefined) {
    return encode(entry.path, TYPE_FLAG.hardlink, entry, { link: entry.linkOf });
  }
  switch (entry.type) {
    case 'whiteout':
      return encode(whiteoutName(entry.path), TYPE_FLAG.file, NO_METADATA);
    case 'file':
      return encode(entry.path, TYPE_FLAG.file, entry, { size: entry.size });
    case 'hardlink':
    case 'symlink':
      return encode(entry.path, TYPE_FLAG[entry.type], entry, { link: entry.target });
    case 'char':
    case 'block':
      return encode(entry.path, TYPE_FLAG[entry.type], entry, { device: [entry.major, entry.minor] });
    case 'fifo':
      return encode(entry.path, TYPE_FLAG.fifo, entry);
    case 'directory': {
      const mark = entry.opaque === true ? encode(opaqueName(entry.path), TYPE_FLAG.file, NO_METADATA) : EMPTY;
      if (entry.implied === true) return mark;
      return Buffer.concat([encode(entry.path === '' ? './' : `${entry.path}/`, TYPE_FLAG.directory, entry), mark]);
    }
  }
}

/**
 * The header blocks of one entry in overlay form: a whiteout is a character device 0:0, an opaque directory has the
 * extended attribute by which overlayfs knows it, and a file with holes is sparse. Names of attributes are encoded as GNU tar does,
 * which is to read it.
 */
export function encodeOverlayHeader(entry: Entry, opaqueXattr: string): Buffer {
  if (entry.type === 'whiteout') return encode(entry.path, TYPE_FLAG.char, NO_METADATA, { device: [0, 0] });
  const xattrs = gnuEncoded(entry.xattrs);
  const data = entry.type === 'file' ? stretchesOf(entry) : undefined;
  if (entry.type === 'file' && data !== undefined) return encodeSparse({ ...entry, xattrs }, data);
  if (entry.type !== 'directory' || entry.opaque !== true) return encodeTarHeader({ ...entry, xattrs });
  const marked = [...(xattrs ?? []), { name: opaqueXattr, value: Buffer.from('y') }];
  return encodeTarHeader({ ...entry, opaque: undefined, implied: undefined, xattrs: marked });
}

/** The header blocks of a file with holes, and the map of its data, which follows: GNU tar's pax 1.0 (its manual, "Storing Sparse Files"). */
function encodeSparse(entry: FileEntry, data: readonly Stretch[]): Buffer {
  refuseUnrepresentable(entry);
  // GNU tar gives a file its size only by an empty stretch at its end.
  const stretches = [...data, { offset: entry.size, length: 0 }];
  const numbers = [stretches.length, ...stretches.flatMap(({ offset, length }) => [offset, length])];
  const text = numbers.map((number) => `${String(number)}\n`).join('');
  const map = Buffer.alloc(text.length + paddingOf(text.length));
  map.write(text, 'latin1');
  const sparse = { major: '1', minor: '0', name: entry.path, realsize: String(entry.size) };
  const records = Object.entries(sparse).map(([key, value]) => [`GNU.sparse.${key}`, nameToBytes(value)] as const);
  return Buffer.concat([
    encode(entry.path, TYPE_FLAG.file, entry, { size: map.length + storedSize(entry), records }),
    map,
  ]);
}

function refuseUnrepresentable(entry: Entry): void {
  const why = whyUnrepresentable(entry);
  if (why === undefined) return;
  throw new StackError('STACK4004', `'/${entry.path}' cannot be put into a layer: ${why}`, {
    hint: 'rename the file or exclude it',
  });
}

function whyUnrepresentable(entry: Entry): string | undefined {
  if (isReserved(entry.path)) return 'names that start with .wh. mean removed files there';
  if (entry.path.includes('\0')) return 'a name cannot have a NUL byte';
  if (entry.type === 'whiteout') return undefined;
  if (entry.type === 'char' && entry.major === 0 && entry.minor === 0)
    return 'a device 0:0 means a removed file to overlayfs';
  if (entry.xattrs?.some(({ name }) => name.includes('=')) === true) return 'an extended attribute has a name with =';
  return undefined;
}

interface Extra {
  readonly size?: number;
  readonly link?: string;
  readonly device?: readonly [major: number, minor: number];
  readonly records?: readonly (readonly [keyword: string, value: Buffer])[];
}

function encode(path: string, flag: string, metadata: Metadata, extra: Extra = {}): Buffer {
  const name = nameToBytes(path);
  const link = extra.link === undefined ? EMPTY : nameToBytes(extra.link);
  const size = extra.size ?? 0;
  const records = [...(extra.records ?? [])];
  if (name.length > MAX_NAME) records.push(['path', name]);
  if (link.length > MAX_LINK) records.push(['linkpath', link]);
  if (metadata.uid > MAX_ID) records.push(['uid', Buffer.from(String(metadata.uid))]);
  if (metadata.gid > MAX_ID) records.push(['gid', Buffer.from(String(metadata.gid))]);
  if (metadata.mtime < 0 || metadata.mtime > MAX_TIME) records.push(['mtime', Buffer.from(String(metadata.mtime))]);
  if (size > MAX_SIZE) records.push(['size', Buffer.from(String(size))]);
  for (const xattr of metadata.xattrs ?? []) records.push([SCHILY_XATTR + xattr.name, xattr.value]);

  const header = ustar(name, flag, metadata, size, link, extra.device);
  if (records.length === 0) return header;
  const body = encodePaxRecords(records);
  return Buffer.concat([
    ustar(PAX_NAME, 'x', { ...NO_METADATA, mode: 0o644 }, body.length, EMPTY, undefined),
    body,
    Buffer.alloc(paddingOf(body.length)),
    header,
  ]);
}

function ustar(
  name: Buffer,
  flag: string,
  metadata: Metadata,
  size: number,
  link: Buffer,
  device: Extra['device'],
): Buffer {
  const header = Buffer.alloc(BLOCK);
  name.copy(header, FIELD.name[0], 0, MAX_NAME);
  putOctal(header, FIELD.mode, metadata.mode);
  putOctal(header, FIELD.uid, Math.min(metadata.uid, MAX_ID));
  putOctal(header, FIELD.gid, Math.min(metadata.gid, MAX_ID));
  putOctal(header, FIELD.size, Math.min(size, MAX_SIZE));
  putOctal(header, FIELD.mtime, Math.min(Math.max(metadata.mtime, 0), MAX_TIME));
  header.write(flag, FIELD.type[0], 'latin1');
  link.copy(header, FIELD.link[0], 0, MAX_LINK);
  header.write('ustar\x0000', FIELD.magic[0], 'latin1');
  putOctal(header, FIELD.major, device?.[0] ?? 0);
  putOctal(header, FIELD.minor, device?.[1] ?? 0);
  header.write(`${headerSums(header).unsigned.toString(8).padStart(6, '0')}\0 `, FIELD.checksum[0], 'latin1');
  return header;
}

/** Octal digits up to the last byte of the field, which stays NUL. */
function putOctal(header: Buffer, [at, width]: readonly [number, number], value: number): void {
  header.write(value.toString(8).padStart(width - 1, '0'), at, 'latin1');
}
