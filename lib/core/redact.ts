/** A word that begins as a URL does, up to the last `@` that is before its path; or behind it, where the password has a slash. Bounded, so that no text takes long. */
const IN_URL =
  /\b([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/'"`<>]{0,1000}|[^\s/'"`<>@[]{0,200}:(?!\d{1,5}(?:[/\s'"`<>]|$))[^\s'"`<>]{0,1000})@(?!sha(?:256|512):)/gi;

/** `user:password@` at the start of a quoted text, as of a reference without a scheme. */
const IN_QUOTES = /(['"`])[^\s'"`/:@]+:(?!\/\/)[^\s'"`@]+@(?!sha(?:256|512):)/g;

/** Hides the `user:password@` of every URL in a text, so that it can be shown. */
export function redactCredentials(text: string): string {
  return text.replace(IN_URL, '$1***@');
}

/**
 * A reference, target or URL that could not be read, as a message shows it: everything before its last `@` may be a password, and
 * its query a token. Digests stay.
 */
export function redactReference(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@(?!sha(?:256|512):)/is, '$1***@').replace(/\?.*$/s, '?***');
}

/** The query of a URL. */
const QUERY = /\b(https?:\/\/[^\s?'"`<>]*)\?[^\s'"`<>]*/gi;

/**
 * A line of code, or of another program, as a message shows it: credentials are hidden in URLs, and in texts that begin with them, and
 * queries of URLs, which are often signatures or tokens.
 */
export function redactCode(line: string): string {
  return redactCredentials(line).replace(IN_QUOTES, '$1***@').replace(QUERY, '$1?***');
}
