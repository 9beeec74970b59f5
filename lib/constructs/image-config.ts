/**
 * How a container of an image runs by default (image-spec, config.md). What is absent is inherited from the base; what is
 * set replaces it, except that `env`, `labels`, `volumes` and `exposedPorts` are merged by key.
 *
 * A command given as one string is split into words as a POSIX shell does it, quotes and backslashes included. No shell
 * runs, so a string that would need one (`$VAR`, `a && b`, `*.txt`, `> file`) is an error: write
 * `['/bin/sh', '-c', '…']` when you mean that.
 */
export interface ImageConfig {
  /** Environment variables. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** The program and its first arguments. Setting it drops an inherited `cmd`. */
  readonly entrypoint?: string | readonly string[] | undefined;
  /** Arguments of the entrypoint, or the command when there is none. */
  readonly cmd?: string | readonly string[] | undefined;
  /** Entrypoint and command in one: becomes the entrypoint, and `cmd` becomes empty. Excludes `entrypoint` and `cmd`. */
  readonly fullCommand?: string | readonly string[] | undefined;
  /** `user`, `uid`, `user:group` or `uid:gid`. */
  readonly user?: string | undefined;
  /** Absolute path. */
  readonly workingDir?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Absolute paths that hold data of their own in every container. */
  readonly volumes?: readonly string[] | undefined;
  /** Ports the image listens on: `80`, `'80'`, `'80/tcp'`, `'53/udp'`, `'5000/sctp'`. */
  readonly exposedPorts?: readonly (string | number)[] | undefined;
  /** Signal that asks the container to end: a name such as `SIGTERM` or `SIGRTMIN+3`, or a number. */
  readonly stopSignal?: string | undefined;
  /** How to find out whether a container is healthy. Docker's extension of the config; other runtimes ignore it. */
  readonly healthcheck?: Healthcheck | undefined;
}

/** A health check. Durations are seconds and may be fractions. */
export interface Healthcheck {
  /**
   * A string is run by the container's shell. A list is taken as it is and starts with `CMD` (a program and its arguments),
   * `CMD-SHELL` (one command line) or `NONE` (drops an inherited check).
   */
  readonly test: string | readonly string[];
  /** Seconds between two checks. @default the runtime's, 30 */
  readonly interval?: number | undefined;
  /** Seconds after which a check has failed. @default the runtime's, 30 */
  readonly timeout?: number | undefined;
  /** Seconds after the start in which a failed check does not count. @default the runtime's, 0 */
  readonly startPeriod?: number | undefined;
  /** Failed checks in a row that make a container unhealthy. @default the runtime's, 3 */
  readonly retries?: number | undefined;
}
