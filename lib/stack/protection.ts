import type { Metadata } from '../pack';

const STICKY = 0o1000;
const OTHERS = 0o007;
const GROUP = 0o070;
const OTHERS_WRITE = 0o002;
/** Directories in which everybody may write, and nobody may remove what is another's. */
const SHARED = STICKY | OTHERS_WRITE;

/**
 * Reports whether a directory protects what is in it less than another: a private one got bits for group or others, everybody may
 * write to it, or one that everybody shares lost its sticky bit or some of its bits.
 */
export function opensDirectory(now: Metadata, before: Metadata): boolean {
  if ((before.mode & SHARED) === SHARED && (before.mode & ~now.mode & 0o1777) !== 0) return true;
  if ((before.mode & STICKY) !== 0 && (now.mode & STICKY) === 0) return true;
  return opensFile(now, before);
}

/** Reports whether a file lets more in than another: a private one got bits for group or others, or everybody may write to it. */
export function opensFile(now: Metadata, before: Metadata): boolean {
  const gained = now.mode & ~before.mode;
  const isPrivate = (before.mode & OTHERS) === 0;
  return (isPrivate && (gained & (GROUP | OTHERS)) !== 0) || (gained & OTHERS_WRITE) !== 0;
}

/** Metadata without the group's bits where a group of its own was given them: who is in it was let in on purpose. */
export function withoutOwnGroup(now: Metadata, before: Metadata): Metadata {
  if (now.gid === before.gid || now.gid === 0) return now;
  return { ...now, mode: (now.mode & ~GROUP) | (before.mode & GROUP) };
}
