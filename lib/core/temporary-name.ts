import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { errnoOf } from './errors';
import { livenessOf, ownIdentity, type ProcessIdentity } from './process-identity';

/** Milliseconds after which something counts as left over where its owner, on another machine, cannot be asked. */
const DAY = 24 * 60 * 60 * 1000;

/** `PID-STARTED-MACHINE-RANDOM`. */
const NAME = /(?:^|\.)(\d+)-(\d+)-([0-9a-f]{8})-[0-9a-f]+$/;

/** A unique name that tells which process it is of: what a killed one left can be told from what is in use. */
export function temporaryName(): string {
  const { pid, started, machine } = ownIdentity();
  return [String(pid), started, machine, randomBytes(6).toString('hex')].join('-');
}

/** The process whose temporary name this is, or ends with behind a dot. */
export function ownerOfTemporary(name: string): ProcessIdentity | undefined {
  const [, pid, started, machine] = NAME.exec(name) ?? [];
  if (pid === undefined || started === undefined || machine === undefined) return undefined;
  return { pid: Number(pid), started, machine };
}

/** Whether nothing works with a temporary file or directory any more; on other machines only its age tells. */
export function isLeftOver(file: string, owner: ProcessIdentity | undefined): boolean {
  const liveness = owner === undefined ? 'elsewhere' : livenessOf(owner);
  if (liveness !== 'elsewhere') return liveness === 'dead';
  try {
    return Date.now() - statSync(file).mtimeMs > DAY;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false; // its owner has just removed it
    throw error;
  }
}
