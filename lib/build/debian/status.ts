import { plainDirectory, type Entry } from '../../pack';

/** A package and its control stanza. */
export interface PackageControl {
  readonly name: string;
  /** See `controlStanza`. */
  readonly control: string;
}

const STATUS_DIRECTORY = 'var/lib/dpkg/status.d';

/**
 * What tells scanners which packages an image has: one file each in /var/lib/dpkg/status.d, as in distroless images, and the
 * directories above. There is no single database, so that stacked images add theirs up instead of hiding each other's.
 *
 * @param epoch mtime of the entries, seconds since 1970
 */
export function statusEntries(packages: readonly PackageControl[], epoch: number): Entry[] {
  const directories = ['var', 'var/lib', 'var/lib/dpkg', STATUS_DIRECTORY].map((path) => plainDirectory(path, epoch));
  const files = packages.map(({ name, control }): Entry => {
    const bytes = Buffer.from(control);
    const content = { kind: 'bytes', bytes } as const;
    return {
      type: 'file',
      path: `${STATUS_DIRECTORY}/${name}`,
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: epoch,
      size: bytes.length,
      content,
    };
  });
  return [...directories, ...files];
}
