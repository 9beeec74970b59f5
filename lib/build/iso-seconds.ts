/** A time as image configs have it: RFC 3339 in whole seconds. */
export function isoSeconds(epoch: number): string {
  return new Date(epoch * 1000).toISOString().replace('.000Z', 'Z');
}
