import { StackError } from '../../core';
import { bindSteps, escapeField, type MountPoint } from './mount-table';
import { WORK } from './work-layout';

/** A file or directory of the host that a script sees. */
export interface SandboxMount {
  /** Absolute. A symbolic link is followed, on the host: not for names that come from an image. */
  readonly source: string;
  /** Absolute path in the sandbox. */
  readonly target: string;
  readonly readonly: boolean;
}

/** What a path of the sandbox is mounted from. */
export interface MountLine {
  /** Path in the image, which may lead through its symbolic links. */
  readonly target: string;
  /** What the mount point has to be, where the image has none. */
  readonly kind: 'directory' | 'file';
  /** As in fstab(5), escaped; `''` for the target itself. */
  readonly source: string;
  readonly type: string;
  readonly options: string;
  /** Further mounts inside of it. */
  readonly inner?: readonly { readonly below: string; readonly source: string; readonly options: string }[];
}

/** What the table of mounts depends on. */
export interface MountFacts {
  /** The directory of the run. */
  readonly work: string;
  readonly isInitialNamespace: boolean;
  /** Whether the host has a path. */
  readonly exists: (path: string) => boolean;
  /** What the host has mounted. */
  readonly table: readonly MountPoint[];
}

/** A device of the host's, mounted in the sandbox's own /dev before that is mounted itself. */
export interface DeviceMount {
  /** In /dev. */
  readonly name: string;
  readonly kind: 'directory' | 'file';
  /** For fstab(5). */
  readonly line: string;
}

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
/** Root could change the machine by these (runtime-spec config-linux.md, "Readonly Paths"; the list of Docker and runc). */
export const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
/** And read by these what is not its own ("Masked Paths"). */
export const MASKED_PATHS = ['/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list'];
/** Not to be mounted over: the sandbox is what is there. */
const RESERVED = ['/', '/dev', '/proc', '/sys', '/run', '/stack'];
const RESERVED_TREES = /^\/(dev|proc|sys)\//;

/** What is mounted in the sandbox's own /dev. */
export function deviceMounts({ work, exists }: MountFacts): readonly DeviceMount[] {
  const place = escapeField(`${work}/${WORK.dev}`);
  const nodes = DEVICES.filter((name) => exists(`/dev/${name}`));
  return [
    ...nodes.map((name) => ({ name, kind: 'file' as const, line: `/dev/${name} ${place}/${name} none bind 0 0` })),
    {
      name: 'pts',
      kind: 'directory',
      line: `devpts ${place}/pts devpts newinstance,ptmxmode=0666,mode=0620,gid=5 0 0`,
    },
    { name: 'shm', kind: 'directory', line: `tmpfs ${place}/shm tmpfs mode=1777,nosuid,nodev 0 0` },
  ];
}

/** What every sandbox has mounted. */
export function standardMounts({ work, isInitialNamespace, exists, table }: MountFacts): readonly MountLine[] {
  const own = (name: string): string => escapeField(`${work}/${name}`);
  const directory = (target: string, source: string, type: string, options: string): MountLine => {
    return { target, kind: 'directory', source, type, options };
  };
  const inProc = (target: string, source: string, options: string): MountLine => {
    return { target, kind: 'file', source, type: 'none', options };
  };
  return [
    directory('/dev', own(WORK.dev), 'none', 'rbind'),
    directory('/run', own(WORK.run), 'none', 'bind'),
    directory('/stack', own(WORK.stack), 'none', 'bind,ro'),
    directory('/proc', 'proc', 'proc', 'nosuid,nodev,noexec'),
    ...(isInitialNamespace
      ? [
          directory('/sys', 'sysfs', 'sysfs', 'ro,nosuid,nodev,noexec'),
          ...READONLY_PATHS.filter(exists).map((target) => inProc(target, '', 'bind,ro,nosuid,nodev,noexec')),
          ...MASKED_PATHS.filter(exists).map((target) => inProc(target, '/dev/null', 'bind')),
        ]
      : // A new sysfs takes a network namespace of one's own; and root's ids do not own anything in /proc.
        [bindMount('/sys', { path: '/sys', isDirectory: true }, true, table)]),
  ];
}

/** A path of the host's, without symbolic links. */
export interface HostPath {
  readonly path: string;
  readonly isDirectory: boolean;
}

/**
 * The mount of something of the host's.
 * @param source what the mount's source is in truth
 * @throws StackError STACK4010 for a target that is the sandbox's own
 */
export function hostMount(mount: SandboxMount, source: HostPath, table: readonly MountPoint[]): MountLine {
  return bindMount(checkTarget(mount.target), source, mount.readonly, table);
}

function bindMount(target: string, source: HostPath, readonly: boolean, table: readonly MountPoint[]): MountLine {
  const [first, ...inner] = bindSteps(source.path, readonly, table);
  return {
    target,
    kind: source.isDirectory ? 'directory' : 'file',
    source: escapeField(source.path),
    type: 'none',
    options: first?.options ?? '',
    inner: inner.map(({ below, options }) => ({
      below: escapeField(below),
      source: escapeField(source.path + below),
      options,
    })),
  };
}

/** The mount of a file on the sandbox's tmpfs. */
export function memoryMount(work: string, name: string, target: string, options: 'bind' | 'bind,ro'): MountLine {
  const source = escapeField(`${work}/${WORK.memory}/${name}`);
  return { target: checkTarget(target), kind: 'file', source, type: 'none', options };
}

function checkTarget(target: string): string {
  const normal = /^(\/[^/]+)+$/.test(target) && !target.split('/').some((name) => name === '.' || name === '..');
  const plain = !/[\u0000-\u001f\u007f]/.test(target);
  if (normal && plain && !RESERVED.includes(target) && !RESERVED_TREES.test(target)) return target;
  throw new StackError('STACK4010', `nothing can be mounted at ${JSON.stringify(target)} of a sandbox`, {
    hint: 'give an absolute path without . and .. that is not one of /dev, /proc, /sys, /run and /stack themselves',
  });
}
