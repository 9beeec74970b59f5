import { bytesToName, nameToBytes } from '../core';

/** The records of a pax header: keyword → value. Values are bytes; most are UTF-8 text. */
export type PaxRecords = ReadonlyMap<string, Buffer>;

/** Prefix of extended attributes as star, GNU tar and Go write them: the value is the bytes. */
export const SCHILY_XATTR = 'SCHILY.xattr.';
/** Prefix of extended attributes as libarchive writes them: the name percent-encoded, the value in base64. */
export const LIBARCHIVE_XATTR = 'LIBARCHIVE.xattr.';

/** Keywords of a stretch of data in GNU tar's first form of sparse files, in this order. */
const SPARSE_PAIR = ['GNU.sparse.offset', 'GNU.sparse.numbytes'];

const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;

/** The body of a pax header, the records in order of their keywords. */
export function encodePaxRecords(records: Iterable<readonly [keyword: string, value: Buffer]>): Buffer {
  const sorted = [...records].sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat(sorted.map(([keyword, value]) => encodeRecord(keyword, value)));
}

/** One record: its own length in decimal, a space, `keyword=value`, a newline (POSIX 1003.1, "pax Extended Header"). */
function encodeRecord(keyword: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(' '), nameToBytes(keyword), Buffer.from('='), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (rest.length + String(length).length !== length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/**
 * The records of a pax header's body; of a keyword given twice the last counts. GNU tar's first form of sparse files has
 * a record for every number of the map; these become the one record of its second form.
 * @returns undefined when it is malformed. Readers that skip what they do not understand see other files than we do.
 */
export function parsePaxRecords(body: Buffer): PaxRecords | undefined {
  const records = new Map<string, Buffer>();
  const map: string[] = [];
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(SPACE, at);
    const digits = body.toString('latin1', at, Math.max(space, at));
    if (!/^[1-9][0-9]{0,7}$/.test(digits)) return undefined;
    const end = at + Number(digits);
    const equals = body.indexOf(EQUALS, space);
    if (end > body.length || equals === -1 || equals >= end || equals === space + 1) return undefined;
    if (body[end - 1] !== NEWLINE) return undefined;
    const keyword = bytesToName(body.subarray(space + 1, equals));
    const value = body.subarray(equals + 1, end - 1);
    if (keyword === SPARSE_PAIR[map.length % 2]) map.push(value.toString('latin1'));
    else if (SPARSE_PAIR.includes(keyword)) return undefined;
    else records.set(keyword, value);
    at = end;
  }
  if (map.length > 0) records.set('GNU.sparse.map', Buffer.from(map.join(',')));
  return records;
}
