/** Size of dpkg's table of file names. */
const BINS = 262_139;

/**
 * Sorts by paths as dpkg writes them: not by name, but as they lie in its hash table (FNV-1a over the path without its first
 * slash). So installing something on top changes no more than it has to.
 *
 * @param path of a record, of characters that stand for bytes
 */
export function sortAsInDpkg<R>(records: Iterable<R>, path: (record: R) => string): R[] {
  return [...records]
    .map((record) => ({ record, bin: hash(path(record).replace(/^\//, '')) % BINS }))
    .sort((a, b) => a.bin - b.bin)
    .map(({ record }) => record);
}

function hash(text: string): number {
  let value = 2_166_136_261;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 16_777_619);
  return value >>> 0;
}
