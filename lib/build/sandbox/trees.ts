import { promises as fs } from 'node:fs';
import type { Readable } from 'node:stream';
import { bytesToName, compareNames, errnoOf, StackError, temporaryName, writeFailure, type Exit } from '../../core';
import type { Namespace, ToolOptions } from './namespace';

const XATTRS = ['--xattrs', '--xattrs-include=*'];

/** What overlayfs notes for itself in an upper directory (kernel documentation, overlayfs.rst); of its notes only `opaque` is a change. */
const OVERLAY_NOTES = ['impure', 'metacopy', 'nlink', 'origin', 'protattr', 'redirect', 'upper', 'uuid'].flatMap(
  (note) => [`trusted.overlay.${note}`, `user.overlay.${note}`],
);
/** Labels that the host gives every file. */
const HOST_LABELS = ['security.selinux', 'security.ima', 'security.evm'];

/** How a tree is unpacked. */
export interface MaterializeOptions extends ToolOptions {
  /** Whether it is to survive a power failure. Default: true; takes a while on a busy disk. */
  readonly durable?: boolean | undefined;
}

/**
 * Unpacks a tar as a directory that overlayfs can use as a lower layer: owners, modes with setuid, times, hard links, devices
 * and extended attributes as they are in it.
 *
 * The tar must be in overlay form: whiteouts are character devices 0:0, opaque directories have `namespace.opaqueXattr`. It must
 * have no other devices unless `namespace.canMakeDevices`, and its paths must have been checked: no `..`, nothing below a symbolic link.
 *
 * The directory appears complete and on the disk, or not at all; one that is there already stays as it is. A process
 * killed meanwhile leaves a directory beside it that matches `TEMPORARY_FILE`.
 * @param tar uncompressed
 * @throws StackError STACK4010 for an owner that the namespace has no id for, STACK7001 when the directory cannot be written
 * exactly so, STACK7002 when the disk is full; what `tar` fails with; the signal's reason when aborted
 */
export async function materialize(
  namespace: Namespace,
  tar: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  directory: string,
  options: MaterializeOptions = {},
): Promise<void> {
  const temporary = `${directory}.${temporaryName()}.tmp`;
  try {
    await fs.mkdir(temporary);
    await fs.chmod(temporary, 0o755); // whatever our umask is
    const exit = await namespace.feed('tar', extractArguments(temporary), tar, options);
    if (exit.status !== 0 || exit.stderr !== '') throw extractFailure(directory, exit);
    if (options.durable !== false) {
      const sync = await namespace.run('sync', ['--file-system', temporary], options);
      if (sync.status !== 0) throw extractFailure(directory, sync);
    }
    await fs.rename(temporary, directory);
  } catch (error) {
    await removeTree(namespace, temporary);
    if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') return; // another process was faster
    throw errnoOf(error) === undefined ? error : writeFailure('STACK7001', `'${directory}'`, error);
  }
}

/**
 * Streams a directory that was the upper layer of an overlay as a tar (PAX), in the overlay form of {@link materialize}, with
 * the ids that its files have inside. Entries are `./` and `./PATH`, parents first. Left out are sockets, the notes that overlayfs
 * makes for itself, and the labels of SELinux and IMA. Files with holes come without these.
 * The stream fails with STACK7001 when not everything could be read.
 */
export function readUpper(namespace: Namespace, directory: string, options: ToolOptions = {}): Readable {
  return namespace.stream('tar', createArguments(directory), {
    ...options,
    failure: ({ stderr }) => new StackError('STACK7001', `cannot read '${directory}': ${firstLine(stderr)}`),
  });
}

/**
 * Paths of the sockets below a directory, relative to it.
 * @throws StackError STACK7001 when not everything could be read
 */
export async function socketsIn(
  namespace: Namespace,
  directory: string,
  options: ToolOptions = {},
): Promise<readonly string[]> {
  const found = namespace.stream('find', [directory, '-type', 's', '-printf', '%P\\0'], {
    ...options,
    failure: ({ stderr }) => new StackError('STACK7001', `cannot read '${directory}': ${firstLine(stderr)}`),
  });
  const chunks: Buffer[] = [];
  for await (const chunk of found) chunks.push(chunk as Buffer);
  const names = bytesToName(Buffer.concat(chunks));
  return names.split('\0').slice(0, -1).sort(compareNames);
}

/**
 * Removes a directory with all that is in it, whatever its owners and modes; it need not exist.
 * @throws StackError STACK7001
 */
export async function removeTree(namespace: Namespace, directory: string): Promise<void> {
  const { status, stderr } = await namespace.run('rm', ['-rf', '--one-file-system', '--', directory]);
  if (status !== 0) throw new StackError('STACK7001', `cannot remove '${directory}': ${firstLine(stderr)}`);
}

function extractArguments(directory: string): string[] {
  return [
    '--extract',
    '--file=-',
    `--directory=${directory}`,
    '--preserve-permissions',
    '--same-owner',
    '--numeric-owner',
    '--delay-directory-restore',
    '--warning=no-timestamp', // times in the future or before 1970 are right as they are
    ...XATTRS,
  ];
}

function createArguments(directory: string): string[] {
  return [
    '--create',
    '--file=-',
    `--directory=${directory}`,
    '--sort=name',
    '--sparse',
    '--hole-detection=seek',
    '--numeric-owner',
    '--format=posix',
    '--pax-option=delete=atime,delete=ctime',
    '--warning=no-file-ignored', // sockets
    ...XATTRS,
    ...[...OVERLAY_NOTES, ...HOST_LABELS].map((name) => `--xattrs-exclude=${name}`),
    '.',
  ];
}

/** Whatever tar says counts as a failure: it goes on where it cannot set an attribute, and the tree would not be the right one. */
function extractFailure(directory: string, { stderr, status }: Exit): StackError {
  const said = firstLine(stderr) || `status ${String(status)}`;
  if (/No space left on device|Disk quota exceeded/.test(stderr)) {
    return new StackError('STACK7002', `no space left while writing '${directory}': ${said}`, {
      hint: 'free some space, or set STACK_HOME to a directory on a larger file system; nothing half-written was kept',
    });
  }
  if (/Cannot change ownership .*Invalid argument/.test(stderr)) {
    return new StackError('STACK4010', `a file's owner has no counterpart among the subordinate ids: ${said}`, {
      hint: 'give the user a larger range in /etc/subuid and /etc/subgid, or deploy as root',
    });
  }
  return new StackError('STACK7001', `cannot write '${directory}': ${said}`);
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
