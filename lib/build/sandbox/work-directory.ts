import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { writeFailure } from '../../core';
import { LINK } from './overlay';
import { WORK } from './setup-script';

/** The layers of a run. */
export interface Layers {
  /** Bottom to top. */
  readonly lowers: readonly string[];
  readonly upper: string;
}

/**
 * Makes the directory of a run. Layers get short names in it, so that however many and wherever they are, the options of the overlay
 * fit, and no character in a path means anything.
 * @throws StackError STACK7001, STACK7002
 */
export async function makeWorkDirectory(work: string, { lowers, upper }: Layers): Promise<void> {
  const layers = path.join(work, WORK.layers);
  const link = (target: string, name: string): Promise<void> =>
    fs.symlink(path.resolve(target), path.join(layers, name));
  try {
    await fs.mkdir(work, { recursive: true, mode: 0o700 });
    for (const name of Object.values(WORK)) {
      await fs.mkdir(path.join(work, name));
      await fs.chmod(path.join(work, name), 0o755); // whatever our umask is: a script may see them
    }
    await Promise.all([
      ...lowers.map((lower, index) => link(lower, LINK.lower(index))),
      link(upper, LINK.upper),
      link(path.join(work, WORK.overlay), LINK.work),
      link(path.join(work, WORK.points), LINK.points),
      link(path.join(work, WORK.empty), LINK.empty),
    ]);
  } catch (error) {
    throw writeFailure('STACK7001', `the directory of a run, '${work}'`, error);
  }
}
