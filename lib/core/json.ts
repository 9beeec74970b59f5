/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * Canonical JSON: object keys sorted by UTF-16 code unit, `undefined` members left out.
 * With plain strings and integers this equals RFC 8785.
 * @param value plain data
 * @param indent spaces of indentation; 0 (the default) gives the compact form used for digests.
 */
export function canonicalJson(value: unknown, indent = 0): string {
  return serialize(value, { step: ' '.repeat(indent), colon: indent === 0 ? ':' : ': ' }, indent === 0 ? '' : '\n');
}

interface Style {
  readonly step: string;
  readonly colon: string;
}

/** Not by JSON.stringify on a sorted object: an object has keys that look like integers first, however it was made. */
function serialize(value: unknown, style: Style, newline: string): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const inner = newline + style.step;
  if (Array.isArray(value)) {
    return enclose(
      '[',
      value.map((member) => serialize(member, style, inner)),
      ']',
      inner,
      newline,
    );
  }
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => JSON.stringify(key) + style.colon + serialize(member, style, inner));
  return enclose('{', members, '}', inner, newline);
}

function enclose(open: string, members: readonly string[], close: string, inner: string, newline: string): string {
  return members.length === 0 ? open + close : open + inner + members.join(`,${inner}`) + newline + close;
}
