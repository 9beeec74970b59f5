import { accessSync, constants, readFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { errnoOf } from '../../core';
import { toolPath } from './process';

/** What decides whether this process can be root of a namespace. */
export interface HostFacts {
  readonly platform: string;
  readonly uid: number;
  /** Undefined when the user has no name. */
  readonly user: string | undefined;
  /** Whether this is not a user namespace already, such as that of a rootless container. */
  readonly isInitialNamespace: boolean;
  /** Whether this process has CAP_SYS_ADMIN. */
  readonly mayMount: boolean;
  /** Which of newuidmap and newgidmap are not installed. */
  readonly missingTools: readonly string[];
  /** Texts of /etc/subuid and /etc/subgid; empty where there is no such file. */
  readonly subuid: string;
  readonly subgid: string;
  /** Kernel settings that restrict user namespaces, by path below /proc/sys; those that exist. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Settings that forbid user namespaces when they have this value, and one that does not forbid them. */
export const RESTRICTIONS = [
  { setting: 'user/max_user_namespaces', forbids: '0', allows: '15000' },
  { setting: 'kernel/unprivileged_userns_clone', forbids: '0', allows: '1' }, // Debian up to 10, Arch
  { setting: 'kernel/apparmor_restrict_unprivileged_userns', forbids: '1', allows: '0' }, // Ubuntu from 23.10
] as const;

const CAP_SYS_ADMIN = 21n;
/** uid_map(5) of the namespace the system started with: all ids, unchanged. */
const ALL_IDS = '0 0 4294967295';

/** Looks at this machine and this process; runs nothing. */
export function lookAtHost(): HostFacts {
  const uid = process.getuid?.() ?? -1;
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(textOf('/proc/self/status'))?.[1] ?? '0';
  return {
    platform: process.platform,
    uid,
    user: userName(),
    isInitialNamespace: textOf('/proc/self/uid_map').trim().split(/\s+/).join(' ') === ALL_IDS,
    mayMount: ((BigInt(`0x${capabilities}`) >> CAP_SYS_ADMIN) & 1n) === 1n,
    missingTools: ['newuidmap', 'newgidmap'].filter((tool) => findTool(tool) === undefined),
    subuid: textOf('/etc/subuid'),
    subgid: textOf('/etc/subgid'),
    settings: Object.fromEntries(
      RESTRICTIONS.map(({ setting }) => [setting, textOf(`/proc/sys/${setting}`).trim()]).filter(([, value]) => value),
    ) as Record<string, string>,
  };
}

/** Where a tool of the host is; undefined when it is not installed. */
export function findTool(name: string): string | undefined {
  const files = toolPath()
    .split(':')
    .filter((directory) => path.isAbsolute(directory))
    .map((directory) => path.join(directory, name));
  return files.find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Its text, or nothing where this system has no such file. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return '';
  }
}

function userName(): string | undefined {
  try {
    return os.userInfo().username;
  } catch {
    return undefined; // an id without an entry in passwd, as in many containers
  }
}
