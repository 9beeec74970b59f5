import { bytesToName, StackError } from '../core';
import { FIELD, headerSums } from './tar-format';

/** Offset and width of a field in a header block. */
export type Field = readonly [at: number, width: number];

/** A star archive says "tar" at the end of a header; its prefix is shorter, with times behind it. */
const STAR_MAGIC: Field = [508, 4];
const STAR_PREFIX: Field = [345, 131];

/** The error for an archive that breaks the format. @param what goes on from "the archive …" */
export function corrupt(what: string): StackError {
  return new StackError('STACK4001', `the archive ${what}`);
}

/**
 * A numeric field: octal text padded with spaces or NULs, or base-256 where the first bit is set (GNU).
 * @param what names it in the error
 * @throws StackError STACK4001 when it is no number, or too large to be held exactly
 */
export function readNumber(header: Buffer, [at, width]: Field, what: string): number {
  return ((header[at] ?? 0) & 0x80) === 0 ? readOctal(header, at, width, what) : readBase256(header, at, width, what);
}

function readOctal(header: Buffer, at: number, width: number, what: string): number {
  const text = header.toString('latin1', at, at + width);
  const digits = /^ *([0-7]*)[ \0]*$/.exec(text)?.[1];
  if (digits === undefined) throw corrupt(`has a ${what} that is not a number`);
  return digits === '' ? 0 : parseInt(digits, 8);
}

/** Big-endian two's complement, the marker bit left out. */
function readBase256(header: Buffer, at: number, width: number, what: string): number {
  const first = header[at] ?? 0;
  let value = BigInt(first & 0x7f);
  for (let i = 1; i < width; i++) value = (value << 8n) | BigInt(header[at + i] ?? 0);
  if ((first & 0x40) !== 0) value -= 1n << BigInt(8 * width - 1);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw corrupt(`has a ${what} out of range`);
  return number;
}

/** A text field, up to its first NUL. */
export function readText(header: Buffer, [at, width]: Field): string {
  const field = header.subarray(at, at + width);
  const end = field.indexOf(0);
  return bytesToName(end === -1 ? field : field.subarray(0, end));
}

/** The path in a header block: ustar and star have a prefix for longer ones, GNU uses that field for other things. */
export function readPath(header: Buffer): string {
  const name = readText(header, FIELD.name);
  if (readMagic(header, FIELD.magic) !== 'ustar\0') return name;
  const prefix = readText(header, readMagic(header, STAR_MAGIC) === 'tar\0' ? STAR_PREFIX : FIELD.prefix);
  return prefix === '' ? name : `${prefix}/${name}`;
}

function readMagic(header: Buffer, [at, width]: Field): string {
  return header.toString('latin1', at, at + width);
}

/** @throws StackError STACK4001 unless a header's checksum is right */
export function verifyChecksum(header: Buffer): void {
  if (!hasChecksum(header)) throw corrupt('has a header with a wrong checksum');
}

function hasChecksum(header: Buffer): boolean {
  const stated = readNumber(header, FIELD.checksum, 'checksum');
  const { unsigned, signed } = headerSums(header);
  return stated === unsigned || stated === signed;
}

/** First bytes of what is mistaken for a tar, with what it is. */
const OTHERS: readonly (readonly [bytes: string, what: string])[] = [
  ['PK\x03\x04', 'a zip archive'],
  ['!<arch>\n', 'an ar archive, such as a .deb'],
  ['\xed\xab\xee\xdb', 'an RPM package'],
  ['07070', 'a cpio archive'],
  ['hsqs', 'a squashfs image'],
  ['\x7fELF', 'an ELF binary'],
  ['7z\xbc\xaf\x27\x1c', 'a 7z archive'],
  ['<', 'a text such as HTML'],
  ['{', 'a text such as JSON'],
];

/**
 * Says what something is that is no tar at all.
 * @param block the first one
 * @throws StackError STACK4001 when it neither says so nor has the checksum of a header
 */
export function requireTar(block: Buffer): void {
  if (block.toString('latin1', ...span(FIELD.magic)).startsWith('ustar') || isHeader(block)) return;
  const text = block.toString('latin1', 0, 16);
  const other = OTHERS.find(([bytes]) => text.startsWith(bytes))?.[1];
  throw corrupt(`is no tar: it begins with ${other ?? JSON.stringify(text.slice(0, 8))}`);
}

function span([at, width]: Field): [from: number, to: number] {
  return [at, at + width];
}

function isHeader(block: Buffer): boolean {
  try {
    return hasChecksum(block);
  } catch {
    return false;
  }
}
