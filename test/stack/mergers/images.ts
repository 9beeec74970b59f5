import { bytesToName, compareNames } from '../../../lib/core';
import type { Entry } from '../../../lib/pack';
import type { Files, MergedFile, Merger, MergeRequest } from '../../../lib/stack/mergers/merger';
import { file, link } from '../combination';

/** Files of an image by path: contents, `-> target` for a symbolic link, or an entry. */
export type Image = Readonly<Record<string, string | Buffer | Entry>>;

function entryOf(path: string, made: string | Buffer | Entry): Entry {
  if (typeof made === 'object' && 'type' in made) return made;
  const target = /^-> (.*)$/.exec(made.toString())?.[1];
  return target === undefined ? file(path, made.toString('latin1')) : link(path, target);
}

/** An image's files, in memory. */
export function filesOf(image: Image): Files {
  const paths = Object.keys(image).sort(compareNames);
  const entries = new Map(paths.map((path) => [path, entryOf(path, image[path]!)]));
  return {
    get: (path) => entries.get(path),
    under: (path) =>
      [...entries.values()].filter((each) => path === '' || each.path === path || each.path.startsWith(`${path}/`)),
    read: (path) => {
      const made = image[path];
      const isContent = typeof made === 'string' || Buffer.isBuffer(made);
      return Promise.resolve(isContent && entries.get(path)?.type === 'file' ? Buffer.from(made) : undefined);
    },
  };
}

function same(a: Image[string] | undefined, b: Image[string] | undefined): boolean {
  return a === b || (Buffer.isBuffer(a) && Buffer.isBuffer(b) && a.equals(b));
}

/** What a merger is asked about components a, b, … over a base: all that they changed in several ways. */
export function requestOf(base: Image, ...components: readonly Image[]): MergeRequest {
  const paths = [...new Set([base, ...components].flatMap((image) => Object.keys(image)))].sort(compareNames);
  const stacked: Record<string, Image[string]> = { ...base };
  const contested = paths.filter((path) => {
    const changed = components.filter((image) => !same(image[path], base[path]));
    for (const image of changed) {
      const made = image[path];
      if (made === undefined) Reflect.deleteProperty(stacked, path);
      else stacked[path] = made;
    }
    return changed.some((image) => !same(image[path], changed[0]?.[path]));
  });
  return {
    paths: contested,
    base: filesOf(base),
    components: components.map((image, at) => ({ name: String.fromCharCode(97 + at), files: filesOf(image) })),
    stacked: filesOf(stacked),
  };
}

function shortOf(made: MergedFile): string {
  return made.type === 'file' ? bytesToName(made.content) : made.type === 'symlink' ? `-> ${made.target}` : 'removed';
}

/** What a merger makes of components over a base: by path, or its problems as lines `CODE path: message [components]`. */
export async function merged(merger: Merger, base: Image, ...components: readonly Image[]) {
  const { files, problems } = await merger.merge(requestOf(base, ...components));
  if (problems.length === 0) return Object.fromEntries([...files].map(([path, made]) => [path, shortOf(made)]));
  return problems.map((each) => `${each.code} ${each.path}: ${each.message} [${each.components.join(' ')}]`);
}

/** The same for components that have one file each. */
export async function mergedFile(merger: Merger, path: string, base: string, ...sides: readonly string[]) {
  const made = await merged(merger, { [path]: base }, ...sides.map((side) => ({ [path]: side })));
  return Array.isArray(made) ? made : made[path];
}
