import { createHash, type Hash } from 'node:crypto';
import { createReadStream, promises as fs, type BigIntStats } from 'node:fs';
import * as path from 'node:path';
import { messageOf, StackError } from '../core';
import { digestOf } from '../oci';
import { ContentReader, decompressAny, identityOf, type FileEntry } from '../pack';
import type { BuildContext } from './context';
import type { Delta } from './delta';
import { findSnapshot, takeSnapshot, type Snapshot } from './snapshots';

const READ_SIZE = 1024 * 1024;

/**
 * A root filesystem tar of the user's as one delta, read once per content.
 * @throws StackError STACK3001 for another sha256, STACK3003, STACK4001 to STACK4006
 */
export async function openTarFile(context: BuildContext, file: string, sha256: string | undefined): Promise<Delta> {
  const absolute = path.resolve(context.directory, file);
  const name = `'${file}'`;
  let stat: BigIntStats;
  try {
    stat = await fs.stat(absolute, { bigint: true });
  } catch (error) {
    throw new StackError('STACK3003', `cannot read ${name}: ${messageOf(error)}`, { cause: error });
  }
  const identity = identityOf(stat);
  let actual = context.hostFiles.recall(absolute, identity);
  if (actual !== undefined) requireSha256(name, sha256, actual);
  let snapshot = actual === undefined ? undefined : await findSnapshot(context.store, tarKey(actual));
  if (snapshot === undefined) {
    const hash = createHash('sha256');
    const read = async function* (): AsyncGenerator<Buffer> {
      yield* decompressAny(hashed(createReadStream(absolute, { highWaterMark: READ_SIZE }), hash), name);
      actual = hash.digest('hex');
      requireSha256(name, sha256, actual);
      context.hostFiles.learn(absolute, identity, actual);
    };
    snapshot = await takeSnapshot(context.store, () => tarKey(actual ?? ''), read(), { name, layer: false });
  }
  return deltaOfTar(snapshot, file);
}

/** A root filesystem tar that is a file in another image. */
export async function openTarEntry(
  context: BuildContext,
  entry: FileEntry,
  name: string,
  sha256: string | undefined,
): Promise<Delta> {
  const actual = entry.sha256;
  if (actual === undefined) throw new StackError('STACK9001', `the sha256 of ${name} is not known`);
  requireSha256(name, sha256, actual);
  let snapshot = await findSnapshot(context.store, tarKey(actual));
  if (snapshot === undefined) {
    const reader = new ContentReader();
    try {
      snapshot = await takeSnapshot(
        context.store,
        () => tarKey(actual),
        decompressAny(copies(reader.read(entry)), name),
        { name, layer: false },
      );
    } finally {
      reader.close();
    }
  }
  return deltaOfTar(snapshot, entry.path);
}

function deltaOfTar(snapshot: Snapshot, file: string): Delta {
  return {
    contentKey: snapshot.diffId,
    createdBy: `root filesystem from ${path.posix.basename(file)}`,
    tree: () => snapshot.tree(),
  };
}

function tarKey(sha256: string): string {
  return digestOf(`root filesystem tar ${sha256}`);
}

/** @throws StackError STACK3001 unless a source has the sha256 that was asked for, if one was. */
export function requireSha256(name: string, expected: string | undefined, actual: string): void {
  if (expected === undefined || expected.toLowerCase() === actual) return;
  throw new StackError('STACK3001', `${name} has the sha256 ${actual}, not ${expected.toLowerCase()}`, {
    hint: 'check where it comes from; change the expected sha256 only if the new content is meant',
  });
}

async function* hashed(source: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
}

/** The reader reuses its buffer; a stream keeps what it is given. */
async function* copies(chunks: Iterable<Buffer>): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk));
}
