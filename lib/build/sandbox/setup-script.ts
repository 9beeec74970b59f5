import { escapeField } from './mount-table';
import type { DeviceMount, MountLine } from './mounts';
import type { OverlayOptions } from './overlay';
import { SETUP_FUNCTIONS } from './setup-functions';
import { ERRORS, NO_INTERPRETER, PROCESS, PROGRAM, REPORT } from './setup-protocol';
import { commandLine, quote } from './shell-text';
import { WORK } from './work-layout';

/** A file on the sandbox's tmpfs. */
export interface SandboxFile {
  readonly name: string;
  readonly content: string | Buffer;
  /** For everyone to execute, for root to read, or for everyone to read: the default. */
  readonly mode?: 'executable' | 'secret' | undefined;
}

/** What a sandbox is made of. */
export interface Setup {
  /** The directory of the run. */
  readonly work: string;
  readonly overlay: OverlayOptions;
  readonly files: readonly SandboxFile[];
  readonly devices: readonly DeviceMount[];
  readonly mounts: readonly MountLine[];
  readonly network: 'host' | 'none';
  /** What starts the script; has to exist in the sandbox. */
  readonly interpreter: string;
  /** Commands that prepare for starting the script, once everything is mounted. */
  readonly enter: string;
  /** Commands that start the script with {@link ERRORS} as its standard error, wait for it and report how it ended. */
  readonly launch: string;
}

/** The host name in every sandbox. */
const HOST_NAME = 'stack';

/**
 * What process 1 of the sandbox begins with: a tmpfs, and for pivot_root(2) a view of the host that stays when the sandbox gets
 * another root. A process whose root is a bind mount of the host's keeps it; one whose root is the host's own does not.
 */
export function bootScript(work: string, pivots: boolean): string {
  const place = (name: string): string => quote(`${work}/${name}`);
  const rest = `eval "$(cat <&${String(PROGRAM)})"`;
  return [
    'set -eu',
    'umask 022',
    `exec ${String(ERRORS)}>&2 2>&${String(REPORT)}`,
    'read -r process rest < /proc/self/stat',
    `echo "${PROCESS} $process" >&2`,
    `mount -t tmpfs -o mode=755 tmpfs ${place(WORK.memory)}`,
    ...(pivots
      ? [`mount --rbind / ${place(WORK.host)}`, `exec chroot ${place(WORK.host)} sh -c ${quote(rest)}`]
      : [rest]),
  ].join('\n');
}

/**
 * What process 1 goes on with: sets the sandbox up, starts the script in it and reports how that ended.
 * It is read from a pipe, since it holds the secrets and the environment.
 */
export function setupScript(setup: Setup): string {
  const { work, overlay, files, devices, mounts, network } = setup;
  return [
    'set -eu',
    `exec ${String(PROGRAM)}<&-`,
    `work=${quote(work)} work_field=${quote(escapeField(work))}`,
    SETUP_FUNCTIONS,
    ...files.map(fileCommands),
    'cd "$work/layers"',
    commandLine(['stack', overlay.plain]),
    '{',
    ...devices.map(({ line }) => commandLine(['echo', line])),
    ...mounts.flatMap(mountCommands),
    '} > "$work/memory/fstab"',
    `[ -z "$missing" ] || restack ${quote(overlay.withPoints)}`,
    'mount --all --fstab "$work/memory/fstab"',
    commandLine(['hostname', HOST_NAME]),
    ...(network === 'none' ? ['ip link set lo up'] : []),
    ...startCommands(setup),
  ].join('\n');
}

/** With what a shell has built in where that will do: a process for each file would take longer than the rest. */
function fileCommands({ name, content, mode }: SandboxFile): string {
  const file = `"$work/memory/"${quote(name)}`;
  const text = content.toString();
  const isText = !text.includes('\0') && Buffer.from(text).equals(Buffer.from(content));
  const write = isText
    ? `printf %s ${quote(text)} > ${file}`
    : `printf %s ${quote(Buffer.from(content).toString('base64'))} | base64 -d > ${file}`;
  if (mode === 'secret') return `umask 277\n${write}\numask 022`;
  return mode === 'executable' ? `${write}\nchmod 755 ${file}` : write;
}

function mountCommands({ target, kind, source, type, options, inner = [] }: MountLine): string[] {
  return [
    commandLine(['at', target, kind, source, type, options]),
    ...inner.map((mount) => commandLine(['within', mount.below, mount.source, mount.options])),
  ];
}

function startCommands({ interpreter, enter, launch }: Setup): string[] {
  return [`resolve ${quote(interpreter)}`, `[ -x "$root$inside" ] || fail ${quote(NO_INTERPRETER)}`, enter, launch];
}
