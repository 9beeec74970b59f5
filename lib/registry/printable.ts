import { redactCode, redactCredentials } from '../core';

const MAX_TEXT = 300;

/** A text of a registry's as it may be shown: one line without control characters, bounded, credentials and queries of URLs hidden. */
export function printableText(text: string): string {
  return line(redactCode(text));
}

/** A URL as it may be shown: values of its query are often signatures or tokens, and user information is a password. */
export function printableUrl(url: URL): string {
  const query = [...url.searchParams.keys()].map((key) => `${key}=***`).join('&');
  return line(redactCredentials(`${url.origin}${url.pathname}${query === '' ? '' : `?${query}`}`));
}

function line(text: string): string {
  const shown = text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g, ' ').trim();
  return shown.length > MAX_TEXT ? `${shown.slice(0, MAX_TEXT)}…` : shown;
}
