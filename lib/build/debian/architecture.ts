import { StackError } from '../../core';
import { formatPlatform, hostPlatform, type Platform } from '../../oci';

/**
 * Architectures of images (image-spec, image-index.md; Go's names) and Debian's names for them.
 * Of several for one name the first is what an image of such packages gets.
 */
const DEBIAN_NAMES: ReadonlyMap<string, string> = new Map([
  ['amd64', 'amd64'],
  ['arm64', 'arm64'],
  ['arm/v7', 'armhf'],
  ['arm', 'armhf'],
  ['arm/v5', 'armel'],
  ['arm/v6', 'armel'], // armhf needs v7
  ['386', 'i386'],
  ['loong64', 'loong64'],
  ['mips64le', 'mips64el'],
  ['mipsle', 'mipsel'],
  ['ppc64le', 'ppc64el'],
  ['riscv64', 'riscv64'],
  ['s390x', 's390x'],
]);

/**
 * Debian's name for the architecture of a platform: `amd64` for `linux/amd64`, `armhf` for `linux/arm/v7`.
 * @throws StackError STACK3010 for a platform Debian has no packages for
 */
export function debianArchitecture(platform: Platform = hostPlatform()): string {
  const { os, architecture, variant } = platform;
  const name = DEBIAN_NAMES.get(`${architecture}/${variant ?? ''}`) ?? DEBIAN_NAMES.get(architecture);
  if (os === 'linux' && name !== undefined) return name;
  throw new StackError('STACK3010', `Debian has no packages for the platform ${formatPlatform(platform)}`, {
    hint: `set 'architecture' to one of Debian's: ${[...new Set(DEBIAN_NAMES.values())].join(', ')}`,
  });
}

/** Platform of an image made of packages of one of Debian's architectures; undefined for one we do not know. */
export function platformOfArchitecture(name: string): Platform | undefined {
  for (const [key, debian] of DEBIAN_NAMES) {
    const [architecture = key, variant] = key.split('/');
    if (debian === name) return { os: 'linux', architecture, ...(variant === undefined ? {} : { variant }) };
  }
  return undefined;
}
