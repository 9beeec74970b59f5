import type { PathList } from '../pack';
import { isEqual } from './entry-conflict';

/** Tells of two layers, by their identities, whether it makes no difference which one is on top. */
export type Commute = (below: string, above: string) => boolean;

/**
 * Whether two layers have nothing to do with each other (stacking.md §1): no path of both but directories with the same metadata,
 * nothing that one removes or hides of the other, and no directory that a layer does not describe, which could be a link elsewhere.
 */
export function commute(a: PathList, b: PathList): boolean {
  return [a, b].every(isSelfContained) && doesNotReach(a, b) && doesNotReach(b, a);
}

function isSelfContained(list: PathList): boolean {
  return list.groups.every(({ directory }) => {
    if (directory === '') return true;
    const at = list.find(directory);
    return at !== undefined && list.type(at) === 'directory';
  });
}

/** Whether nothing of a layer is at, above or in the place of what another one has. */
function doesNotReach(list: PathList, other: PathList): boolean {
  for (let at = 0; at < list.size; at += 1) {
    const path = list.path(at);
    const isPlainDirectory = list.type(at) === 'directory' && !list.isOpaque(at);
    if (!isPlainDirectory && other.firstFrom(`${path}/`) < other.firstFrom(`${path}0`)) return false;
    const found = other.find(path);
    if (found === undefined) continue;
    if (!isPlainDirectory || other.isOpaque(found) || !isEqual(list.entry(at), other.entry(found))) return false;
  }
  return true;
}
