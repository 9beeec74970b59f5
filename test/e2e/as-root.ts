import { execFileSync, spawnSync } from 'node:child_process';

/** Who a process is. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Root of this machine. */
export const ROOT_USER: User = { uid: 0, gid: 0 };

/** An ordinary user every Debian has, without subordinate ids. */
export const ORDINARY_USER: User = { uid: 65534, gid: 65534 };

const SUDO = process.getuid?.() === 0 ? [] : ['sudo', '-n'];

/** Runs a command as root, and gives what it writes. */
export function asRoot(...command: readonly string[]): string {
  const [program = '', ...args] = [...SUDO, ...command];
  return execFileSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs a command as root that may fail, and gives its exit status. */
export function statusAsRoot(...command: readonly string[]): number | null {
  const [program = '', ...args] = [...SUDO, ...command];
  return spawnSync(program, args, { stdio: 'ignore' }).status;
}

/** The command line that runs a command as some user, with exactly the environment given. */
export function commandAs(
  { uid, gid }: User,
  env: Readonly<Record<string, string | undefined>>,
  command: readonly string[],
): [string, ...string[]] {
  const variables = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  const become = [`--reuid=${String(uid)}`, `--regid=${String(gid)}`, '--clear-groups', '--inh-caps=-all'];
  const [program = '', ...args] = [...SUDO, 'setpriv', ...become, '--', 'env', '-i', ...variables, ...command];
  return [program, ...args];
}

/** Makes a directory and all in it some user's. */
export function give(directory: string, { uid, gid }: User): void {
  asRoot('chown', '-R', '-h', `${String(uid)}:${String(gid)}`, directory);
}

/** Adds a user, with the subordinate ids that useradd gives. */
export function addUser(name: string): User {
  if (spawnSync('id', [name]).status !== 0) asRoot('useradd', '--no-create-home', name);
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' })));
  return { uid: uid!, gid: gid! };
}

/** Removes a user that was added. */
export function removeUser(name: string): void {
  asRoot('userdel', name);
}
