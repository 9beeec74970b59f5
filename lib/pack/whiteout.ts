import { StackError } from '../core';
import { parentOf } from './tree';

const PREFIX = '.wh.';
const OPAQUE = '.wh..wh..opq';

/** The name that stands for a removed file in a layer tar (image-spec layer.md, "Whiteouts"). */
export function whiteoutName(path: string): string {
  const at = path.lastIndexOf('/') + 1;
  return path.slice(0, at) + PREFIX + path.slice(at);
}

/** The name that makes a directory opaque (image-spec layer.md, "Opaque Whiteout"). */
export function opaqueName(directory: string): string {
  return directory === '' ? OPAQUE : `${directory}/${OPAQUE}`;
}

/** Whether a path has a component that a layer tar gives a meaning of its own. */
export function isReserved(path: string): boolean {
  return path.startsWith(PREFIX) || path.includes(`/${PREFIX}`);
}

/**
 * What the last component of a path in a layer tar means; undefined for an ordinary name.
 * @throws StackError STACK4002 for a whiteout of nothing, of `.` or `..`, or of another whiteout
 */
export function whiteoutOf(path: string): { readonly kind: 'opaque' | 'whiteout'; readonly path: string } | undefined {
  const at = path.lastIndexOf('/') + 1;
  const name = path.slice(at);
  if (!name.startsWith(PREFIX)) return undefined;
  if (name === OPAQUE) return { kind: 'opaque', path: parentOf(path) };
  const hidden = name.slice(PREFIX.length);
  if (hidden === '' || hidden === '.' || hidden === '..' || hidden.startsWith(PREFIX)) {
    throw new StackError('STACK4002', `'/${path}' is not a valid whiteout`);
  }
  return { kind: 'whiteout', path: path.slice(0, at) + hidden };
}
