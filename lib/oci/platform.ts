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
