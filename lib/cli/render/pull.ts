import type { PulledReference } from '../../toolkit';
import { cleanLine, table } from './text';

/** What the local store has now, and for which images. */
export function pullText(references: readonly PulledReference[]): string {
  if (references.length === 0) return 'nothing to pull: these images use nothing from outside\n';
  const rows = references.map(({ kind, reference, images }) => [
    kind,
    cleanLine(reference),
    `for ${images.join(', ')}`,
  ]);
  return [...table(rows), '', 'all of it is in the local store', ''].join('\n');
}
