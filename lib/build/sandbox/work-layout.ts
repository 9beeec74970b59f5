/** What is in the directory of a run. */
export const WORK = {
  /** Links to the layers, by their names in {@link LAYER}: where the overlay is mounted from. */
  layers: 'layers',
  /** What overlayfs works in. */
  overlay: 'overlay',
  bottom: 'bottom',
  points: 'points',
  /** The sandbox's /dev, /run and /stack. */
  dev: 'dev',
  run: 'run',
  stack: 'stack',
  /** Where the overlay is mounted, */
  root: 'root',
  /** the host once more, */
  host: 'host',
  /** and a tmpfs for what must not get on a disk. */
  memory: 'memory',
} as const;

/**
 * Names of an overlay's directories where it is mounted from. They are short because its options have to fit a page (mount(2)),
 * and made by us so that nothing in a path of the user's means anything in them.
 */
export const LAYER = {
  upper: 'u',
  work: 'w',
  /** Below the base: what every sandbox has mount points at. */
  bottom: 'b',
  /** On top of the base: mount points that the base hides, where it does. */
  points: 'p',
  lower: (index: number): string => String(index),
} as const;
