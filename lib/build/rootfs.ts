import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { canonicalJson } from '../core';
import { digestOf } from '../oci';
import { overlayTar, storedSize, type Entry } from '../pack';
import { TREE, type Store } from '../store';
import type { KnownDelta } from './delta';
import { materialize, removeTree, type Namespace } from './sandbox';

/** Another number forgets all unpacked deltas: the form in which they are unpacked has changed. */
const ROOTFS_VERSION = 3;

/**
 * Deltas as directories that overlayfs can use as lower layers. Each is unpacked once and shared by all images above it;
 * for an ordinary user its files have other ids than for root, so that they are kept apart.
 */
export class Rootfs {
  public constructor(
    private readonly store: Store,
    private readonly namespace: Namespace,
  ) {}

  /**
   * The directory of a delta.
   * @throws StackError STACK4010, STACK7001, STACK7002, STACK7004
   */
  public async directoryOf(delta: KnownDelta, signal?: AbortSignal): Promise<string> {
    const { contentKey } = delta;
    const key = digestOf(canonicalJson({ contentKey, version: ROOTFS_VERSION, xattr: this.namespace.opaqueXattr }));
    return this.store.findOrMake(
      `tree ${key}`,
      {
        find: () => this.store.findTree(key),
        make: () => this.unpack(delta, key, signal),
      },
      signal,
    );
  }

  private async unpack(delta: KnownDelta, key: string, signal: AbortSignal | undefined): Promise<string> {
    const entries = (await delta.tree()).filter((entry) => this.canHold(entry));
    const directory = await this.store.runDirectory();
    try {
      const around = path.join(directory, 'unpacked');
      await fs.mkdir(around, { mode: 0o700 });
      const tar = overlayTar(entries, this.namespace.opaqueXattr);
      await materialize(this.namespace, tar, path.join(around, TREE), { signal });
      return await this.store.adoptTree(key, around, bytesOf(entries));
    } finally {
      await removeTree(this.namespace, directory);
    }
  }

  /** Device nodes cannot be made by ordinary users; a sandbox has its own /dev. */
  private canHold({ type }: Entry): boolean {
    return this.namespace.canMakeDevices || (type !== 'char' && type !== 'block');
  }
}

/** Bytes that unpacked entries take; holes take none. */
function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + (entry.type === 'file' ? storedSize(entry) : 0), 0);
}
