import { StackError } from '../../core';
import { ancestorsOf, parentOf, type Entry, type HardlinkEntry } from '../../pack';

/** An entry of a package on its way into the tree of the image. Hard links are resolved: every name has the file itself. */
export interface Item {
  readonly path: string;
  readonly entry: Exclude<Entry, HardlinkEntry>;
  /** The package it comes from. */
  readonly owner: string;
}

/** Symbolic links on the way to one path; what Linux follows at most. */
const MAX_LINKS = 40;

/**
 * Puts what lies in a directory that another package has as a symbolic link where the link leads, as dpkg does:
 * with `/lib -> usr/lib` in one package, `/lib/x` of another is `/usr/lib/x`. The link wins whichever package comes first.
 *
 * @throws StackError STACK3014 when the links lead in a circle
 */
export function placeThroughLinks(items: readonly Item[]): readonly Item[] {
  let placed = items;
  for (let round = 0; round < MAX_LINKS; round += 1) {
    const links = linkedDirectories(placed);
    if (links.size === 0) return placed;
    placed = placed.map((item) => ({ ...item, path: throughLink(item, links) }));
  }
  throw new StackError(
    'STACK3014',
    `the packages have symbolic links that lead in a circle: ${[...linkedDirectories(placed).keys()].join(', ')}`,
  );
}

/** Paths that are a symbolic link here and a directory there, each with where the link leads. */
function linkedDirectories(items: readonly Item[]): Map<string, string> {
  const directories = new Set<string>();
  for (const { path, entry } of items) {
    if (entry.type === 'directory') directories.add(path);
    for (const ancestor of ancestorsOf(path)) directories.add(ancestor);
  }
  const links = new Map<string, string>();
  for (const { path, entry } of items) {
    if (entry.type === 'symlink' && directories.has(path) && !links.has(path))
      links.set(path, follow(path, entry.target));
  }
  return links;
}

/** Where an item goes by the first link on its way. A directory in the place of the link goes along; the link itself stays. */
function throughLink({ path, entry }: Item, links: ReadonlyMap<string, string>): string {
  const places = entry.type === 'directory' ? [...ancestorsOf(path), path] : ancestorsOf(path);
  for (const place of places) {
    const target = links.get(place);
    if (target !== undefined) return join(target, path.slice(place.length + 1));
  }
  return path;
}

/** Target of a link, as a path from the root; `..` does not climb above it. */
function follow(path: string, target: string): string {
  let place = target.startsWith('/') ? '' : parentOf(path);
  for (const part of target.split('/')) {
    if (part === '..') place = parentOf(place);
    else if (part !== '' && part !== '.') place = join(place, part);
  }
  return place;
}

function join(directory: string, rest: string): string {
  return directory === '' || rest === '' ? directory + rest : `${directory}/${rest}`;
}
