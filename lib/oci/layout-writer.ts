import { constants, promises as fs, statSync } from 'node:fs';
import * as path from 'node:path';
import {
  canonicalJson,
  errnoOf,
  forEachParallel,
  makeDirectories,
  messageOf,
  replaceFile,
  StackError,
  syncDirectory,
  syncFile,
  TEMPORARY_FILE,
  withLock,
  writeFailure,
  writeFileAtomic,
} from '../core';
import { hexOf, isDigest } from './digest';
import { MAX_DOCUMENT } from './documents';
import { blobPathIn, LAYOUT_FILE, OciLayout, refNameOf } from './layout';
import { changedNames, withImages, type LayoutBlob, type LayoutImage } from './layout-index';
import { reachableBlobs } from './layout-reach';
import { MEDIA_TYPE } from './media-types';
import type { Descriptor, Index } from './types';

/** What was written, or with `dryRun` would be. */
export interface LayoutChanges {
  readonly blobs: readonly Descriptor[];
  /** Names that are new or moved to another digest, with the one they named before. */
  readonly names: ReadonlyMap<string, string | undefined>;
}

/** How a layout is written. */
export interface WriteLayoutOptions {
  readonly dryRun?: boolean;
  /**
   * Makes ready the sources of blobs before they are read, while the layout is locked: another process may have removed some that were
   * there when the work was planned.
   */
  readonly ready?: (blobs: readonly Descriptor[]) => Promise<void>;
  /** Called when a blob has its final name. */
  readonly onBlob?: (descriptor: Descriptor) => void;
  /** Receives the process that is writing to the layout, when it has to be waited for, and what it is using. */
  readonly onWait?: (owner: string, what: string) => void;
  /** Ends the work before the names are replaced; the layout is then as before. */
  readonly signal?: AbortSignal | undefined;
}

const LOCK = '.cdk-stack.lock';
/** Lists the blobs that a write under way adds and replaces, so that what a killed one left can be told from other tools'. */
const PENDING = '.cdk-stack.pending';
/** Names of our own files in a layout. */
const OURS = /^\.cdk-stack\./;
/** Files written at a time: syncing them one by one takes up to forty times as long. */
const PARALLEL = 16;

/**
 * Writes images into an OCI layout (image-spec, image-layout.md), making it if need be. Other images in it stay.
 *
 * Blobs come first, each complete before it has its name; index.json is replaced last. Killed at any point, the layout
 * reads as before, and the next write removes what was left over. Blobs that only replaced images used are removed.
 * @throws StackError STACK6001 when the directory holds something else, STACK6003, STACK7002 when it cannot be written,
 * STACK6006 when it stays locked; the signal's reason when aborted
 */
export async function writeLayout(
  directory: string,
  images: readonly LayoutImage[],
  options: WriteLayoutOptions = {},
): Promise<LayoutChanges> {
  const { dryRun = false, signal } = options;
  try {
    const { index, interrupted } = await currentState(directory);
    const changes = planChanges(directory, index, images);
    const upToDate = changes.blobs.length === 0 && changes.names.size === 0 && !interrupted;
    if (dryRun || upToDate) return changes; // needs no lock and no right to write
    await makeDirectories(path.join(directory, 'blobs', 'sha256'));
    const what = `the OCI layout '${directory}'`;
    const lock = { what, signal, onWait: (owner: string) => options.onWait?.(owner, what) };
    return await withLock(path.join(directory, LOCK), lock, () => writeLocked(directory, images, options));
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw writeFailure('STACK6003', `the OCI layout '${directory}'`, error);
  }
}

async function writeLocked(
  directory: string,
  images: readonly LayoutImage[],
  options: WriteLayoutOptions,
): Promise<LayoutChanges> {
  const { index } = await currentState(directory);
  const changes = planChanges(directory, index, images);
  const replaced = index.manifests.filter((entry) => changes.names.has(refNameOf(entry) ?? ''));
  const doubtful = new Set([
    ...(await readPending(directory)),
    ...(await reachableBlobs(directory, replaced)),
    ...changes.blobs.map(({ digest }) => digest),
  ]);
  await removeTemporaries(directory); // they may be what fills the disk
  await writeFileAtomic(path.join(directory, PENDING), JSON.stringify([...doubtful]));
  try {
    await options.ready?.(changes.blobs);
    await placeBlobs(directory, images, changes, options);
    options.signal?.throwIfAborted();
    if (changes.names.size > 0) await publish(directory, withImages(index, images));
  } catch (error) {
    await sweep(directory, doubtful).catch(() => undefined); // the next write does it
    throw error;
  }
  await sweep(directory, doubtful);
  return changes;
}

async function placeBlobs(
  directory: string,
  images: readonly LayoutImage[],
  changes: LayoutChanges,
  { onBlob, signal }: WriteLayoutOptions,
): Promise<void> {
  const sources = new Map(images.flatMap(({ blobs }) => blobs.map((blob) => [blob.descriptor.digest, blob] as const)));
  await forEachParallel(changes.blobs, PARALLEL, async (descriptor) => {
    signal?.throwIfAborted();
    const source = sources.get(descriptor.digest);
    if (source === undefined) return;
    await placeBlob(directory, source);
    onBlob?.(descriptor);
  });
  await syncDirectory(path.join(directory, 'blobs', 'sha256'));
}

async function publish(directory: string, index: Index): Promise<void> {
  const content = Buffer.from(canonicalJson(index), 'utf8');
  if (content.length > MAX_DOCUMENT) {
    throw new StackError('STACK6003', `the index.json of '${directory}' would be larger than readers accept`, {
      hint: 'publish to several layouts',
    });
  }
  await writeFileAtomic(path.join(directory, LAYOUT_FILE.name), LAYOUT_FILE.content);
  await writeFileAtomic(path.join(directory, 'index.json'), content);
}

/** Removes those of the blobs that no image uses, whether the write succeeded or failed. */
async function sweep(directory: string, doubtful: ReadonlySet<string>): Promise<void> {
  const { index } = await currentState(directory);
  const used = await reachableBlobs(directory, index.manifests);
  for (const digest of doubtful) {
    if (!used.has(digest)) await fs.rm(blobPathIn(directory, digest), { force: true });
  }
  await removeTemporaries(directory);
  await fs.rm(path.join(directory, PENDING), { force: true });
}

function planChanges(directory: string, index: Index, images: readonly LayoutImage[]): LayoutChanges {
  const blobs = new Map<string, Descriptor>();
  for (const { descriptor } of images.flatMap((image) => image.blobs)) {
    if (!blobs.has(descriptor.digest) && !hasBlob(directory, descriptor)) blobs.set(descriptor.digest, descriptor);
  }
  return { blobs: [...blobs.values()], names: changedNames(index, images) };
}

/** What a directory holds, and whether a write of ours was interrupted there, or is under way. */
async function currentState(directory: string): Promise<{ readonly index: Index; readonly interrupted: boolean }> {
  let names: string[];
  try {
    names = await fs.readdir(directory);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') {
      throw new StackError('STACK6003', `cannot read '${directory}': ${messageOf(error)}`, { cause: error });
    }
    names = [];
  }
  const interrupted = names.some((name) => OURS.test(name));
  if (names.includes('index.json')) return { index: await (await OciLayout.open(directory)).index(), interrupted };
  const isExpected = (name: string): boolean =>
    name === 'blobs' || name === LAYOUT_FILE.name || OURS.test(name) || TEMPORARY_FILE.test(name);
  const foreign = names.find((name) => !isExpected(name));
  if (foreign !== undefined) {
    throw new StackError('STACK6001', `'${directory}' is not an OCI layout, and not empty (it has '${foreign}')`, {
      hint: 'name another directory with --to oci:DIR',
    });
  }
  return { index: { schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests: [] }, interrupted };
}

/** Synchronously: for thousands of blobs that takes a tenth of the time. */
function hasBlob(directory: string, descriptor: Descriptor): boolean {
  return statSync(blobPathIn(directory, descriptor.digest), { throwIfNoEntry: false })?.size === descriptor.size;
}

/** Hard-links a blob, or copies it where that is not possible; either way it appears complete. */
async function placeBlob(directory: string, { descriptor, from }: LayoutBlob): Promise<void> {
  const file = blobPathIn(directory, descriptor.digest);
  if (Buffer.isBuffer(from)) {
    await replaceFile(file, from);
    return;
  }
  const temporary = path.join(directory, `${PENDING}.${hexOf(descriptor.digest)}`);
  await fs.rm(temporary, { force: true });
  if (typeof from !== 'string') await receive(from(), temporary);
  else if (!(await linked(from, temporary))) await copy(from, temporary);
  await fs.rename(temporary, file);
}

async function receive(chunks: AsyncIterable<Buffer>, to: string): Promise<void> {
  const handle = await fs.open(to, 'wx', 0o644);
  try {
    await fs.writeFile(handle, chunks);
    await syncFile(handle);
  } finally {
    await handle.close();
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await fs.link(from, to);
    return true;
  } catch (error) {
    const impossible = ['EXDEV', 'EPERM', 'EMLINK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EACCES'];
    if (impossible.includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}

async function copy(from: string, to: string): Promise<void> {
  await fs.copyFile(from, to, constants.COPYFILE_FICLONE);
  const handle = await fs.open(to, 'r'); // a copy of a file that must not be changed cannot be opened for writing
  try {
    await handle.chmod(0o644);
    await syncFile(handle);
  } finally {
    await handle.close();
  }
}

/** Removes temporary files, including those of killed writes; holding the lock means that nobody else's are under way. */
async function removeTemporaries(directory: string): Promise<void> {
  for (const place of [directory, path.join(directory, 'blobs', 'sha256')]) {
    for (const name of await fs.readdir(place)) {
      const isTemporary = OURS.test(name) ? name !== LOCK && name !== PENDING : TEMPORARY_FILE.test(name);
      if (isTemporary) await fs.rm(path.join(place, name), { force: true });
    }
  }
}

async function readPending(directory: string): Promise<string[]> {
  try {
    const digests = JSON.parse(await fs.readFile(path.join(directory, PENDING), 'utf8')) as unknown;
    return Array.isArray(digests) ? digests.filter(isDigest) : [];
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || error instanceof SyntaxError) return [];
    throw error;
  }
}
