import type { Merger } from '../merger';
import { mergeSets } from '../records';
import { listed, type Settlement } from '../settlement';
import { Malformed } from '../malformed';
import { mergeEach, parseVersions, type Versions } from '../versions';
import type { LibraryCache } from './cache';
import { decodeCache } from './decode';
import { encodeCache } from './encode';
import { mergeLibraries } from './merge';
import { compareLibraries } from './order';

const FIX = 'let a conflict rule take any of them, and run `ldconfig` in a layer on top';

const NONE: LibraryCache = { isBigEndian: false, libraries: [], generator: '', idleStrings: [] };

/** Where libraries are, by soname: the file that ldconfig would write for all of them. */
export const ldSoCache: Merger = {
  name: 'ld-so-cache',
  version: 1,
  paths: ['/etc/ld.so.cache'],
  merge: (request) => mergeEach(request, mergeCaches),
};

function mergeCaches(file: Versions, into: Settlement): void {
  const { path, changed } = file;
  const components = changed.map(({ component }) => component);
  const parsed = parseVersions(file, parseCache, into, FIX);
  const [first] = parsed?.sides ?? [];
  if (parsed === undefined || first === undefined) return;
  const { base, sides } = parsed;
  const caches = sides.map(({ value }) => value);
  const generators = new Set(caches.map(({ generator }) => generator));
  if (generators.size > 1) generators.delete(base.generator);
  const [generator = '', ...otherGenerators] = generators;
  if (otherGenerators.length > 0 || caches.some(({ isBigEndian }) => isBigEndian !== first.value.isBigEndian)) {
    into.notMergeable(path, 'versions of ldconfig that differ wrote it', components, FIX);
    return;
  }
  const merged = mergeLibraries(parsed);
  if ('unordered' in merged) {
    const paths = merged.unordered.map((library) => library.path);
    into.notMergeable(path, `it is not known which comes first of ${listed(paths)}`, components, FIX);
    return;
  }
  const idle = mergeSets(
    new Set(base.idleStrings),
    caches.map(({ idleStrings }) => new Set(idleStrings)),
  );
  into.write(path, encodeCache({ ...merged, generator, isBigEndian: first.value.isBigEndian, idleStrings: [...idle] }));
}

/** Only what we would write alike is understood well enough to be written anew. */
function parseCache(content: Buffer): LibraryCache {
  if (content.length === 0) return NONE;
  const cache = decodeCache(content);
  const libraries = [...cache.libraries].sort(compareLibraries);
  if (!encodeCache({ ...cache, libraries }).equals(content)) throw new Malformed('it is not as ldconfig writes it');
  return cache;
}
