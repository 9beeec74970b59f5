import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { canonicalJson } from '../core';
import { digestOf, hexOf } from '../oci';
import { overlayTar, type Entry } from '../pack';
import type { Store } from '../store';
import type { KnownDelta } from './delta';
import { materialize, type Namespace } from './sandbox';

/** Another number forgets all unpacked deltas: the form in which they are unpacked has changed. */
const ROOTFS_VERSION = 1;

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
   * @throws StackError STACK4010, STACK7001, STACK7002
   */
  public async directoryOf(delta: KnownDelta, signal?: AbortSignal): Promise<string> {
    const { contentKey } = delta;
    const key = digestOf(canonicalJson({ contentKey, version: ROOTFS_VERSION, xattr: this.namespace.opaqueXattr }));
    const directory = path.join(await this.store.stateDirectory('rootfs'), hexOf(key));
    await this.store.exclusively(directory, async () => {
      if (existsSync(directory)) return;
      const entries = (await delta.tree()).filter((entry) => this.canHold(entry));
      await materialize(this.namespace, overlayTar(entries, this.namespace.opaqueXattr), directory, { signal });
    });
    return directory;
  }

  /** Device nodes cannot be made by ordinary users; a sandbox has its own /dev. */
  private canHold({ type }: Entry): boolean {
    return this.namespace.canMakeDevices || (type !== 'char' && type !== 'block');
  }
}
