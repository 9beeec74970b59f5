import { createHash, type Hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { StackError } from '../core';
import { ArchiveCopy } from './archive-copy';
import { ARCHIVE_LIMITS, requireRoom, type ArchiveLimits } from './archive-limits';
import { ArchiveTree } from './archive-tree';
import type { Tree } from './entry';
import type { TarHeader } from './tar-entry';
import { TarParser } from './tar-parser';
import { gnuDecoded } from './xattrs';

/** Pieces of a sparse file, of up to 1 MiB each, that are hashed before other work gets its turn. */
const STEPS_IN_A_ROW = 64;

/** What an archive holds. */
export interface Archive {
  readonly tree: Tree;
  /** Digest of the uncompressed tar; of the blob itself for a filesystem image. */
  readonly diffId: string;
  /** The file that contents are slices of; of a tar without sparse files that is the tar itself. */
  readonly copy: { readonly digest: string; readonly size: number };
}

/** How an archive is read. */
export interface ReadArchiveOptions {
  /** Where the contents are kept; those of the tree point into it. Created, must not exist. */
  readonly copy: string;
  /** Name of the archive for messages. */
  readonly name: string;
  /**
   * How removed files are told. True: as in an OCI layer, by `.wh.` names. `overlay`: as overlayfs does it, by devices 0:0.
   * False: not at all; it is a root filesystem.
   */
  readonly layer: boolean | 'overlay';
  /** Whether it is certain that the archive is not cut off, since it has the digest it should have: see `TarParser.end`. */
  readonly isWhole?: boolean;
  readonly limits?: ArchiveLimits;
}

/**
 * Reads an uncompressed tar from outside in one pass: keeps a copy with sparse files written out, hashes every file, and
 * builds its tree without creating any of its files, so nothing in it can reach the host's file system (archives.md, rule 1).
 *
 * @throws StackError STACK4001 to STACK4006, naming the archive; the system's own error when the copy cannot be
 *   written. The copy is then useless and for the caller to remove.
 */
export async function readArchive(chunks: AsyncIterable<Buffer>, options: ReadArchiveOptions): Promise<Archive> {
  const limits = options.limits ?? ARCHIVE_LIMITS;
  const entries = new ArchiveTree({ ...options, limits });
  const parser: TarParser = new TarParser({
    header: (header, offset) => {
      entries.header(options.layer === 'overlay' ? ofGnuTar(header) : header, offset);
    },
    data: (piece) => {
      requireRoom(parser.bytesExpanded, parser.bytesRead, limits);
      entries.data(piece);
    },
  });
  const hash = createHash('sha256');
  const judge = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw located(error, options.name, parser.bytesRead);
    }
  };
  const copy = await ArchiveCopy.create(options.copy);
  try {
    for await (const chunk of chunks) {
      const steps = parser.write(chunk);
      for (let count = 1; judge(() => steps.next()).done !== true; count += 1) {
        if (count % STEPS_IN_A_ROW === 0) await setImmediate();
      }
      judge(() => {
        requireRoom(parser.bytesExpanded, parser.bytesRead, limits);
      });
      hash.update(chunk);
      await copy.write(chunk);
    }
    const tree = judge(() => {
      parser.end(options.isWhole);
      return entries.tree();
    });
    await copy.finish();
    const diffId = digestOf(hash);
    return { tree, diffId, copy: { digest: diffId, size: copy.position } };
  } finally {
    await copy.close();
  }
}

/** Upper directories are read by GNU tar, which writes names of attributes in its own way; other readers do not know it. */
function ofGnuTar(header: TarHeader): TarHeader {
  return { ...header, xattrs: gnuDecoded(header.xattrs) };
}

function digestOf(hash: Hash): string {
  return `sha256:${hash.digest('hex')}`;
}

/**
 * An error about an archive's content, with its name.
 * @param position where it is damaged, if that is known
 */
export function located(error: unknown, name: string, position?: number): unknown {
  if (!StackError.is(error)) return error;
  const place = error.code === 'STACK4001' && position !== undefined ? ` (near byte ${String(position)})` : '';
  return new StackError(error.code, `${name}: ${error.message}${place}`, { hint: error.hint, cause: error });
}
