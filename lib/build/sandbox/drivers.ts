import { CAPABILITIES } from './capabilities';
import { shellEnvironment, type Environment } from './environment';
import { commandLine, quote } from './shell-text';
import type { SandboxFile } from './setup-script';

/** What starts a script once its file system is mounted: util-linux, or an OCI runtime. */
export type Driver = 'unshare' | 'crun' | 'runc';

/** What a driver adds to the set-up of a sandbox. */
export interface Launch {
  /** Whether the set-up needs the view of the host that outlives a pivot_root(2). */
  readonly pivots: boolean;
  readonly files: readonly SandboxFile[];
  /** See {@link Setup} for these. */
  readonly enter: string;
  readonly launch: string;
}

/** What is to be started. */
export interface Program {
  /** Program and arguments; a path of the sandbox. */
  readonly command: readonly string[];
  readonly env: Environment;
}

/** How a driver starts a program. @param tmpfs the sandbox's own, on the host */
export function launchBy(driver: Driver, program: Program, tmpfs: string): Launch {
  switch (driver) {
    case 'unshare':
      return { pivots: true, files: [], enter: PIVOT, launch: chrootInto(program) };
    case 'crun':
      return {
        ...ociRuntime(program, tmpfs, 'crun --cgroup-manager=disabled'),
        // crun looks at cgroups even where it is to leave them alone, and refuses some (hybrid ones).
        enter: 'mount -t tmpfs tmpfs /sys/fs/cgroup',
      };
    case 'runc':
      return {
        ...ociRuntime(program, tmpfs, 'runc --rootless=true'),
        // runc looks for its processes in /proc, and makes no cgroup where it cannot.
        enter: `mount -t proc proc /proc
for group in /sys/fs/cgroup /sys/fs/cgroup/*; do
  if mountpoint --quiet "$group"; then mount --options remount,bind,ro "$group"; fi
done`,
      };
  }
}

/** Makes the sandbox's root the root of its mount namespace, so that nothing of the host is left in it, and goes there. */
const PIVOT = `resolve /run
mkdir "$where/run/.host"
cd "$where/root"
nsenter --mount=/proc/self/ns/mnt pivot_root "$where/host$where/root" "$where/host$where/root$inside/.host"
umount --no-canonicalize --no-mtab --lazy ".$inside/.host"
rmdir ".$inside/.host"
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

function ociRuntime(program: Program, tmpfs: string, runtime: string): Omit<Launch, 'enter'> {
  return {
    pivots: false,
    files: [{ name: 'bundle/config.json', mode: '600', content: JSON.stringify(runtimeConfig(program, tmpfs)) }],
    launch: `${runtime} --root "$where/runtime" --log "$where/log" run --bundle "$where/bundle" sandbox`,
  };
}

/** The runtime-spec config of a container whose namespaces, but for that of mounts, and whose mounts are all made already. */
function runtimeConfig({ command, env }: Program, tmpfs: string): unknown {
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
    root: { path: `${tmpfs}/root` },
    // Runtimes make devices where /dev is not one of these.
    mounts: [{ destination: '/dev', type: 'bind', source: `${tmpfs}/dev`, options: ['rbind'] }],
    linux: { namespaces: [{ type: 'mount' }] },
  };
}
