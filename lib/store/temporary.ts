import { randomBytes } from 'node:crypto';
import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { errnoOf, livenessOf, ownIdentity, type ProcessIdentity } from '../core';

/** Milliseconds after which a directory counts as left over where its owner, on another machine, cannot be asked. */
const DAY = 24 * 60 * 60 * 1000;

/** Makes a directory that is named after this process. */
export async function newTemporaryDirectory(parent: string): Promise<string> {
  const { pid, started, machine } = ownIdentity();
  const directory = path.join(parent, [String(pid), started, machine, randomBytes(6).toString('hex')].join('-'));
  await fs.mkdir(directory, { mode: 0o700 });
  return directory;
}

/** The directories of processes that are no more. */
export async function leftoversIn(parent: string): Promise<readonly string[]> {
  return (await sorted(parent)).leftovers;
}

/** The directories of processes that may still be at work. */
export async function workersIn(parent: string): Promise<readonly string[]> {
  return (await sorted(parent)).workers;
}

async function sorted(parent: string): Promise<{ readonly leftovers: string[]; readonly workers: string[] }> {
  const [leftovers, workers]: [string[], string[]] = [[], []];
  for (const name of await fs.readdir(parent)) {
    const directory = path.join(parent, name);
    ((await isLeftover(directory, ownerOf(name))) ? leftovers : workers).push(directory);
  }
  return { leftovers, workers };
}

function ownerOf(name: string): ProcessIdentity | undefined {
  const match = /^(\d+)-(\d+)-([0-9a-f]{8})-/.exec(name);
  const [, pid, started, machine] = match ?? [];
  if (pid === undefined || started === undefined || machine === undefined) return undefined;
  return { pid: Number(pid), started, machine };
}

async function isLeftover(directory: string, owner: ProcessIdentity | undefined): Promise<boolean> {
  const liveness = owner === undefined ? 'elsewhere' : livenessOf(owner);
  if (liveness !== 'elsewhere') return liveness === 'dead';
  try {
    return Date.now() - (await fs.stat(directory)).mtimeMs > DAY;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false; // its owner has just removed it
    throw error;
  }
}
