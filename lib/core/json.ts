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
  let members = '';
  const add = (member: string): void => {
    members += (members === '' ? inner : `,${inner}`) + member;
  };
  if (Array.isArray(value)) {
    for (const member of value) add(serialize(member, style, inner));
    return members === '' ? '[]' : `[${members}${newline}]`;
  }
  const object = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(object).sort()) {
    const member = object[key];
    if (member !== undefined) add(JSON.stringify(key) + style.colon + serialize(member, style, inner));
  }
  return members === '' ? '{}' : `{${members}${newline}}`;
}
