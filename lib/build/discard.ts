import { existsSync } from 'node:fs';
import { run } from '../core';
import { Namespace, removeTree } from './sandbox';

/**
 * Removes directories of the store whose files may have owners that are not ours: plainly where that works, else as root of a
 * namespace, which is made only then.
 * @throws StackError STACK4010 when there is no namespace and one is needed, after all else was removed; STACK7001
 */
export async function discard(directories: readonly string[]): Promise<void> {
  if (directories.length === 0) return;
  await run('rm', ['-rf', '--one-file-system', '--', ...directories]);
  const refused = directories.filter((directory) => existsSync(directory));
  if (refused.length === 0) return;
  const namespace = await Namespace.detect();
  for (const directory of refused) await removeTree(namespace, directory);
}
