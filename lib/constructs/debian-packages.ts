import type { Construct } from 'constructs';
import type { DebianPackagesProps } from './debian-packages-props';
import { Image } from './image';
import { isInstance, isMarked, mark } from './private/marker';

const MARKER = Symbol.for('cdk-stack.DebianPackages');

/**
 * The files of Debian packages as one layer, without a base and without running anything in a container.
 *
 * - No maintainer script runs (preinst, postinst, triggers): what those would create, such as users, alternatives or an initramfs,
 *   is not in the layer.
 * - Resolving and downloading is done by the host's apt, unpacking by its dpkg, with a state of their own: the host's package
 *   database is neither used nor changed, and no root is needed.
 * - The control stanza of each package goes to `/var/lib/dpkg/status.d/PACKAGE`, where scanners look for packages of images that
 *   have no package manager. There is no `/var/lib/dpkg/status`, so stacking two such layers merges nothing.
 * - Versions are pinned in the lock file when first resolved.
 *
 * @example
 * const ovmf = new DebianPackages(app, 'ovmf', { packages: ['ovmf'], dependencies: 'none' });
 */
export class DebianPackages extends Image {
  /** Tells a `DebianPackages` apart, also one of another copy of this package. */
  public static isDebianPackages(x: unknown): x is DebianPackages {
    return isMarked(x, MARKER);
  }

  public static override [Symbol.hasInstance](x: unknown): boolean {
    return isInstance(this, DebianPackages, x, MARKER);
  }

  /** @throws STACK2012 when the id cannot be used; STACK2014 when the app has been synthesized already */
  public constructor(scope: Construct, id: string, props: DebianPackagesProps) {
    super(scope, id, { type: 'debian-packages', props }, DebianPackages);
  }
}

mark(DebianPackages.prototype, MARKER);
