import type { Entry, Metadata } from '../pack';
import type { ConflictCode } from './conflict-report';
import { opensDirectory } from './protection';

/** What is at a path: an entry, hard links replaced by their files, or a directory that its layer does not describe. */
export type State = Entry | 'implied';

const SET_ID = 0o6000;

/** Two states of one path, of layers that are foreign to each other. */
export interface Encounter {
  readonly lower: State;
  readonly upper: State;
  /** What the layers have there that both components share. */
  readonly base?: State | undefined;
  /** Whether the lower directory has something in it. */
  readonly isInhabited: () => boolean;
}

/**
 * What kind of conflict two states are (stacking.md §3); undefined when there is none. Times never matter. Where only the upper
 * one differs from the base it is what was meant.
 */
export function conflictOf({ lower, upper, base, isInhabited }: Encounter): ConflictCode | undefined {
  const isOverDirectory = upper !== 'implied' && upper.type !== 'directory' && isDirectory(lower);
  if (isOverDirectory && isInhabited()) return upper.type === 'symlink' ? 'TYPE_CONFLICT' : 'FILE_OVER_DIRECTORY';
  if (isLink(base) && (lower === 'implied' || upper === 'implied')) return 'IMPLICIT_PARENT';
  if (base !== undefined && isEqual(lower, base)) return undefined;
  if (upper === 'implied') return overImplied(lower);
  if (isOverDirectory) return 'TYPE_CONFLICT';
  if (lower === 'implied' || isEqual(lower, upper)) return undefined;
  const isMeant = base === undefined || !isEqual(upper, base);
  if (isDevice(upper)) return 'PRIVILEGED_FILE';
  if (upper.type !== lower.type) return 'TYPE_CONFLICT';
  if (upper.type === 'directory' && lower.type === 'directory') {
    return opensDirectory(upper, lower) ? 'DIRECTORY_WEAKENED' : 'DIRECTORY_METADATA';
  }
  // Mergers would give the privileges of one component to the content of the other.
  if (isMeant && (isPrivileged(upper) || isPrivileged(lower))) return 'PRIVILEGED_FILE';
  return sameContent(lower, upper) ? 'METADATA_CONFLICT' : 'CONTENT_CONFLICT';
}

function overImplied(lower: State): ConflictCode | undefined {
  if (lower === 'implied' || lower.type === 'directory') return undefined;
  return lower.type === 'symlink' ? 'IMPLICIT_PARENT' : 'TYPE_CONFLICT';
}

function isLink(state: State | undefined): boolean {
  return state !== undefined && state !== 'implied' && state.type === 'symlink';
}

function isDirectory(state: State): boolean {
  return state === 'implied' || state.type === 'directory';
}

/** Whether two states are the same but for their times. */
export function isEqual(a: State, b: State): boolean {
  if (a === 'implied' || b === 'implied') return a === b;
  return a.type === b.type && sameContent(a, b) && sameMetadata(a, b);
}

/** Reports whether two entries have the same content, whatever their owners and modes. */
export function sameContent(a: Entry, b: Entry): boolean {
  if (a.type === 'file') return b.type === 'file' && a.size === b.size && a.sha256 === b.sha256;
  if (a.type === 'symlink') return b.type === 'symlink' && a.target === b.target;
  if (a.type === 'char' || a.type === 'block') {
    return b.type === a.type && a.major === b.major && a.minor === b.minor;
  }
  return true;
}

function sameMetadata(a: Entry, b: Entry): boolean {
  if (a.type === 'whiteout' || b.type === 'whiteout') return a.type === b.type;
  const isLink = a.type === 'symlink'; // whose mode nothing heeds
  return (isLink || a.mode === b.mode) && a.uid === b.uid && a.gid === b.gid && xattrsOf(a) === xattrsOf(b);
}

function xattrsOf({ xattrs = [] }: Metadata): string {
  return JSON.stringify(xattrs.map(({ name, value }) => [name, value.toString('base64')]));
}

/** Whether who runs a file may do more than before. */
function isPrivileged(entry: Entry): boolean {
  if (entry.type !== 'file') return false;
  return (entry.mode & SET_ID) !== 0 || entry.xattrs?.some(({ name }) => name === 'security.capability') === true;
}

function isDevice({ type }: Entry): boolean {
  return type === 'char' || type === 'block';
}

/** A state in few words, as reports show it. */
export function describe(state: State): string {
  if (state === 'implied') return 'directory that its layer does not describe';
  if (state.type === 'whiteout') return 'removed';
  const words = [state.type, state.mode.toString(8).padStart(4, '0'), `${String(state.uid)}:${String(state.gid)}`];
  if (state.type === 'file') words.push(`${String(state.size)} bytes`, `sha256:${state.sha256 ?? ''}`);
  if (state.type === 'symlink') words.push(`-> ${state.target}`);
  if (state.type === 'char' || state.type === 'block') words.push(`${String(state.major)}:${String(state.minor)}`);
  if (state.type === 'directory' && state.opaque === true) words.push('opaque');
  if (state.xattrs !== undefined) words.push(`with ${state.xattrs.map(({ name }) => name).join(', ')}`);
  return words.join(' ');
}
