import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StackError } from '../core';
import { inventory, measured, type StoreItem } from './inventory';
import { leftoversIn, newTemporaryDirectory, workersIn } from './temporary';

/** What stays in the store. */
export interface CollectPolicy {
  /** Bytes that may stay; what was not used for longest goes first. Default: any number. */
  readonly keepBytes?: number | undefined;
  /** What was last used before goes, milliseconds since 1970. Default: nothing. */
  readonly unusedSince?: number | undefined;
}

/** What goes and what stays. */
export interface CollectPlan {
  readonly items: readonly StoreItem[];
  /** Bytes of what killed processes left. */
  readonly leftoverBytes: number;
  readonly kept: { readonly items: number; readonly bytes: number };
}

/** Work on the store's directory that must not be disturbed by, nor disturb, those who use the store. */
export type WithStoreLock = <T>(work: () => Promise<T>) => Promise<T>;

const POLL = 100;
/** Milliseconds of waiting before it is worth a word. */
const TOLD_AFTER = 500;

/** How to wait for those at work in a store. */
export interface CollectOptions {
  /** Milliseconds. */
  readonly patience: number;
  readonly signal?: AbortSignal | undefined;
  /** Receives who is waited for, once. */
  readonly onWait?: ((owner: string) => void) | undefined;
}

/** Tells what a policy means for a store, and changes nothing. */
export async function planCollection(directory: string, policy: CollectPolicy): Promise<CollectPlan> {
  const all = await inventory(directory);
  let bytes = all.reduce((sum, item) => sum + item.bytes, 0);
  const items: StoreItem[] = [];
  for (const item of all) {
    const isOld = policy.unusedSince !== undefined && item.lastUse < policy.unusedSince;
    const isTooMuch = policy.keepBytes !== undefined && bytes > policy.keepBytes;
    if (!isOld && !isTooMuch) break;
    items.push(item);
    bytes -= item.bytes;
  }
  let leftoverBytes = 0;
  for (const leftover of await leftoversOf(directory)) leftoverBytes += (await measured(leftover)).bytes;
  return { items, leftoverBytes, kept: { items: all.length - items.length, bytes } };
}

/**
 * Takes what a policy does not keep out of the store: each by one rename, while nobody is at work in it, so that to be killed
 * meanwhile does no harm. What is renamed is removed afterwards, or by whoever comes next if we are killed.
 * @returns the directories that are left to remove, which may need another's rights, too
 * @throws StackError STACK7003 when others stay at work
 */
export async function takeOut(
  directory: string,
  policy: CollectPolicy,
  withLock: WithStoreLock,
  { patience, signal, onWait }: CollectOptions,
): Promise<{ readonly plan: CollectPlan; readonly directories: readonly string[] }> {
  const started = performance.now();
  const deadline = started + patience;
  let tell = onWait;
  for (;;) {
    const done = await withLock(async () => {
      const worker =
        (await workersIn(path.join(directory, 'tmp')))[0] ?? (await workersIn(path.join(directory, 'runs')))[0];
      if (worker === undefined) return takeOutNow(directory, policy);
      if (performance.now() > deadline) throw inUse(worker);
      if (performance.now() - started > TOLD_AFTER) {
        tell?.(ownerText(worker));
        tell = undefined;
      }
      return undefined;
    });
    if (done !== undefined) return done;
    await sleep(POLL, undefined, { signal });
  }
}

async function takeOutNow(
  directory: string,
  policy: CollectPolicy,
): Promise<{ readonly plan: CollectPlan; readonly directories: readonly string[] }> {
  const plan = await planCollection(directory, policy);
  const leftovers = await leftoversOf(directory);
  if (plan.items.length === 0) return { plan, directories: leftovers };
  // Where others look for what is left over, and know that it may need another's rights to remove.
  const out = await newTemporaryDirectory(path.join(directory, 'runs'));
  for (const [position, item] of plan.items.entries()) await fs.rename(item.path, path.join(out, String(position)));
  return { plan, directories: [...leftovers, out] };
}

async function leftoversOf(directory: string): Promise<readonly string[]> {
  return [...(await leftoversIn(path.join(directory, 'tmp'))), ...(await leftoversIn(path.join(directory, 'runs')))];
}

function ownerText(worker: string): string {
  const pid = /^\d+/.exec(path.basename(worker))?.[0];
  return pid === undefined ? 'another process' : `process ${pid}`;
}

function inUse(worker: string): StackError {
  return new StackError('STACK7003', `${ownerText(worker)} is at work in the local store`, {
    hint: `wait for it to end, or remove '${worker}' if it is gone`,
  });
}
