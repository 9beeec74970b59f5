import type { Descriptor, Platform } from './types';

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  mipsel: 'mipsle',
  ppc64: 'ppc64le',
};

/** What an architecture means without a variant (containerd, platforms/database.go). */
const DEFAULT_VARIANTS: Readonly<Record<string, string>> = { amd64: 'v1', arm: 'v7', arm64: 'v8' };

/** The platform of this machine, in Go's names as image-spec wants them. Images are for Linux whatever the host runs. */
export function hostPlatform(): Platform {
  return { os: 'linux', architecture: ARCHITECTURES[process.arch] ?? process.arch };
}

/** Parses `os/architecture[/variant]`; undefined when it is not of that form. */
export function parsePlatform(text: string): Platform | undefined {
  const match = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9.]+))?$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { os: match[1], architecture: match[2], ...(match[3] === undefined ? {} : { variant: match[3] }) };
}

/** Go's names of the architectures that images are made for (`go tool dist list`, and the ports of gccgo). */
const KNOWN_ARCHITECTURES: ReadonlySet<string> = new Set([
  '386',
  'amd64',
  'arm',
  'arm64',
  'loong64',
  'mips',
  'mips64',
  'mips64le',
  'mipsle',
  'ppc',
  'ppc64',
  'ppc64le',
  'riscv',
  'riscv64',
  's390',
  's390x',
  'sparc64',
  'wasm',
]);

/** Names that kernels, compilers and distributions have for architectures. */
const ALIASES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  x8664: 'amd64',
  x64: 'amd64',
  em64t: 'amd64',
  x86: '386',
  x86_32: '386',
  ia32: '386',
  i386: '386',
  i486: '386',
  i586: '386',
  i686: '386',
  aarch64: 'arm64',
  armv8: 'arm64',
  armv8l: 'arm64',
  arm64v8: 'arm64',
  armv7: 'arm/v7',
  armv7l: 'arm/v7',
  armv7hl: 'arm/v7',
  armhf: 'arm/v7',
  arm32v7: 'arm/v7',
  armv6: 'arm/v6',
  armv6l: 'arm/v6',
  arm32v6: 'arm/v6',
  armv5: 'arm/v5',
  armv5l: 'arm/v5',
  armel: 'arm/v5',
  arm32v5: 'arm/v5',
  ppc64el: 'ppc64le',
  powerpc64le: 'ppc64le',
  powerpc64: 'ppc64',
  mipsel: 'mipsle',
  mips64el: 'mips64le',
  loongarch64: 'loong64',
  riscv64gc: 'riscv64',
};

/** Reports whether Go, and so the image specification, has a name for an architecture. */
export function isKnownArchitecture(architecture: string): boolean {
  return KNOWN_ARCHITECTURES.has(architecture);
}

/** Suggests what a mistaken platform was meant to be: other names, upper case, the architecture alone or in front. */
export function suggestPlatform(text: string): string | undefined {
  const parts = text
    .trim()
    .toLowerCase()
    .split('/')
    .filter((part) => part !== 'linux' && part !== '');
  const [name = '', variant] = parts;
  const architecture = ALIASES[name] ?? (isKnownArchitecture(name) ? name : undefined);
  if (architecture === undefined || parts.length > 2) return undefined;
  const meant = ['linux', architecture, ...(variant === undefined || architecture.includes('/') ? [] : [variant])];
  return meant.join('/') === text ? undefined : meant.join('/');
}

/** `os/architecture[/variant]`. */
export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, ...(platform.variant === undefined ? [] : [platform.variant])].join('/');
}

/** Whether two platforms are the same one; arm64 without a variant is v8. */
export function samePlatform(a: Platform, b: Platform): boolean {
  return a.os === b.os && a.architecture === b.architecture && variantOf(a) === variantOf(b);
}

/**
 * The entries of an index that are for a platform, or else those that name none. Of those that ask for features of the system
 * come those first that ask for what the platform has, and no more (image-index.md: such features are mandatory).
 */
export function entriesFor(entries: readonly Descriptor[], platform: Platform): readonly Descriptor[] {
  const fitting = entries.filter((entry) => entry.platform && samePlatform(entry.platform, platform));
  if (fitting.length === 0) return entries.filter((entry) => !entry.platform);
  const known = new Set(featuresOf(platform));
  const usable = fitting.filter((entry) => featuresOf(entry.platform).every((feature) => known.has(feature)));
  const most = Math.max(...usable.map((entry) => featuresOf(entry.platform).length));
  return usable.length === 0 ? fitting : usable.filter((entry) => featuresOf(entry.platform).length === most);
}

function featuresOf(platform: Platform | undefined): readonly string[] {
  return platform?.['os.features'] ?? [];
}

function variantOf({ architecture, variant }: Platform): string {
  return variant === undefined || variant === '' ? (DEFAULT_VARIANTS[architecture] ?? '') : variant;
}
