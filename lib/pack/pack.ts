import { createHash } from 'node:crypto';
import { ContentHash } from './content-hash';
import { ContentReader } from './content-reader';
import type { Entry, FileEntry, Tree } from './entry';
import { indexLine } from './path-index';
import type { PackedBlob, Sink } from './sink';

/** What one walk over a tree gave. */
export interface PackResult {
  /** One per sink, in their order. */
  readonly blobs: readonly PackedBlob[];
  /** sha256 over the path index; see `treeDigest`. */
  readonly treeDigest: string;
  /** sha256 by path of the files whose content was hashed on this walk, 64 hex characters each. */
  readonly hashed: ReadonlyMap<string, string>;
}

/** Hooks of a walk. */
export interface PackOptions {
  /** Called with the bytes of content read since the last call; in all they are `contentSize`. */
  readonly onProgress?: (bytes: number) => void;
  /** Gets the path index line by line. */
  readonly onIndexLine?: (line: string) => void;
}

/**
 * Walks a tree once and feeds every sink: each file is opened and read once, hashed while it passes unless its sha256 is known.
 * On failure every sink is aborted; the files they began are for the caller to remove.
 * @throws StackError STACK3002 when a file of the user's changed meanwhile, STACK3003 when one cannot be read
 */
export async function packTree(tree: Tree, sinks: readonly Sink[], options: PackOptions = {}): Promise<PackResult> {
  const reader = new ContentReader();
  const index = createHash('sha256');
  const hashed = new Map<string, string>();
  try {
    for (const entry of tree) {
      for (const sink of sinks) {
        const busy = sink.entry(entry);
        if (busy !== undefined) await busy; // a needless await per entry would cost as much as the entry
      }
      let sha256: string | undefined;
      if (entry.type === 'file') {
        sha256 = await feed(reader, entry, sinks, options);
        if (entry.sha256 === undefined) hashed.set(entry.path, sha256);
      }
      const line = indexLine(entry, sha256);
      index.update(`${line}\n`);
      options.onIndexLine?.(line);
    }
    return { blobs: await finishAll(sinks), treeDigest: `sha256:${index.digest('hex')}`, hashed };
  } catch (error) {
    await Promise.allSettled(sinks.map((sink) => sink.abort()));
    throw error;
  } finally {
    reader.close();
  }
}

/** Reads one file for every sink. @returns its sha256 */
async function feed(
  reader: ContentReader,
  entry: FileEntry,
  sinks: readonly Sink[],
  options: PackOptions,
): Promise<string> {
  const hash = entry.sha256 === undefined ? new ContentHash(entry.size) : undefined;
  for (const chunk of reader.read(entry)) {
    hash?.update(chunk);
    for (const sink of sinks) {
      const busy = sink.data(chunk);
      if (busy !== undefined) await busy;
    }
    options.onProgress?.(chunk.length);
  }
  return entry.sha256 ?? hash?.digest() ?? '';
}

/** All of them come to their end, also when one fails: a sink at work must not be aborted. */
async function finishAll(sinks: readonly Sink[]): Promise<PackedBlob[]> {
  const outcomes = await Promise.allSettled(sinks.map(async (sink) => sink.finish()));
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

/** Bytes of content in a tree. */
export function contentSize(tree: Iterable<Entry>): number {
  let size = 0;
  for (const entry of tree) if (entry.type === 'file') size += entry.size;
  return size;
}
