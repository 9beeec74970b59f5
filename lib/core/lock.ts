import { promises as fs } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, StackError } from './errors';
import { isAlive, ownIdentity } from './process-identity';

const POLL_MILLISECONDS = 50;

/**
 * Runs work while holding a lock file. A lock whose owner is dead is taken over at once; one of another host is waited for.
 * @param file the lock file; removed afterwards
 * @param what names what is locked, for messages
 * @param patience milliseconds to wait for another owner; default 60,000
 * @throws StackError STACK6006 when it stays locked
 */
export async function withLock<T>(file: string, what: string, work: () => Promise<T>, patience = 60_000): Promise<T> {
  const { pid, started } = ownIdentity();
  const mine = JSON.stringify({ pid, started, host: os.hostname() });
  const deadline = Date.now() + patience;
  while (!(await tryLock(file, mine))) {
    const owner = await ownerOf(file);
    if (owner === undefined) continue; // just released
    if (owner.host === os.hostname() && !isAlive(owner)) {
      await takeAway(file, owner.text);
      continue;
    }
    if (Date.now() > deadline) {
      throw new StackError('STACK6006', `${what} is locked by process ${String(owner.pid)} on ${owner.host}`, {
        hint: `wait for it to end, or remove '${file}' if it is gone`,
      });
    }
    await sleep(POLL_MILLISECONDS);
  }
  try {
    return await work();
  } finally {
    await fs.rm(file, { force: true });
  }
}

/** Links a complete file into place, so that no one ever sees an empty lock. */
async function tryLock(file: string, content: string): Promise<boolean> {
  const candidate = path.join(
    path.dirname(file),
    `.${path.basename(file)}.${String(process.pid)}-${process.hrtime.bigint().toString(36)}`,
  );
  await fs.writeFile(candidate, content, { flag: 'wx' });
  try {
    await fs.link(candidate, file);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await fs.rm(candidate, { force: true });
  }
}

interface Owner {
  readonly pid: number;
  readonly started: string;
  readonly host: string;
  readonly text: string;
}

async function ownerOf(file: string): Promise<Owner | undefined> {
  let text: string;
  try {
    text = await fs.readFile(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { pid, started, host } = JSON.parse(text) as Partial<Owner>;
    return { pid: pid ?? 0, started: started ?? '', host: host ?? os.hostname(), text };
  } catch {
    return { pid: 0, started: '', host: os.hostname(), text }; // not a lock of ours: nobody alive owns it
  }
}

/** Removes a dead owner's lock, unless another process did and locked again in between. */
async function takeAway(file: string, text: string): Promise<void> {
  const grave = `${file}.${String(process.pid)}-${process.hrtime.bigint().toString(36)}`;
  try {
    await fs.rename(file, grave);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  const buried = await fs.readFile(grave, 'utf8');
  if (buried !== text) await fs.link(grave, file).catch(() => undefined); // a living one's: put it back
  await fs.rm(grave, { force: true });
}
