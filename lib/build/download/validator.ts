import type { HttpResponse } from './http';

/** Age in milliseconds from which on a Last-Modified tells contents apart: within one second there can be two (RFC 9110, 8.8.2.2). */
const SETTLED = 60_000;

/**
 * What tells that a server still has the very same bytes, for an If-Range header (RFC 9110, 13.1.5): a strong ETag, else a
 * Last-Modified that is old enough. Undefined when there is neither: then nothing can be resumed.
 */
export function validatorOf(response: HttpResponse): string | undefined {
  const etag = response.header('etag');
  if (etag !== undefined) return isStrong(etag) ? etag : undefined;
  const modified = response.header('last-modified');
  const age = Date.parse(response.header('date') ?? '') - Date.parse(modified ?? '');
  return age >= SETTLED ? modified : undefined;
}

/** Whether a 206 goes on with the bytes a validator stands for. */
export function hasValidator(response: HttpResponse, validator: string): boolean {
  const actual = response.header(isStrong(validator) ? 'etag' : 'last-modified');
  return actual === undefined || actual === validator;
}

function isStrong(etag: string): boolean {
  return /^"[^"]*"$/.test(etag);
}
