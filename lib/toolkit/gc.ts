import { discard } from '../build';
import type { Listener } from '../core';
import { Store, type StoreItem } from '../store';

/** What is to stay in the local store. */
export interface GcOptions {
  /** Bytes that may stay: what was not used for longest goes first. */
  readonly keepStorage?: number;
  /** Seconds for which something must not have been used to go; default without `keepStorage`: two weeks. */
  readonly olderThan?: number;
  /** Remove everything, so that the store's directory can be deleted whoever owns the files in it. */
  readonly all?: boolean;
  /** Tell what would go, and remove nothing. */
  readonly dryRun?: boolean;
  readonly listener?: Listener;
  readonly signal?: AbortSignal;
}

/** What went from the local store, or with `dryRun` would. */
export interface GcResult {
  readonly store: string;
  readonly removed: readonly GcItem[];
  /** Bytes of what killed processes had left; part of `bytesRemoved`. */
  readonly leftoverBytes: number;
  readonly bytesRemoved: number;
  readonly itemsKept: number;
  readonly bytesKept: number;
}

/** Something that is removed by itself. */
export interface GcItem {
  readonly kind: StoreItem['kind'];
  /** Digest of a blob, else its place in the store. */
  readonly name: string;
  readonly bytes: number;
  /** RFC 3339. Uses are noted once an hour. */
  readonly lastUsed: string;
}

const TWO_WEEKS = 14 * 24 * 60 * 60;
/** Milliseconds to wait for those who are at work in the store. */
const PATIENCE = 60_000;

/**
 * Removes from the local store what was not used for long, or longest. Whatever is removed is made again when it is needed.
 * @throws StackError STACK7003 when others stay at work in the store; STACK4010 when unpacked layers of another user's ids
 * are to be removed and there is no sandbox for that: all else is removed then; STACK7001
 */
export async function gc(options: GcOptions): Promise<GcResult> {
  const { keepStorage, all = false, dryRun = false, listener, signal } = options;
  const olderThan = options.olderThan ?? (keepStorage === undefined ? TWO_WEEKS : undefined);
  const policy = {
    keepBytes: keepStorage,
    unusedSince: all ? Infinity : olderThan === undefined ? undefined : Date.now() - olderThan * 1000,
  };
  const store = await Store.open(undefined, {
    onWait: (owner, what) => {
      listener?.({ code: 'waiting', owner, what });
    },
  });
  const { plan, directories } = dryRun
    ? { plan: await store.planCollection(policy), directories: [] }
    : await store.collect(policy, { patience: PATIENCE, signal });
  await discard(directories);
  const bytes = plan.items.reduce((sum, item) => sum + item.bytes, 0);
  return {
    store: store.directory,
    removed: plan.items.map(({ kind, name, bytes: size, lastUse }) => ({
      kind,
      name,
      bytes: size,
      lastUsed: new Date(lastUse).toISOString(),
    })),
    leftoverBytes: plan.leftoverBytes,
    bytesRemoved: bytes + plan.leftoverBytes,
    itemsKept: plan.kept.items,
    bytesKept: plan.kept.bytes,
  };
}
