import { parentOf, pathIn } from '../pack';
import type { Combination } from './combination';
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
