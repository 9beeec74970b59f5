import type { Environment } from './environment';
import type { SandboxMount } from './mounts';

/**
 * Something that a script can read and nobody else: never on a disk, nor in an argument of a process, and replaced by `***`
 * in what the script writes.
 */
export interface SandboxSecret {
  /**
   * Absolute path in the sandbox, of a file on a tmpfs; directories that are missing there are made. Or the name of a variable in
   * the script's environment.
   */
  readonly target: string;
  readonly content: Buffer;
}

/** A script, and what it is run on. */
export interface RunOptions {
  /** Directories of the base's layers, bottom to top, in overlay form (`materialize`); none is scratch. */
  readonly lowers: readonly string[];
  /** Where changes go; may hold some already. Its own owner, mode and time are those of the root directory that the script sees. */
  readonly upper: string;
  /** A directory for this run alone, on the file system of `upper`; made if missing, to be removed with `removeTree`. */
  readonly work: string;
  /** Text of the script. It is run by its own `#!` line, else by `/bin/sh -xe`, in `/`, with nothing to read. */
  readonly script: string;
  /** The whole environment, but that PATH and HOME have defaults. */
  readonly env: Environment;
  /** Those of the host, with its resolv.conf, or none but the loopback. */
  readonly network: 'host' | 'none';
  readonly mounts?: readonly SandboxMount[] | undefined;
  readonly secrets?: readonly SandboxSecret[] | undefined;
  /** Gets what the script writes to its output and its errors, which are one pipe so that it comes in order; not cut at lines. */
  readonly onOutput?: ((chunk: Buffer) => void) | undefined;
  /** A file that is to hold all it writes. */
  readonly log?: string | undefined;
  /** Gives the script our own input, output and errors instead, for a shell that someone types into. Default: false. */
  readonly terminal?: boolean | undefined;
  /** Kills the script and everything it started. */
  readonly signal?: AbortSignal | undefined;
}
