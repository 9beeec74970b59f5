import { StackError } from '../core';

/**
 * Refuses an address that a registry names and that lies where only insiders get (SSRF), or is spoken to in clear.
 * @param from the registry's own address: one that is itself local or in clear may name others like it
 * @param strict also refuses addresses of private networks
 * @throws StackError STACK6111
 */
export function requireSafeAddress(url: URL, from: URL, strict: boolean): void {
  if (url.origin === from.origin) return;
  const refuse = (why: string): never => {
    throw new StackError('STACK6111', `${from.host} sends us to '${url.origin}', ${why}`, {
      hint: 'look whether this is the registry you mean; if it is yours, let it name its public https address',
    });
  };
  if (url.username !== '' || url.password !== '') refuse('with a password in the address');
  if (url.protocol !== 'https:' && (url.protocol !== 'http:' || from.protocol !== 'http:'))
    refuse('which is not https');
  const place = placeOf(url.hostname);
  const own = placeOf(from.hostname);
  if (place === 'local' && own !== 'local') refuse('an address of this machine or its link');
  if (strict && place === 'private' && own === 'public') refuse('an address of a private network');
}

/** Whether a host is this machine: `localhost`, 127/8 or ::1. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.toLowerCase();
  return host === 'localhost' || host.endsWith('.localhost') || /^127(?:\.\d+){3}$/.test(host) || host === '[::1]';
}

/** Where a literal address lies (RFC 6890); names count as public, since only the resolver knows. URL has made IPv4 canonical. */
function placeOf(hostname: string): 'local' | 'private' | 'public' {
  if (isLoopback(hostname)) return 'local';
  const v6 = /^\[(.+)\]$/.exec(hostname)?.[1]?.toLowerCase();
  if (v6 !== undefined) {
    const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(v6);
    if (mapped) return placeOf(dotted(parseInt(mapped[1] ?? '', 16), parseInt(mapped[2] ?? '', 16)));
    if (v6 === '::' || /^fe[89ab]/.test(v6)) return 'local';
    return /^f[cd]/.test(v6) ? 'private' : 'public';
  }
  if (/^(?:0|169\.254)\./.test(hostname)) return 'local';
  const isPrivate = /^(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(
    hostname,
  );
  return isPrivate ? 'private' : 'public';
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
