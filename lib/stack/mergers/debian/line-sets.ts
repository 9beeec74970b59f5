import { LINE_SET } from '../lines';
import type { Merger } from '../merger';
import { mergeEachPath, mergeRecordFile } from '../record-file';

/** Files in which each line is there or not, and where tools add at the end. */
function lineSetMerger(name: string, paths: readonly string[]): Merger {
  return {
    name,
    version: 1,
    paths,
    merge: (request) => mergeEachPath(request, (path) => mergeRecordFile(request, path, LINE_SET)),
  };
}

/** Login shells, and what update-shells(8) remembers of those of packages. */
export const shells = lineSetMerger('shells', ['/etc/shells', '/var/lib/shells.state']);

/** Architectures that dpkg installs packages of; its own comes first, and is the same everywhere. */
export const dpkgArchitectures = lineSetMerger('dpkg-architectures', ['/var/lib/dpkg/arch']);
