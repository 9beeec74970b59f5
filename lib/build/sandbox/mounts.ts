import { StackError } from '../../core';
import { escapeField, bindSteps, type MountPoint } from './mount-table';

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
  /** The sandbox's own tmpfs, where its `dev`, `run` and `stack` are. */
  readonly tmpfs: string;
  readonly isInitialNamespace: boolean;
  /** Whether the host has a path. */
  readonly exists: (path: string) => boolean;
}

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
/** Root could change the machine by these (runtime-spec config-linux.md, "Readonly Paths"; the list of Docker and runc). */
const READONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
/** And read by these what is not its own ("Masked Paths"). */
const MASKED = ['/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list'];
/** Not to be mounted over: the sandbox is what is there. */
const RESERVED = ['/', '/dev', '/proc', '/sys', '/run', '/stack'];
const RESERVED_TREES = /^\/(dev|proc|sys)\//;

/** The devices of the sandbox, to be mounted in its own `dev`: names and lines of fstab. */
export function deviceMounts(facts: MountFacts): readonly { readonly name: string; readonly line: string }[] {
  const place = escapeField(`${facts.tmpfs}/dev`);
  return DEVICES.filter((name) => facts.exists(`/dev/${name}`)).map((name) => ({
    name,
    line: `/dev/${name} ${place}/${name} none bind 0 0`,
  }));
}

/** What every sandbox has mounted. */
export function standardMounts(facts: MountFacts): readonly MountLine[] {
  const { tmpfs, isInitialNamespace, exists } = facts;
  const own = (name: string): string => escapeField(`${tmpfs}/${name}`);
  const directory = (target: string, source: string, type: string, options: string): MountLine => {
    return { target, kind: 'directory', source, type, options };
  };
  const file = (target: string, source: string, options: string): MountLine => {
    return { target, kind: 'file', source, type: 'none', options };
  };
  return [
    directory('/dev', own('dev'), 'none', 'rbind'),
    directory('/run', own('run'), 'none', 'bind'),
    directory('/stack', own('stack'), 'none', 'bind,ro'),
    directory('/proc', 'proc', 'proc', 'nosuid,nodev,noexec'),
    // A new sysfs takes a network namespace of one's own.
    isInitialNamespace
      ? directory('/sys', 'sysfs', 'sysfs', 'ro,nosuid,nodev,noexec')
      : directory('/sys', '/sys', 'none', 'rbind'),
    // Outside the initial namespace, root's ids do not own these.
    ...(isInitialNamespace
      ? READONLY.filter(exists).map((target) => file(target, '', 'bind,ro,nosuid,nodev,noexec'))
      : []),
    ...(isInitialNamespace ? MASKED.filter(exists).map((target) => file(target, '/dev/null', 'bind')) : []),
  ];
}

/**
 * The mount of something of the host's.
 * @param source absolute, without symbolic links
 * @param isDirectory whether it is one
 * @throws StackError STACK4010 for a target that is the sandbox's own
 */
export function hostMount(
  mount: SandboxMount,
  isDirectory: boolean,
  source: string,
  table: readonly MountPoint[],
): MountLine {
  const [first, ...inner] = bindSteps(source, mount.readonly, table);
  return {
    target: checkTarget(mount.target),
    kind: isDirectory ? 'directory' : 'file',
    source: escapeField(source),
    type: 'none',
    options: first?.options ?? '',
    inner: inner.map(({ below, options }) => ({
      below: escapeField(below),
      source: escapeField(source + below),
      options,
    })),
  };
}

/** The mount of a file on the sandbox's tmpfs. */
export function fileMount(target: string, file: string, options: 'bind' | 'bind,ro'): MountLine {
  return { target: checkTarget(target), kind: 'file', source: escapeField(file), type: 'none', options };
}

function checkTarget(target: string): string {
  const normal = /^(\/[^/]+)+$/.test(target) && !target.split('/').some((name) => name === '.' || name === '..');
  const plain = !/[\u0000-\u001f\u007f]/.test(target);
  if (normal && plain && !RESERVED.includes(target) && !RESERVED_TREES.test(target)) return target;
  throw new StackError('STACK4010', `nothing can be mounted at ${JSON.stringify(target)} of a sandbox`, {
    hint: 'give an absolute path without . and .. that is not one of /dev, /proc, /sys, /run and /stack themselves',
  });
}
