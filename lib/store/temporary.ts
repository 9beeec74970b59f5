import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { isLeftOver, ownerOfTemporary, temporaryName } from '../core';

/** Makes a directory that is named after this process. */
export async function newTemporaryDirectory(parent: string): Promise<string> {
  const directory = path.join(parent, temporaryName());
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
    (isLeftOver(directory, ownerOfTemporary(name)) ? leftovers : workers).push(directory);
  }
  return { leftovers, workers };
}
