import type { FileRef } from './schema';

/** Whether a source is meant as a URL to download. */
export function isUrl(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/** What a URL is good for: the form it has in the plan and in the lock file, or what is wrong with it. */
export type ParsedUrl = { readonly url: string } | { readonly fault: string; readonly hint?: string };

/**
 * Reads a URL. The fragment, which no server is told, is dropped. Faults do not repeat any part of the text, in which there
 * may be a password.
 */
export function parseUrl(text: string): ParsedUrl {
  if (!isUrl(text) || !URL.canParse(text)) return { fault: 'is not a valid http or https URL' };
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    return {
      fault: 'has a user or a password in its URL, which would get into the plan and into the lock file',
      hint: 'use a URL without; one that is signed, or a mirror that asks for none',
    };
  }
  url.hash = '';
  return { url: url.href };
}

/** The file name at the end of a URL's path, decoded; undefined where that is no name a file could have. */
export function nameOfUrl(url: string): string | undefined {
  const last = new URL(url).pathname.split('/').at(-1) ?? '';
  try {
    const name = decodeURIComponent(last);
    // Control characters would spoil every listing the name appears in.
    return /^\.{0,2}$|[/\u0000-\u001f\u007f]/.test(name) ? undefined : name;
  } catch {
    return undefined; // bytes that are not UTF-8
  }
}

/** A URL as messages show it: without its query, which may be what gives access. */
export function shownUrl(url: string): string {
  return url.replace(/[?#].*$/s, '');
}

/** A source as messages show it. */
export function shownSource(source: FileRef): string {
  return source.type === 'url' ? shownUrl(source.url) : source.path;
}
