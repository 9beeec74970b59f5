import { CAPABILITIES } from './capabilities';
import { shellEnvironment, type Environment } from './environment';
import { MASKED_PATHS, READONLY_PATHS } from './mounts';
import { commandLine, quote } from './shell-text';
import { WORK } from './work-layout';
import type { SandboxFile, Setup } from './setup-script';

/** What starts a script once its file system is mounted: util-linux, or an OCI runtime. */
export type Driver = 'unshare' | 'crun' | 'runc';

/** What a driver adds to the set-up of a sandbox. */
export interface Launch extends Pick<Setup, 'enter' | 'launch' | 'judge'> {
  /** Whether the set-up needs the view of the host that outlives a pivot_root(2). */
  readonly pivots: boolean;
  readonly files: readonly SandboxFile[];
}

/** What is to be started. */
export interface Program {
  /** Program and arguments; a path of the sandbox. */
  readonly command: readonly string[];
  readonly env: Environment;
}

/** How a driver starts a program. @param work the directory of the run */
export function launchBy(driver: Driver, program: Program, work: string): Launch {
  switch (driver) {
    case 'unshare':
      return { pivots: true, files: [], enter: PIVOT, launch: chrootInto(program), judge: '' };
    case 'crun':
      return {
        ...ociRuntime(program, work, 'crun --cgroup-manager=disabled'),
        // crun looks at cgroups even where it is to leave them alone, and refuses some (hybrid ones).
        enter: 'mount -t tmpfs tmpfs /sys/fs/cgroup',
      };
    case 'runc':
      return {
        ...ociRuntime(program, work, 'runc --rootless=true'),
        // runc looks for its processes in /proc, and makes no cgroup where it cannot.
        enter: `mount -t proc proc /proc
for group in /sys/fs/cgroup /sys/fs/cgroup/*; do
  if mountpoint --quiet "$group"; then mount --options remount,bind,ro "$group"; fi
done`,
      };
  }
}

/**
 * Makes the sandbox's root the root of its mount namespace, and goes there. The host's is put on top of /run, and taken off again:
 * nothing of the host is left then.
 */
const PIVOT = `resolve /run
cd "$root"
nsenter --mount=/proc/self/ns/mnt pivot_root "$work/host$root" "$work/host$root$inside"
umount --no-canonicalize --no-mtab --lazy ".$inside"
chroot=$(command -v chroot)`;

function chrootInto({ command, env }: Program): string {
  const { exported, envArguments } = shellEnvironment(env);
  const bounding = ['-all', ...CAPABILITIES.map((name) => `+${name}`)].join(',');
  return [
    'unset LC_ALL LIBMOUNT_FORCE_MOUNT2',
    ...exported.map(([name, value]) => `export ${name}=${quote(value)}`),
    `exec setpriv --clear-groups ${commandLine([`--bounding-set=${bounding}`])} env ${commandLine(envArguments)} "$chroot" . ${commandLine(command)}`,
  ].join('\n');
}

function ociRuntime(program: Program, work: string, runtime: string): Omit<Launch, 'enter'> {
  const options = ['--root "$work/memory/runtime"', '--log "$work/memory/log"'];
  const runOptions = ['--pid-file "$work/memory/started"', '--bundle "$work/memory"'];
  return {
    pivots: false,
    files: [{ name: 'config.json', content: JSON.stringify(runtimeConfig(program, work)), mode: 'secret' }],
    launch: ['exec', runtime, ...options, 'run', ...runOptions, 'sandbox'].join(' '),
    // Its exit status may be its own: then it did not get as far as starting anything.
    judge: '[ -e "$work/memory/started" ] || fail "$(cat "$work/memory/log")"',
  };
}

/**
 * The runtime-spec config of a container in namespaces and mounts that are made already. It has a process namespace of its own
 * all the same, and so a /proc: without one, runtimes wait for whatever a script leaves running.
 */
function runtimeConfig({ command, env }: Program, work: string): unknown {
  const capabilities = CAPABILITIES.map((name) => `CAP_${name.toUpperCase()}`);
  return {
    ociVersion: '1.0.0',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0, umask: 0o022 },
      args: command,
      env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: false,
    },
    root: { path: `${work}/${WORK.root}` },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'nodev', 'noexec'] },
      // Runtimes make devices where /dev is not one of these.
      { destination: '/dev', type: 'bind', source: `${work}/${WORK.dev}`, options: ['rbind'] },
    ],
    linux: {
      namespaces: [{ type: 'mount' }, { type: 'pid' }],
      readonlyPaths: READONLY_PATHS,
      maskedPaths: MASKED_PATHS,
    },
  };
}
