import type { ImageProps } from './image-props';

/** What a `DebianPackages` is made of. */
export interface DebianPackagesProps extends ImageProps {
  /** Package names, each optionally with a version: `NAME[=VERSION]`. At least one. */
  readonly packages: readonly string[];
  /** `closure` adds all packages these need; `none` takes these alone. @default 'closure' */
  readonly dependencies?: 'none' | 'closure' | undefined;
  /** Suite to prefer, such as `bookworm`, where the sources offer more than one. @default apt's choice */
  readonly suite?: string | undefined;
  /** Entries of a sources file, in the deb822 or the one-line style, instead of the host's. @default the host's */
  readonly sources?: string | undefined;
  /** Debian's name of the architecture, such as `amd64` or `armhf`. @default the one of `platform` */
  readonly architecture?: string | undefined;
  /** What to leave out: patterns as in a .dockerignore file, relative to the root, such as `usr/share/doc`. @default nothing */
  readonly exclude?: readonly string[] | undefined;
}
