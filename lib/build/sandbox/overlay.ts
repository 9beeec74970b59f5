import { StackError } from '../../core';

/** Names of the layers in the directory from which an overlay is mounted: its options have to fit a page (mount(2)). */
export const LINK = {
  upper: 'u',
  work: 'w',
  points: 'p',
  empty: 'e',
  lower: (index: number): string => String(index),
} as const;

/** The most lower layers an overlay may have (fs/overlayfs, OVL_MAX_STACK); one is ours. */
const MAX_LOWERS = 500 - 1;

/** Options of the two overlays of a run. */
export interface OverlayOptions {
  /** Of the base alone, to look at. */
  readonly base: string;
  /** Of what the script sees. */
  readonly root: string;
}

/**
 * Options of the overlays over a number of lower layers, 0 the bottom one.
 *
 * What a script does must be found in the upper directory in full: no renames by reference, no files with metadata alone, whatever
 * the kernel's own defaults are, and none of either believed that a base brings along. `volatile`: nothing is synced, since
 * an upper directory that was not read to its end is never used.
 * @param userxattr for the marks of unprivileged overlays, in a user namespace
 * @throws StackError STACK4010 for more layers than the kernel stacks
 */
export function overlayOptions(lowers: number, userxattr: boolean): OverlayOptions {
  if (lowers > MAX_LOWERS) {
    throw new StackError(
      'STACK4010',
      `a sandbox cannot be made on ${String(lowers)} layers: Linux stacks at most ${String(MAX_LOWERS)}`,
      { hint: 'give the base fewer layers' },
    );
  }
  const base = Array.from({ length: lowers }, (_, index) => LINK.lower(lowers - 1 - index));
  const common = ['redirect_dir=nofollow', 'metacopy=off', ...(userxattr ? ['userxattr'] : [])];
  return {
    base: ['ro', `lowerdir=${[...base, LINK.empty].join(':')}`, ...common].join(','),
    root: [
      `lowerdir=${[LINK.points, ...base].join(':')}`,
      `upperdir=${LINK.upper}`,
      `workdir=${LINK.work}`,
      'index=off',
      'volatile',
      ...common,
    ].join(','),
  };
}
