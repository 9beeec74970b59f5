import { createHash } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { StackError } from '../core';
import { ArchiveTree } from './archive-tree';
import type { Tree } from './entry';
import { TarParser } from './tar-parser';

/** Bounds on what one archive may unpack to: far above real images, below what hurts (archives.md, bombs). */
export interface ArchiveLimits {
  readonly entries: number;
  /** Uncompressed bytes. */
  readonly bytes: number;
  /** Components of a path. */
  readonly depth: number;
}

export const ARCHIVE_LIMITS: ArchiveLimits = { entries: 5_000_000, bytes: 256 * 1024 ** 3, depth: 255 };

/** What an archive holds; contents are slices of the uncompressed copy. */
export interface Archive {
  readonly tree: Tree;
  /** Digest of the uncompressed tar. */
  readonly diffId: string;
  /** Bytes of the uncompressed tar. */
  readonly size: number;
}

/** How an archive is read. */
export interface ReadArchiveOptions {
  /** Where the uncompressed tar is kept; the contents of the tree point into it. Created, must not exist. */
  readonly copy: string;
  /** Name of the archive for messages. */
  readonly name: string;
  /**
   * How removed files are told. True: as in an OCI layer, by `.wh.` names. `overlay`: as overlayfs does it, by devices 0:0.
   * False: not at all; it is a root filesystem.
   */
  readonly layer: boolean | 'overlay';
  readonly limits?: ArchiveLimits;
}

/**
 * Reads an uncompressed tar from outside in one pass: keeps a copy, hashes every file, and builds its tree without
 * creating any of its files, so nothing in it can reach the host's file system (archives.md, rule 1).
 *
 * @throws StackError STACK4001 to STACK4006, naming the archive; the system's own error when the copy cannot be
 *   written. The copy is then useless and for the caller to remove.
 */
export async function readArchive(chunks: AsyncIterable<Buffer>, options: ReadArchiveOptions): Promise<Archive> {
  const limits = options.limits ?? ARCHIVE_LIMITS;
  const entries = new ArchiveTree({ ...options, limits });
  const parser = new TarParser(entries);
  const hash = createHash('sha256');
  const judge = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw located(error, options.name, parser.bytesRead);
    }
  };
  const handle = await fs.open(options.copy, 'wx', 0o600);
  try {
    for await (const chunk of chunks) {
      judge(() => {
        requireRoom(parser.bytesRead + chunk.length, limits);
        parser.write(chunk);
      });
      hash.update(chunk);
      for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten;
    }
    const tree = judge(() => {
      parser.end();
      return entries.tree();
    });
    return { tree, diffId: `sha256:${hash.digest('hex')}`, size: parser.bytesRead };
  } finally {
    await handle.close();
  }
}

function requireRoom(bytes: number, limits: ArchiveLimits): void {
  if (bytes <= limits.bytes) return;
  throw new StackError('STACK4003', `the archive unpacks to more than ${String(limits.bytes)} bytes`);
}

/** An error about the archive's content, with its name; where it is damaged, with the place. */
function located(error: unknown, name: string, position: number): unknown {
  if (!StackError.is(error)) return error;
  const place = error.code === 'STACK4001' ? ` (near byte ${String(position)})` : '';
  return new StackError(error.code, `${name}: ${error.message}${place}`, { hint: error.hint, cause: error });
}
