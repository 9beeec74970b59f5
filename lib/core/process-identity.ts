import { readFileSync } from 'node:fs';

/** A process, told apart from a later one that got the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in the kernel's clock ticks since boot plus the boot's own mark, as digits; '0' where the system does not tell. */
  readonly started: string;
}

let own: ProcessIdentity | undefined;

/** This process. */
export function ownIdentity(): ProcessIdentity {
  own ??= { pid: process.pid, started: startOf(process.pid) ?? '0' };
  return own;
}

/** Whether that very process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (!Number.isSafeInteger(identity.pid) || identity.pid <= 0) return false;
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const started = startOf(identity.pid);
  return started === undefined || identity.started === '0' || started === identity.started;
}

/** Field 22 of /proc/PID/stat (proc(5)) behind the first digits of the boot id, so that a reboot changes it. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    const boot = parseInt(readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8), 16);
    return ticks === undefined ? undefined : `${String(boot)}${ticks}`;
  } catch {
    return undefined; // no /proc on this system: the pid alone has to do
  }
}
