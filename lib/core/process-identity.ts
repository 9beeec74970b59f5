import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import * as os from 'node:os';
import { errnoOf } from './errors';

/** A process, told apart from a later one that got the same pid and from one of another machine or container. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in the kernel's clock ticks since boot behind the boot's own mark, as digits; '0' where the system does not tell. */
  readonly started: string;
  /** Where its pid means something: 8 hex characters that differ between hosts and between containers. */
  readonly machine: string;
}

/** What can be said of a process; `elsewhere` when it is on another machine, or in a container whose pids are not ours. */
export type Liveness = 'alive' | 'dead' | 'elsewhere';

let own: ProcessIdentity | undefined;

/** This process. */
export function ownIdentity(): ProcessIdentity {
  own ??= { pid: process.pid, started: lookUp(process.pid)?.started ?? '0', machine: machine() };
  return own;
}

/** Whether that very process still runs. A zombie does not: in a container without an init it is never reaped. */
export function livenessOf(identity: ProcessIdentity): Liveness {
  if (identity.machine !== ownIdentity().machine) return 'elsewhere';
  if (!Number.isSafeInteger(identity.pid) || identity.pid <= 0 || !answersSignals(identity.pid)) return 'dead';
  const found = lookUp(identity.pid);
  if (found === undefined || identity.started === '0') return 'alive'; // the pid alone has to do
  return found.started === identity.started && !found.ended ? 'alive' : 'dead';
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH'; // EPERM: another user's
  }
}

function lookUp(pid: number): { readonly started: string; readonly ended: boolean } | undefined {
  const stat = readProc(`${String(pid)}/stat`);
  const boot = readProc('sys/kernel/random/boot_id');
  if (stat === undefined || boot === undefined) return undefined;
  // proc(5): field 2, the name, may hold anything; behind it field 3 is the state and field 22 the start time.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ended = fields[0] === 'Z' || fields[0] === 'X';
  return { started: `${String(parseInt(boot.slice(0, 8), 16))}${fields[19] ?? ''}`, ended };
}

function readProc(name: string): string | undefined {
  try {
    return readFileSync(`/proc/${name}`, 'latin1');
  } catch {
    return undefined; // no /proc on this system, or no such process any more
  }
}

/** Pids are numbered per pid namespace (pid_namespaces(7)); a container has its own, and mostly a host name of its own too. */
function machine(): string {
  let namespace = '';
  try {
    namespace = readlinkSync('/proc/self/ns/pid');
  } catch (error) {
    if (errnoOf(error) === undefined) throw error; // otherwise a system without namespaces
  }
  return createHash('sha256').update(`${os.hostname()} ${namespace}`).digest('hex').slice(0, 8);
}
