import { bytesToName, StackError } from '../core';
import { aclsOfText } from './acl';
import type { Xattr } from './entry';
import type { PaxRecords } from './pax';
import { SPARSE_NAME, SparseFile } from './sparse';
import { corrupt, readNumber, readPath, readText } from './tar-fields';
import { FIELD, TYPE_FLAG } from './tar-format';
import { sortXattrs, xattrsOf } from './xattrs';

/** A tar header as it stands in the archive, not yet judged: paths may be absolute or climb. */
export interface TarHeader {
  readonly type: keyof typeof TYPE_FLAG;
  readonly path: string;
  /** Target of a link, else empty. */
  readonly link: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  /** Bytes of content; 0 for everything but files. */
  readonly size: number;
  /** Numbers of a device, else 0. */
  readonly major: number;
  readonly minor: number;
  readonly xattrs: readonly Xattr[] | undefined;
}

/** An entry as it is stored. */
export interface TarEntry {
  readonly header: TarHeader;
  /** Bytes that follow: of a sparse file less than its size. */
  readonly stored: number;
  readonly sparse: SparseFile | undefined;
}

/** What the extended headers in front of an entry said. */
export interface Extensions {
  readonly pax?: PaxRecords;
  /** GNU's forms for what does not fit the header. */
  readonly longName?: Buffer;
  readonly longLink?: Buffer;
}

const TYPES: ReadonlyMap<string, TarHeader['type']> = new Map([
  ...Object.entries(TYPE_FLAG).map(([type, flag]) => [flag, type as TarHeader['type']] as const),
  ['\0', 'file'], // before POSIX
  ['7', 'file'], // contiguous
  ['S', 'file'], // sparse
]);
/** Longest path or link target, in bytes: Linux' PATH_MAX. */
const MAX_PATH = 4096;
/** User and group ids are 32 bits wide; the highest means "none" (chown(2)). */
const MAX_ID = 0xfffffffe;

/**
 * One entry out of its header block and the extended headers in front of it.
 * @throws StackError STACK4001 (corrupt), STACK4003 (a limit), STACK4004 (a form of sparse files)
 */
export function readTarEntry(block: Buffer, extensions: Extensions): TarEntry {
  const { pax, longName, longLink } = extensions;
  const flag = String.fromCharCode(block[FIELD.type[0]] ?? 0);
  const sparse = flag === 'S' ? SparseFile.ofHeader(block) : SparseFile.ofRecords(pax);
  const path = longText(pax?.get(SPARSE_NAME) ?? pax?.get('path'), longName) ?? readPath(block);
  if (path === '') throw corrupt('has an entry without a name');
  const type = typeOf(flag, path);
  if (sparse !== undefined && type !== 'file') throw corrupt(`has a ${type} that is sparse`);
  const isLink = type === 'symlink' || type === 'hardlink';
  const isDevice = type === 'char' || type === 'block';
  const link = isLink ? (longText(pax?.get('linkpath'), longLink) ?? readText(block, FIELD.link)) : '';
  if (isLink && link === '') throw corrupt(`has a link to nothing, '${path}'`);
  const stored = sizeOf(type, flag, paxCount(pax, 'size') ?? readNumber(block, FIELD.size, 'size'));
  const mode = readNumber(block, FIELD.mode, 'mode') & 0o7777;
  const acls = textAcls(pax, mode);
  const header: TarHeader = {
    type,
    path,
    link,
    mode: acls?.mode ?? mode,
    uid: idOf(pax, 'uid', block),
    gid: idOf(pax, 'gid', block),
    mtime: paxTime(pax) ?? readNumber(block, FIELD.mtime, 'mtime'),
    size: sparse?.size ?? stored,
    major: isDevice ? readNumber(block, FIELD.major, 'device number') : 0,
    minor: isDevice ? readNumber(block, FIELD.minor, 'device number') : 0,
    xattrs: withAcls(xattrsOf(pax), type === 'symlink' ? undefined : acls?.xattrs),
  };
  return { header, stored, sparse };
}

/** ACLs as text. @throws StackError STACK4001 when they are none */
function textAcls(pax: PaxRecords | undefined, mode: number): ReturnType<typeof aclsOfText> {
  const [access, inherited] = ['access', 'default'].map((kind) => pax?.get(`SCHILY.acl.${kind}`)?.toString('utf8'));
  if (access === undefined && inherited === undefined) return undefined;
  const acls = aclsOfText(mode, { access, default: inherited });
  if (acls === undefined) throw corrupt('has an ACL that is none');
  return acls;
}

/** Attributes that are there as such come before what is text. */
function withAcls(
  xattrs: readonly Xattr[] | undefined,
  acls: readonly Xattr[] | undefined,
): readonly Xattr[] | undefined {
  if (acls === undefined || acls.length === 0) return xattrs;
  return sortXattrs(new Map([...acls, ...(xattrs ?? [])].map(({ name, value }) => [name, value])));
}

/** Before POSIX there was no type for directories: a trailing slash said it. Elsewhere readers disagree on what that means. */
function typeOf(flag: string, path: string): TarHeader['type'] {
  const type = TYPES.get(flag);
  if (type === undefined) throw corrupt(`has an entry of unknown type ${JSON.stringify(flag)}`);
  if (type !== 'file' || !path.endsWith('/')) return type;
  if (flag !== '\0') throw corrupt(`has a file whose name ends with a slash, '${path}'`);
  return 'directory';
}

/**
 * Only files have content. Some writers state a size for directories and hard links all the same; that of anything
 * else is taken for content by some readers and not by others.
 */
function sizeOf(type: TarHeader['type'], flag: string, size: number): number {
  if (size < 0) throw corrupt('has an entry of negative size');
  if (type === 'file') return size;
  const mayState = type === 'hardlink' || (type === 'directory' && flag === TYPE_FLAG.directory);
  if (size > 0 && !mayState) throw corrupt(`has a ${type} with content`);
  return 0;
}

/** The path or link target of an extended header; undefined when there is none. */
function longText(pax: Buffer | undefined, gnu: Buffer | undefined): string | undefined {
  const bytes = pax ?? gnu;
  if (bytes === undefined) return undefined;
  if (pax !== undefined && gnu !== undefined) throw corrupt('has an entry with two long names');
  if (bytes.length > MAX_PATH) {
    throw new StackError(
      'STACK4003',
      `the archive has a name of ${String(bytes.length)} bytes; at most ${String(MAX_PATH)} are accepted`,
    );
  }
  if (bytes.length === 0 || bytes.includes(0)) throw corrupt('has an empty name, or one with a NUL byte');
  return bytesToName(bytes);
}

function idOf(pax: PaxRecords | undefined, key: 'uid' | 'gid', block: Buffer): number {
  const id = paxCount(pax, key) ?? readNumber(block, FIELD[key], key);
  if (id < 0 || id > MAX_ID) throw corrupt(`has a ${key} out of range`);
  return id;
}

function paxCount(pax: PaxRecords | undefined, key: 'size' | 'uid' | 'gid'): number | undefined {
  const text = pax?.get(key)?.toString('latin1');
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,15}$/.test(text)) throw corrupt(`has a pax ${key} that is not a number`);
  return Number(text);
}

/** Whole seconds, rounded down. A fraction may be given, with more digits than a number holds. */
function paxTime(pax: PaxRecords | undefined): number | undefined {
  const text = pax?.get('mtime')?.toString('latin1');
  if (text === undefined) return undefined;
  const [, sign, digits, fraction] = /^(-?)([0-9]{1,15})(\.[0-9]*)?$/.exec(text) ?? [];
  if (digits === undefined) throw corrupt('has a pax mtime that is not a number');
  const seconds = Number(digits);
  if (sign !== '-') return seconds;
  return -seconds - (/[1-9]/.test(fraction ?? '') ? 1 : 0) + 0; // no -0
}
