import { StackError } from '../../core';
import { LAYER } from './work-layout';

/** The most lower layers of an overlay (fs/overlayfs, OVL_MAX_STACK), but for our two. */
const MAX_LOWERS = 500 - 2;

/** Mount options of the overlay of a run. */
export interface OverlayOptions {
  readonly plain: string;
  /** The same, with mount points on top of the base. */
  readonly withPoints: string;
}

/**
 * Mount options of an overlay over a number of lower layers, 0 the bottom one.
 *
 * What a script does must be found in the upper directory in full: no renames by reference, no files with metadata alone, whatever
 * the kernel's own defaults are, and none of either believed that a base brings along. `volatile`: nothing is synced, since
 * an upper directory that was not read to its end is never used.
 * @param userxattr for the marks of unprivileged overlays, in a user namespace
 * @throws StackError STACK4010 for more layers than Linux stacks
 */
export function overlayOptions(lowers: number, userxattr: boolean): OverlayOptions {
  if (lowers > MAX_LOWERS) {
    throw new StackError(
      'STACK4010',
      `a sandbox cannot be made on ${String(lowers)} layers: Linux stacks at most ${String(MAX_LOWERS)}`,
      { hint: 'give the base fewer layers' },
    );
  }
  const base = [...Array.from({ length: lowers }, (_, index) => LAYER.lower(lowers - 1 - index)), LAYER.bottom];
  const settings = [
    `upperdir=${LAYER.upper}`,
    `workdir=${LAYER.work}`,
    'redirect_dir=nofollow',
    'metacopy=off',
    'index=off',
    'volatile',
    ...(userxattr ? ['userxattr'] : []),
  ];
  const over = (layers: readonly string[]): string => [`lowerdir=${layers.join(':')}`, ...settings].join(',');
  return { plain: over(base), withPoints: over([LAYER.points, ...base]) };
}
