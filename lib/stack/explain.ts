import { compareNames } from '../core';
import { parentOf, pathIn } from '../pack';
import type { Combination, Place } from './combination';
import { matcherOf } from './conflict-rules';
import { describe } from './entry-conflict';

/** What one layer does to a path. */
export interface Provider {
  /** The components that have the layer, by construct path. */
  readonly components: readonly string[];
  /** What the layer is by content: the diffId of one that existed before, else the digest of its path index. */
  readonly layer: string;
  readonly createdBy: string;
  readonly entry: string;
  /** Whether it is what containers see. */
  readonly visible: boolean;
}

/** Who has something at a path of an image. */
export interface Explanation {
  /** Absolute, as it was asked for. */
  readonly path: string;
  /** Absolute, with links followed in its parents. */
  readonly resolved: string;
  /** Bottom to top. */
  readonly providers: readonly Provider[];
}

/** Tells which layers have a path, or remove it, and what containers see. @param path absolute */
export function explainPath(combination: Combination, path: string): Explanation {
  const bare = path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
  const resolved = pathIn(combination.whereIs(parentOf(bare)), bare);
  const providers: Provider[] = [];
  for (const [at, layer] of combination.layers.entries()) {
    const { key, createdBy } = combination.indexed[at] ?? { key: '', createdBy: '' };
    const found = layer.find(resolved);
    const marker = found === undefined ? layer.hider(resolved) : undefined;
    if (found === undefined && marker === undefined) continue;
    const entry =
      found !== undefined ? describe(layer.state(found)) : `hidden by what the layer does to /${marker ?? ''}`;
    const isThere = found !== undefined && layer.type(found) !== 'whiteout';
    for (const [index, provider] of providers.entries()) providers[index] = { ...provider, visible: false };
    const components = combination.ownersOf(at).map((owner) => combination.components[owner]?.name ?? '');
    providers.push({ components, layer: key, createdBy, entry, visible: isThere });
  }
  return { path: `/${bare}`, resolved: `/${resolved}`, providers };
}

/** Paths of a list that are told; all are counted. */
const MAX_LISTED = 1000;

/** A path that containers see, and who provides it. */
export interface ProvidedPath {
  /** Absolute. */
  readonly path: string;
  /** The components that have the layer, by construct path. */
  readonly components: readonly string[];
  readonly layer: string;
  readonly createdBy: string;
  readonly entry: string;
}

/** The paths of an image that a glob matches. */
export interface ProvidedPaths {
  readonly pattern: string;
  /** The first ones in byte order. */
  readonly paths: readonly ProvidedPath[];
  /** How many there are in all. */
  readonly count: number;
}

/** Tells who provides each path that containers see. @param pattern a glob over absolute paths; `/` is everything */
export function explainPaths(combination: Combination, pattern: string): ProvidedPaths {
  const isAll = /^\/+$/.test(pattern);
  const matches = isAll ? () => true : matcherOf(pattern);
  const seen = new Map<string, Place>();
  for (const [layer, paths] of combination.layers.entries()) {
    for (let at = 0; at < paths.size; at += 1) {
      const path = paths.path(at);
      if (path !== '' && matches(`/${path}`) && paths.type(at) !== 'implied') seen.set(path, { layer, at });
    }
  }
  const visible = [...seen].filter(([path, place]) => isSeen(combination, path, place));
  visible.sort(([a], [b]) => compareNames(a, b));
  return {
    pattern,
    paths: visible.slice(0, MAX_LISTED).map(([path, place]) => providedAt(combination, path, place)),
    count: visible.length,
  };
}

/** @param place the uppermost one at the path */
function isSeen(combination: Combination, path: string, { layer, at }: Place): boolean {
  if (combination.layer(layer).type(at) === 'whiteout') return false;
  return !combination.layers.slice(layer + 1).some((above) => above.covers(path));
}

function providedAt(combination: Combination, path: string, { layer, at }: Place): ProvidedPath {
  const { key, createdBy } = combination.indexed[layer] ?? { key: '', createdBy: '' };
  const components = combination.ownersOf(layer).map((owner) => combination.components[owner]?.name ?? '');
  const entry = describe(combination.layer(layer).state(at));
  return { path: `/${path}`, components, layer: key, createdBy, entry };
}
