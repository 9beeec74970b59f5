import type { Files, MergeRequest } from '../merger';
import type { Settlement } from '../settlement';
import { CERTIFICATES, readThrough } from './certificates';

/** A name by which OpenSSL finds certificates: the hash of their subject, and a number. */
const HASH_LINK = /^([0-9a-f]{8})\.(\d{1,4})$/;

interface HashLink {
  readonly number: number;
  readonly target: string;
}

/**
 * Numbers the links of subjects anew for which components have different ones, or of whose certificates some are gone. As with
 * installations one after the other, a link keeps its number if it is free, and a certificate has one link.
 */
export async function settleHashLinks(request: MergeRequest, into: Settlement): Promise<void> {
  const { components, stacked, paths } = request;
  const isGone = (target: string): boolean => into.files.get(`${CERTIFICATES}/${target}`)?.type === 'removed';
  const present = hashLinksOf(stacked);
  const asked = new Set(paths.flatMap((path) => HASH_LINK.exec(nameOf(path))?.[1] ?? []));
  for (const [hash, links] of present) if (links.some(({ target }) => isGone(target))) asked.add(hash);
  const all = components.map(({ files }) => hashLinksOf(files));
  for (const hash of [...asked].sort()) {
    const known = new Map<string, Buffer>();
    const numbered = new Map<number, string>();
    for (const { number, target } of all.flatMap((each) => each.get(hash) ?? [])) {
      const content = isGone(target) ? undefined : await readThrough(stacked, `${CERTIFICATES}/${target}`);
      if (content === undefined || [...known.values()].some((each) => each.equals(content))) continue;
      known.set(target, content);
      let free = number;
      if (numbered.has(free)) for (free = 0; numbered.has(free);) free += 1;
      numbered.set(free, target);
    }
    const old = new Set((present.get(hash) ?? []).map(({ number }) => number));
    for (const path of paths) {
      const [, of, number] = HASH_LINK.exec(nameOf(path)) ?? [];
      if (of === hash) old.add(Number(number));
    }
    for (const number of old) if (!numbered.has(number)) into.remove(pathOf(hash, number));
    for (const [number, target] of numbered) into.link(pathOf(hash, number), target);
  }
}

function hashLinksOf(files: Files): Map<string, HashLink[]> {
  const links = new Map<string, HashLink[]>();
  for (const entry of files.under(CERTIFICATES)) {
    const [, hash, number] = HASH_LINK.exec(nameOf(entry.path)) ?? [];
    if (hash === undefined || entry.type !== 'symlink') continue;
    links.set(hash, [...(links.get(hash) ?? []), { number: Number(number), target: entry.target }]);
  }
  for (const each of links.values()) each.sort((a, b) => a.number - b.number);
  return links;
}

function nameOf(path: string): string {
  return path.startsWith(`${CERTIFICATES}/`) ? path.slice(CERTIFICATES.length + 1) : '';
}

function pathOf(hash: string, number: number): string {
  return `${CERTIFICATES}/${hash}.${String(number)}`;
}
