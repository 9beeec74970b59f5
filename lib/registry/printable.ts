import { redactCredentials } from '../core';

const MAX_TEXT = 300;

/** A text of a registry's as it may be shown: one line without control characters, bounded, credentials in URLs hidden. */
export function printableText(text: string): string {
  const line = redactCredentials(text)
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g, ' ')
    .trim();
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}…` : line;
}

/** A URL as it may be shown: values of its query are often signatures or tokens, and user information is a password. */
export function printableUrl(url: URL): string {
  const query = [...url.searchParams.keys()].map((key) => `${key}=***`).join('&');
  return printableText(`${url.origin}${url.pathname}${query === '' ? '' : `?${query}`}`);
}
