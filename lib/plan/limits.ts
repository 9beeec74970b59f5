import { ID_LANES } from './id-lanes';

/** Bounds of the numbers in a plan; constructs check them with a place and a hint, the loader checks them again. */
export const LIMITS = {
  /** Permission bits with setuid, setgid and sticky. */
  mode: { min: 0, max: 0o7777 },
  /** uid and gid: 32 bits, without the last one, which chown(2) takes for "leave it". */
  id: { min: 0, max: 0xffff_fffe },
  idLane: { min: 1, max: ID_LANES },
  /** Seconds since 1970 that fit the 32 bits squashfs has for a time. */
  epoch: { min: 0, max: 0xffff_ffff },
  /** Compression levels that need no more memory to unpack than any reader has. */
  zstdLevel: { min: 1, max: 19 },
  /** From 12 on a block of 128 KiB takes longer to set up than to compress. */
  squashfsLevel: { min: 1, max: 11 },
  gzipLevel: { min: 1, max: 9 },
  /** Layers below one overlay mount of Linux (OVL_MAX_STACK). */
  filesystemLayers: { min: 1, max: 500 },
} as const;

/** Every layer format. */
export const LAYER_FORMATS = ['tar', 'squashfs'] as const;

/** 64 hex characters. */
export const SHA256_PATTERN = /^[0-9a-f]{64}$/;

/** What Debian's policy (5.6) allows as name, version and architecture of a package; they end up in paths and command lines. */
export const DEBIAN_SYNTAX = {
  name: /^[a-z0-9][a-z0-9.+-]*$/,
  version: /^[A-Za-z0-9][A-Za-z0-9.+:~-]*$/,
  architecture: /^[a-z0-9][a-z0-9-]*$/,
} as const;
