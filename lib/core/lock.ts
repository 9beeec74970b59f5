import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, promises as fs, rmSync, writeSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorCode } from './codes';
import { errnoOf, StackError } from './errors';
import { livenessOf, ownIdentity, type ProcessIdentity } from './process-identity';

/** How to wait for a lock. */
export interface LockOptions {
  /** Names what is locked, for messages. */
  readonly what: string;
  /** Of the error when it stays locked; default STACK6006. */
  readonly code?: ErrorCode;
  /** Milliseconds to wait for another owner; default 60,000. */
  readonly patience?: number;
  /** Milliseconds without a sign of life after which an owner on another machine counts as dead; default 30,000. */
  readonly staleAfter?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
  /** Receives the owner, such as `process 12 on host`, once, when there has been one to wait for for a while. */
  readonly onWait?: ((owner: string) => void) | undefined;
}

const PATIENCE = 60_000;
const STALE_AFTER = 30_000;
const POLL = 50;
/** Milliseconds of waiting before it is worth a word. */
const TOLD_AFTER = 500;
/** Milliseconds between two signs of life: the lock file's mtime. */
const HEARTBEAT = 5_000;

/**
 * Runs work while holding a lock file.
 *
 * A lock of a dead process is taken over at once. Whether an owner on another machine or in another container lives cannot be
 * asked; there the lock file's mtime tells, which every owner touches while it works.
 * @param file the lock file; removed afterwards
 * @throws StackError with `code` when it stays locked; the signal's reason when aborted
 */
export async function withLock<T>(file: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const mine = JSON.stringify({ ...ownIdentity(), host: os.hostname(), token: randomBytes(8).toString('hex') });
  await acquire(file, mine, options);
  const heartbeat = setInterval(() => {
    const now = new Date();
    fs.utimes(file, now, now).catch(() => undefined); // a lock that someone took away is not to be kept alive
  }, HEARTBEAT);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    await removeIf(file, mine);
  }
}

async function acquire(file: string, mine: string, options: LockOptions): Promise<void> {
  const { patience = PATIENCE, staleAfter = STALE_AFTER, signal } = options;
  const started = performance.now();
  const deadline = started + patience;
  let { onWait } = options;
  let seen: Owner | undefined;
  let seenAt = 0;
  while (!tryLock(file, mine)) {
    signal?.throwIfAborted();
    const owner = await ownerOf(file);
    if (owner === undefined) continue; // just released
    if (owner.text !== seen?.text || owner.mtime !== seen.mtime) {
      seen = owner;
      seenAt = performance.now();
    }
    const liveness = owner.identity === undefined ? 'elsewhere' : livenessOf(owner.identity);
    if (liveness === 'dead' || (liveness === 'elsewhere' && performance.now() - seenAt >= staleAfter)) {
      await takeAway(file, owner.text, options);
    } else if (performance.now() > deadline) {
      throw lockedError(file, options, owner);
    } else {
      if (performance.now() - started > TOLD_AFTER) {
        onWait?.(ownerText(owner));
        onWait = undefined;
      }
      await sleep(POLL);
    }
  }
}

/** Removes the locks in a directory whose owners are dead, as whoever wanted one of them would. */
export async function removeDeadLocks(directory: string): Promise<void> {
  for (const name of await fs.readdir(directory)) {
    const file = path.join(directory, name);
    const owner = await ownerOf(file);
    const isDead = owner?.identity !== undefined && livenessOf(owner.identity) === 'dead';
    if (isDead) await takeAway(file, owner.text, { what: `'${file}'` });
  }
}

/** In one go, so that others hardly ever see an empty lock, whose owner they cannot tell. */
function tryLock(file: string, content: string): boolean {
  let handle: number;
  try {
    handle = openSync(file, 'wx');
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    writeSync(handle, content);
    return true;
  } catch (error) {
    rmSync(file, { force: true }); // a full disk
    throw error;
  } finally {
    closeSync(handle);
  }
}

interface Owner {
  readonly text: string;
  readonly mtime: number;
  /** Undefined when the file is not one of ours, or not complete. */
  readonly identity: ProcessIdentity | undefined;
  readonly host: string;
}

async function ownerOf(file: string): Promise<Owner | undefined> {
  try {
    const { mtimeMs: mtime } = await fs.stat(file);
    return { mtime, ...parseOwner(await fs.readFile(file, 'utf8')) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function parseOwner(text: string): Omit<Owner, 'mtime'> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { text, identity: undefined, host: 'an unknown host' };
  }
  const { pid, started, machine, host } = (parsed ?? {}) as Readonly<Record<string, unknown>>;
  const isWhole = typeof pid === 'number' && typeof started === 'string' && typeof machine === 'string';
  return {
    text,
    identity: isWhole ? { pid, started, machine } : undefined,
    host: typeof host === 'string' ? host : 'an unknown host',
  };
}

/**
 * Removes a dead owner's lock. Several processes may find it dead, and the first to remove it may lock again before the
 * second removes: so whoever wants to remove this very lock takes a lock of its own for that, named after it.
 */
async function takeAway(file: string, text: string, options: LockOptions): Promise<void> {
  const name = createHash('sha256').update(text).digest('hex').slice(0, 8);
  await withLock(`${file}.${name}`, options, () => removeIf(file, text));
}

async function removeIf(file: string, text: string): Promise<void> {
  if ((await ownerOf(file))?.text === text) await fs.rm(file, { force: true });
}

function ownerText({ identity, host }: Owner): string {
  return identity === undefined ? 'an unknown process' : `process ${String(identity.pid)} on ${host}`;
}

function lockedError(file: string, { what, code = 'STACK6006' }: LockOptions, owner: Owner): StackError {
  return new StackError(code, `${what} is locked by ${ownerText(owner)}`, {
    hint: `wait for it to end, or remove '${file}' if it is gone`,
  });
}
