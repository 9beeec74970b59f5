import { escapeField } from './mount-table';
import type { MountLine } from './mounts';
import { LINK, type OverlayOptions } from './overlay';
import { SETUP_FUNCTIONS } from './setup-functions';
import { commandLine, quote } from './shell-text';

/** A file on the sandbox's tmpfs. */
export interface SandboxFile {
  /** Path below the tmpfs; its directory is one of {@link ROOMS}. */
  readonly name: string;
  /** Octal digits. */
  readonly mode: string;
  readonly content: string | Buffer;
}

/** What a sandbox is made of. */
export interface Setup {
  /** The directory of the run; see {@link WORK}. */
  readonly work: string;
  /** Whether there is any lower layer. */
  readonly hasBase: boolean;
  readonly overlay: OverlayOptions;
  readonly files: readonly SandboxFile[];
  readonly devices: readonly { readonly name: string; readonly line: string }[];
  readonly mounts: readonly MountLine[];
  readonly network: 'host' | 'none';
  /** What starts the script; has to exist in the sandbox. */
  readonly interpreter: string;
  /** Commands that prepare for starting the script, once everything is mounted. */
  readonly enter: string;
  /** Commands that become the script, or wait for it; their standard error is the script's. */
  readonly launch: string;
}

/** What is in the directory of a run. */
export const WORK = {
  /** Links to the layers, by their names in {@link LINK}. */
  layers: 'layers',
  /** What overlayfs works in. */
  overlay: 'overlay',
  /** A layer on top of the base that has the mount points the base lacks. */
  points: 'points',
  empty: 'empty',
  /** Where the sandbox's tmpfs is mounted. */
  tmpfs: 'tmpfs',
} as const;

/** Directories of the sandbox's tmpfs that files may be put into. */
const ROOMS = ['root', 'base', 'dev', 'dev/pts', 'run', 'run/lock', 'stack', 'files', 'bundle'];

/** The host name in every sandbox. */
const HOST_NAME = 'stack';

/** File descriptors of the set-up, besides the script's standard ones: what it reports to, what it reads, and the script's errors. */
export const REPORT = 3;
export const PROGRAM = 4;
const ERRORS = 5;

/** How the set-up's last line begins: the script's exit status follows. */
export const STATUS = 'status';
/** What the set-up's last line says when there is no interpreter. */
export const NO_INTERPRETER = 'no interpreter';

/**
 * The script that sets a sandbox up, starts the script in it and reports how that ended.
 * It is read from a pipe, since it holds secrets and the environment.
 */
export function setupScript(setup: Setup): string {
  return [
    'set -eu',
    `exec ${String(PROGRAM)}<&-`,
    SETUP_FUNCTIONS,
    ...directories(setup),
    ...setup.files.map(({ name, mode, content }) => {
      return `put "$where"/${quote(name)} ${mode} ${quote(Buffer.from(content).toString('base64'))}`;
    }),
    ...overlays(setup),
    'mount --all --fstab "$where/fstab"',
    commandLine(['hostname', HOST_NAME]),
    ...(setup.network === 'none' ? ['ip link set lo up'] : []),
    ...start(setup),
  ].join('\n');
}

/**
 * What comes before: the sandbox's tmpfs, and for pivot_root(2) a view of the host that stays when the sandbox gets another root.
 * A process whose root is a bind mount of the host's keeps it; one whose root is the host's own does not.
 */
export function bootScript(work: string, pivots: boolean): string {
  const tmpfs = quote(`${work}/${WORK.tmpfs}`);
  const rest = `eval "$(cat <&${String(PROGRAM)})"`;
  return [
    'set -eu',
    'umask 022',
    `exec ${String(ERRORS)}>&2 2>&${String(REPORT)}`,
    `mount -t tmpfs -o mode=755 tmpfs ${tmpfs}`,
    ...(pivots
      ? [`mkdir ${tmpfs}/host`, `mount --rbind / ${tmpfs}/host`, `exec chroot ${tmpfs}/host sh -c ${quote(rest)}`]
      : [rest]),
  ].join('\n');
}

function directories({ work, hasBase, devices }: Setup): string[] {
  const where = `${work}/${WORK.tmpfs}`;
  return [
    `where=${quote(where)} where_field=${quote(escapeField(where))} points=${quote(`${work}/${WORK.points}`)}`,
    `base=${hasBase ? '$where/base' : quote(`${work}/${WORK.empty}`)}`,
    `cd "$where"`,
    commandLine(['mkdir', ...ROOMS]),
    'mkdir -m 1777 dev/shm',
    'chmod 1777 run/lock',
    'ln -s /proc/self/fd pts/ptmx dev/',
    ...['stdin', 'stdout', 'stderr'].map((name, fd) => `ln -s /proc/self/fd/${String(fd)} dev/${name}`),
    ...devices.map(({ name }) => `: > dev/${name}`),
    `cd ${quote(`${work}/${WORK.layers}`)}`,
  ];
}

function overlays({ hasBase, overlay, devices, mounts }: Setup): string[] {
  const tree = (options: string, place: string): string =>
    `mount --types overlay --options ${quote(options)} overlay "$where/${place}"`;
  return [
    ...(hasBase ? [tree(overlay.base, 'base')] : []),
    '{',
    `printf '%s\\n' ${commandLine(devices.map(({ line }) => line))}`,
    'echo "devpts $where_field/dev/pts devpts newinstance,ptmxmode=0666,mode=0620,gid=5 0 0"',
    ...mounts.flatMap(mountCommands),
    '} > "$where/fstab"',
    'resolve /tmp',
    '[ -e "$base$inside" ] || mkdir -p -m 1777 "$points$inside"',
    // Directories of ours that the base has too must not look different.
    `(cd "$points" && find . -mindepth 1 -type d -exec test -d "$base/{}" ';' -print0) > "$where/shared"`,
    '[ ! -s "$where/shared" ] || adopt "$base" "$points" "$where/shared"',
    // Nor the root directory, as long as nothing was done to it.
    `[ -n "$(ls -A ${LINK.upper}/)" ] || { printf './\\0' > "$where/shared" && adopt "$base" ${LINK.upper} "$where/shared"; }`,
    tree(overlay.root, 'root'),
  ];
}

function mountCommands({ target, kind, source, type, options, inner = [] }: MountLine): string[] {
  return [
    commandLine(['at', target, kind, source, type, options]),
    ...inner.map((mount) => commandLine(['within', mount.below, mount.source, mount.options])),
  ];
}

function start({ interpreter, enter, launch }: Setup): string[] {
  return [
    'base=$where/root',
    `resolve ${quote(interpreter)}`,
    `[ -x "$base$inside" ] || fail ${quote(NO_INTERPRETER)}`,
    enter,
    'status=0',
    '(',
    `exec 2>&${String(ERRORS)} ${String(ERRORS)}>&- ${String(REPORT)}>&-`,
    launch,
    ') || status=$?',
    `echo "${STATUS} $status" >&${String(REPORT)}`,
  ];
}
