import { createHash } from 'node:crypto';

const SHA256 = /^sha256:[0-9a-f]{64}$/;
const ALGORITHM: ReadonlyMap<string, RegExp> = new Map([
  ['sha256', /^[0-9a-f]{64}$/],
  ['sha512', /^[0-9a-f]{128}$/],
]);

/** True for a well-formed sha256 digest. Every digest from outside passes here before it is used in a path (CVE-2024-3727). */
export function isDigest(text: unknown): text is string {
  return typeof text === 'string' && SHA256.test(text);
}

/** True for a well-formed digest of an algorithm we can check. Nothing else is put into a path or URL (CVE-2024-3727). */
export function isSupportedDigest(text: string): boolean {
  const colon = text.indexOf(':');
  return ALGORITHM.get(text.slice(0, colon))?.test(text.slice(colon + 1)) ?? false;
}

/** The sha256 digest of bytes or of UTF-8 text, as `sha256:HEX`. */
export function digestOf(content: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** The 64 hex characters of a digest. */
export function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** A digest as people read it: the first 12 hex characters. */
export function shortDigest(digest: string): string {
  return hexOf(digest).slice(0, 12);
}
