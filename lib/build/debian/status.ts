import { digestOf, hexOf } from '../../oci';
import type { Entry } from '../../pack';

/** A package and its control stanza. */
export interface PackageControl {
  readonly name: string;
  /** See `controlStanza`. */
  readonly control: string;
}

/**
 * What tells scanners which packages an image has: one file each in /var/lib/dpkg/status.d, as in distroless images.
 * There is no single database, so that stacked images add theirs up instead of hiding each other's.
 *
 * @param epoch mtime of the files, seconds since 1970
 */
export function statusEntries(packages: readonly PackageControl[], epoch: number): Entry[] {
  return packages.map(({ name, control }) => {
    const bytes = Buffer.from(control);
    return {
      type: 'file',
      path: `var/lib/dpkg/status.d/${name}`,
      ...{ mode: 0o644, uid: 0, gid: 0, mtime: epoch },
      size: bytes.length,
      content: { kind: 'bytes', bytes },
      sha256: hexOf(digestOf(bytes)),
    };
  });
}
