import { CAPABILITIES } from './capabilities';
import { shellEnvironment, type Environment } from './environment';
import { MASKED_PATHS, READONLY_PATHS } from './mounts';
import { waiterCommand, type RuntimeCommands, type RuntimeFiles } from './script-waiter';
import { ERRORS, REPORT, STATUS } from './setup-protocol';
import { commandLine, quote } from './shell-text';
import { WORK } from './work-layout';
import type { SandboxFile, Setup } from './setup-script';

/** What starts a script once its file system is mounted: util-linux, or an OCI runtime. */
export type Driver = 'unshare' | 'crun' | 'runc';

/** What a driver adds to the set-up of a sandbox. */
export interface Launch extends Pick<Setup, 'enter' | 'launch'> {
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

/** Name of the container, which no other runtime sees. */
const CONTAINER = 'sandbox';

/** How a driver starts a program. @param work the directory of the run */
export function launchBy(driver: Driver, program: Program, work: string): Launch {
  switch (driver) {
    case 'unshare':
      return { pivots: true, files: [], enter: PIVOT, launch: chrootInto(program) };
    case 'crun':
      return {
        ...ociRuntime(program, work, ['crun', '--cgroup-manager=disabled']),
        // crun looks at cgroups even where it is to leave them alone, and refuses some (hybrid ones).
        enter: `${OWN_PROC}\nmount -t tmpfs tmpfs /sys/fs/cgroup`,
      };
    case 'runc':
      return {
        ...ociRuntime(program, work, ['runc', '--rootless=true']),
        // runc makes no cgroup where it cannot.
        enter: `${OWN_PROC}
for group in /sys/fs/cgroup /sys/fs/cgroup/*; do
  if mountpoint --quiet "$group"; then mount --options remount,bind,ro "$group"; fi
done`,
      };
  }
}

/** Shows the processes of the sandbox by the numbers that they have there: a runtime and what waits for the script look for them. */
const OWN_PROC = 'mount -t proc proc /proc';

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
    'status=0',
    '(',
    `exec 2>&${String(ERRORS)} ${String(ERRORS)}>&- ${String(REPORT)}>&-`,
    'unset LC_ALL LIBMOUNT_FORCE_MOUNT2',
    ...exported.map(([name, value]) => `export ${name}=${quote(value)}`),
    `exec setpriv --clear-groups ${commandLine([`--bounding-set=${bounding}`])} env ${commandLine(envArguments)} "$chroot" . ${commandLine(command)}`,
    ') || status=$?',
    `echo "${STATUS} $status" >&${String(REPORT)}`,
  ].join('\n');
}

function ociRuntime(program: Program, work: string, runtime: readonly string[]): Omit<Launch, 'enter'> {
  const memory = `${work}/${WORK.memory}`;
  const files: RuntimeFiles = { started: `${memory}/started`, log: `${memory}/log` };
  const command = [...runtime, '--root', `${memory}/runtime`, '--log', files.log];
  const commands: RuntimeCommands = {
    create: [...command, 'create', '--pid-file', files.started, '--bundle', memory, CONTAINER],
    start: [...command, 'start', CONTAINER],
  };
  return {
    pivots: false,
    files: [{ name: 'config.json', content: JSON.stringify(runtimeConfig(program, work)), mode: 'secret' }],
    launch: `exec ${waiterCommand(commands, files)}`,
  };
}

/**
 * The runtime-spec config of a container in namespaces and mounts that are made already. In a process namespace of its own the script
 * would be process 1, which the kernel keeps from signals that it does not handle (pid_namespaces(7)).
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
      namespaces: [{ type: 'mount' }],
      readonlyPaths: READONLY_PATHS,
      maskedPaths: MASKED_PATHS,
    },
  };
}
