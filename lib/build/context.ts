import type { Listener, Semaphore } from '../core';
import type { LockFile, Plan } from '../plan';
import type { Registry } from '../registry';
import type { Store } from '../store';
import type { DebianSource } from './debian';
import type { Downloads } from './download';
import type { HostFiles } from './host-files';
import type { LayoutImages } from './layout-images';
import type { RegistryImages } from './registry-images';
import type { Sandbox } from './sandbox-choice';

/** Stands for "now" in everything built when nobody says otherwise: 1980-01-01T00:00:00Z, the first instant zip can hold. */
export const DEFAULT_EPOCH = 315_532_800;

/** What all parts of one build share. */
export interface BuildContext {
  readonly plan: Plan;
  /** The app's directory, absolute: where relative paths of the plan start. */
  readonly directory: string;
  /** Files and directories, absolute, that are never part of an import, since the build itself writes to them. */
  readonly outputs: readonly string[];
  readonly store: Store;
  readonly lockFile: LockFile;
  readonly hostFiles: HostFiles;
  readonly debian: DebianSource;
  readonly downloads: Downloads;
  /** The client of registries, made when it is first needed. */
  readonly registry: () => Registry;
  readonly layoutImages: LayoutImages;
  readonly registryImages: RegistryImages;
  /** Found out when the first script is to be run: images without one need none. */
  readonly sandbox: () => Promise<Sandbox>;
  /** The terminal of the user, who wants a shell in it where a script failed. */
  readonly terminal?: Semaphore | undefined;
  /** Whether an image is to be built as if nothing of it were in the store. */
  readonly isFresh: (image: string) => boolean;
  /** Seconds since 1970. */
  readonly epoch: number;
  readonly listener: Listener;
  readonly signal?: AbortSignal | undefined;
}
