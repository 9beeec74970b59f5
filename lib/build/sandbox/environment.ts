/** The environment every script gets unless it is given another. */
const DEFAULTS = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' };

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string>>;

/** An environment as a shell passes it on: what it can export, and arguments of env(1) for the rest. */
export interface ShellEnvironment {
  readonly exported: readonly (readonly [name: string, value: string])[];
  readonly envArguments: readonly string[];
}

/** What shells set by themselves. */
const SHELLS_OWN = ['PWD', 'OLDPWD', 'SHLVL', '_'];
/** What no shell takes for a name, and names that mean something to shells, to the locale or to the dynamic linker. */
const NOT_FOR_SHELLS =
  /^(?![A-Za-z_][A-Za-z0-9_]*$)|^(_|BASHOPTS|BASH_VERSINFO|EUID|GROUPS|IFS|LANG|LANGUAGE|LC_[A-Z]+|LD_[A-Z_]+|LINENO|OLDPWD|OPTIND|PATH|PPID|PWD|RANDOM|SECONDS|SHELLOPTS|SHLVL|UID)$/;

/** With the defaults of `PATH` and `HOME`. */
export function withDefaults(env: Environment): Environment {
  return { ...DEFAULTS, ...env };
}

/**
 * Splits an environment for a shell that is to start a program with exactly it. A value that may be a secret must not become an
 * argument of a process, which everyone on the machine can read; names that shells cannot pass on are not those of secrets.
 */
export function shellEnvironment(env: Environment): ShellEnvironment {
  const entries = Object.entries(env);
  return {
    exported: entries.filter(([name]) => !NOT_FOR_SHELLS.test(name)),
    envArguments: [
      ...SHELLS_OWN.flatMap((name) => ['-u', name]),
      ...entries.filter(([name]) => NOT_FOR_SHELLS.test(name)).map(([name, value]) => `${name}=${value}`),
    ],
  };
}
