import { createHash, type Hash } from 'node:crypto';
import { createReadStream, promises as fs, type BigIntStats } from 'node:fs';
import * as path from 'node:path';
import { canonicalJson, messageOf, nameToBytes, StackError } from '../core';
import { digestOf } from '../oci';
import { decompressAny, identityOf, resolveInView, sameIdentity } from '../pack';
import { nameOfUrl, shownUrl, type FileRef } from '../plan';
import type { BuildContext } from './context';
import type { Delta, KnownDelta } from './delta';
import type { UrlSource } from './download';
import { viewOf } from './file-view';
import { hashEntry, readEntry } from './entry-content';
import { hashFile } from './host-files';
import { requireSha256 } from './sha256';
import { findSnapshot, takeSnapshot, type Snapshot } from './snapshots';

const READ_SIZE = 1024 * 1024;
/** Records of which content a tar inside of an image has. */
const TARS = 'tars-in-images';

/**
 * A root filesystem tar of the user's as one delta, read once per content.
 * @throws StackError STACK3001 for another sha256, STACK3002, STACK3003, STACK4001 to STACK4006
 */
export async function openTarFile(context: BuildContext, file: string, sha256: string | undefined): Promise<Delta> {
  const absolute = path.resolve(context.directory, file);
  const name = `'${file}'`;
  const identity = identityOf(await statFile(absolute, name));
  let actual = context.hostFiles.recall(absolute, identity);
  const requireUnchanged = async (): Promise<void> => {
    if (sameIdentity(identity, identityOf(await statFile(absolute, name)))) return;
    throw new StackError('STACK3002', `${name} changed while it was being read`, {
      hint: 'deploy again when nothing writes to it',
    });
  };
  if (actual === undefined && context.hostFiles.wasRead(absolute)) {
    actual = await hashFile(absolute);
    await requireUnchanged();
    context.hostFiles.learn(absolute, identity, actual);
  }
  if (actual !== undefined) requireSha256(name, sha256, actual);
  let snapshot = actual === undefined ? undefined : await findSnapshot(context.store, tarKey(actual));
  if (snapshot === undefined) {
    const hash = createHash('sha256');
    const read = async function* (): AsyncGenerator<Buffer> {
      yield* decompressAny(hashed(readFile(absolute, context.signal), hash), name);
      actual = hash.digest('hex');
      requireSha256(name, sha256, actual);
      await requireUnchanged();
      context.hostFiles.learn(absolute, identity, actual);
    };
    snapshot = await takeSnapshot(context.store, () => tarKey(actual ?? ''), read(), { name, layer: false });
  }
  return deltaOfTar(snapshot, file);
}

/**
 * A root filesystem tar that is a file in another image. That image is not looked into when it is known what it has there.
 * @param deltas what the other image consists of
 * @throws StackError STACK3001 for another sha256, STACK3004 when there is no such file, STACK4001 to STACK4006
 */
export async function openTarInImage(
  context: BuildContext,
  { image, path: file }: Extract<FileRef, { type: 'image-file' }>,
  deltas: readonly KnownDelta[],
  sha256: string | undefined,
): Promise<Delta> {
  const { store } = context;
  const name = `'${file}' of '${image}'`;
  const place = digestOf(canonicalJson({ file, deltas: deltas.map(({ contentKey }) => contentKey) }));
  const known = await store.readRecord(TARS, place);
  if (typeof known === 'string') {
    requireSha256(name, sha256, known);
    const snapshot = await findSnapshot(store, tarKey(known));
    if (snapshot !== undefined) return deltaOfTar(snapshot, file);
  }
  const view = await viewOf(deltas, context.epoch);
  const found = view.get(resolveInView(view, file));
  const entry = found?.type === 'hardlink' ? view.get(found.target) : found;
  if (entry?.type !== 'file') throw new StackError('STACK3004', `'${file}' is not a file in '${image}'`);
  const actual = await hashEntry(entry);
  requireSha256(name, sha256, actual);
  const snapshot =
    (await findSnapshot(store, tarKey(actual))) ??
    (await takeSnapshot(store, () => tarKey(actual), decompressAny(readEntry(entry), name), { name, layer: false }));
  await store.writeRecord(TARS, place, actual);
  return deltaOfTar(snapshot, file);
}

/**
 * A root filesystem tar that is downloaded, unless what it holds is here already.
 * @param image construct path of the image, for events
 * @throws StackError as `Downloads.provide`, STACK4001 to STACK4006
 */
export async function openTarAtUrl(context: BuildContext, image: string, source: UrlSource): Promise<Delta> {
  const { store, downloads, signal } = context;
  const name = `'${shownUrl(source.url)}'`;
  const file = nameOfUrl(source.url) ?? shownUrl(source.url);
  const known = downloads.expectedSha256(source);
  const found = known === undefined ? undefined : await findSnapshot(store, tarKey(known));
  if (found !== undefined) return deltaOfTar(found, file);
  const { sha256, file: blob } = await downloads.provide(image, source);
  const snapshot =
    (await findSnapshot(store, tarKey(sha256))) ??
    (await takeSnapshot(store, () => tarKey(sha256), decompressAny(readFile(blob, signal), name), {
      name,
      layer: false,
    }));
  return deltaOfTar(snapshot, file);
}

function deltaOfTar(snapshot: Snapshot, file: string): Delta {
  return {
    contentKey: snapshot.diffId,
    createdBy: `root filesystem from ${path.posix.basename(file)}`,
    tree: snapshot.tree,
  };
}

function tarKey(sha256: string): string {
  return digestOf(`root filesystem tar ${sha256}`);
}

async function statFile(file: string, name: string): Promise<BigIntStats> {
  let stat: BigIntStats;
  try {
    stat = await fs.stat(nameToBytes(file), { bigint: true });
  } catch (error) {
    throw new StackError('STACK3003', `cannot read ${name}: ${messageOf(error)}`, { cause: error });
  }
  if (!stat.isFile()) throw new StackError('STACK3003', `${name} is not a file`);
  return stat;
}

async function* readFile(file: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(nameToBytes(file), {
    highWaterMark: READ_SIZE,
  }) as AsyncIterable<Buffer>) {
    signal?.throwIfAborted();
    yield chunk;
  }
}

async function* hashed(source: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
}
