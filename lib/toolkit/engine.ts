import type { ConfigField, ConflictReport, ProvidedPaths } from '../stack';
import type * as conflictsImplementation from './conflicts';
import type { CopyOptions } from './copy';
import type * as copyImplementation from './copy';
import type { DeployOptions, DeployResult } from './deploy';
import type * as implementation from './deploy';
import type { ExplainOptions, ExplainResult } from './explain';
import type * as explainImplementation from './explain';
import type { GcOptions, GcResult } from './gc';
import type * as gcImplementation from './gc';
import type { ImageOptions } from './parts';
import type { PlacedImage } from './place-image';
import type { PulledReference, PullOptions } from './pull';
import type * as pullImplementation from './pull';
import type { ShellOptions } from './shell';
import type * as shellImplementation from './shell';
import type { RebaseOptions, SwapOptions } from './swap';
import type * as swapImplementation from './swap';
import type { UpdatedEntry, UpdateOptions } from './update';
import type * as updateImplementation from './update';

/* eslint-disable @typescript-eslint/no-require-imports -- a static import would be paid by every verb */

/**
 * Loads what builds and publishes, which is most of the program: verbs without need of it do without, and a deploy loads it
 * while the app runs.
 */
export function loadEngine(): typeof implementation {
  return require('./deploy') as typeof implementation;
}

/** See `deploy` in ./deploy. */
export function deploy(options: DeployOptions): Promise<DeployResult> {
  return loadEngine().deploy(options);
}

/** See `conflicts` in ./conflicts. */
export function conflicts(options: ImageOptions): Promise<ConflictReport> {
  return (require('./conflicts') as typeof conflictsImplementation).conflicts(options);
}

/** See `explain` in ./explain. */
export function explain(options: ExplainOptions): Promise<ExplainResult> {
  return loadExplain().explain(options);
}

/** See `explainTree` in ./explain. */
export function explainTree(options: ExplainOptions): Promise<ProvidedPaths> {
  return loadExplain().explainTree(options);
}

/** See `explainConfiguration` in ./explain. */
export function explainConfiguration(options: ImageOptions): Promise<readonly ConfigField[]> {
  return loadExplain().explainConfiguration(options);
}

function loadExplain(): typeof explainImplementation {
  return require('./explain') as typeof explainImplementation;
}

/** See `gc` in ./gc. */
export function gc(options: GcOptions): Promise<GcResult> {
  return (require('./gc') as typeof gcImplementation).gc(options);
}

/** See `shell` in ./shell. */
export function shell(options: ShellOptions): Promise<number> {
  return (require('./shell') as typeof shellImplementation).shell(options);
}

/** See `update` in ./update. */
export function update(options: UpdateOptions): Promise<readonly UpdatedEntry[]> {
  return (require('./update') as typeof updateImplementation).update(options);
}

/** See `copy` in ./copy. */
export function copy(options: CopyOptions): Promise<PlacedImage> {
  return (require('./copy') as typeof copyImplementation).copy(options);
}

/** See `pull` in ./pull. */
export function pull(options: PullOptions): Promise<readonly PulledReference[]> {
  return (require('./pull') as typeof pullImplementation).pull(options);
}

/** See `swap` in ./swap. */
export function swap(options: SwapOptions): Promise<PlacedImage> {
  return loadSwap().swap(options);
}

/** See `rebase` in ./swap. */
export function rebase(options: RebaseOptions): Promise<PlacedImage> {
  return loadSwap().rebase(options);
}

function loadSwap(): typeof swapImplementation {
  return require('./swap') as typeof swapImplementation;
}
