import { plainDirectory, type Tree, type View } from '../pack';
import { isSameEntry } from './same-entry';

/**
 * Adds the base's root directory to a layer where it is no plain one. A filesystem image has a root directory in any case,
 * and the topmost one is what is seen: without this, owner and mode of the base's would be lost. Its time is left alone.
 */
export function withRootOf(base: View, tree: Tree): Tree {
  const root = base.get('');
  const isDescribed = tree.length === 0 || tree[0]?.path === '';
  if (isDescribed || root?.type !== 'directory' || isSameEntry(root, plainDirectory('', root.mtime))) return tree;
  return [root, ...tree];
}
