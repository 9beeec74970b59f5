import { createCipheriv } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { digestOf } from '../../../lib/oci';
import type { DirectoryEntry, Entry, FileEntry, Metadata, PackedBlob } from '../../../lib/pack';
import { SquashfsSink, type SquashfsOptions, zstdCompressor } from '../../../lib/pack';
import { type Image, readImage } from './reader';

export const EPOCH = 315532800;

const PLAIN: Metadata = { mode: 0o644, uid: 0, gid: 0, mtime: EPOCH };

/** A file entry out of its content. */
export function file(name: string, content: string | Buffer, metadata: Partial<Metadata> = {}): FileEntry {
  const bytes = Buffer.from(content);
  return { type: 'file', path: name, ...PLAIN, ...metadata, size: bytes.length, content: { kind: 'bytes', bytes } };
}

/** A directory entry. */
export function directory(name: string, metadata: Partial<DirectoryEntry> = {}): DirectoryEntry {
  return { type: 'directory', path: name, ...PLAIN, mode: 0o755, ...metadata };
}

/** Bytes that do not compress; the same for the same seed. */
export function noise(length: number, seed = 0): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32LE(seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** Bytes that compress, with lines of 16 bytes that are numbered from `first` on. */
export function text(length: number, first = 0): Buffer {
  const lines = Array.from(
    { length: Math.ceil(length / 16) },
    (_, line) => `line ${String(first + line).padStart(10, '0')}\n`,
  );
  return Buffer.from(lines.join('')).subarray(0, length);
}

export interface Packed {
  readonly blob: PackedBlob;
  readonly bytes: Buffer;
  readonly image: Image;
}

/** A directory for the blobs of one test file. */
export class Workbench {
  public readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), 'squashfs-test-'));
  private count = 0;

  public remove(): void {
    fs.rmSync(this.directory, { recursive: true });
  }

  public newFile(): string {
    this.count += 1;
    return path.join(this.directory, `${String(this.count)}.squashfs`);
  }

  public sink(options: Partial<SquashfsOptions> = {}, target = this.newFile()): SquashfsSink {
    return new SquashfsSink(target, {
      compress: zstdCompressor(3),
      level: 3,
      epoch: EPOCH,
      verity: false,
      mediaType: 'application/x-test',
      ...options,
    });
  }

  /** Packs entries and reads the image back. */
  public async pack(
    entries: readonly Entry[],
    options: Partial<SquashfsOptions> = {},
    chunkSize = 50_000,
  ): Promise<Packed> {
    const target = this.newFile();
    const sink = this.sink(options, target);
    for (const entry of entries) await feed(sink, entry, chunkSize);
    const blob = await sink.finish();
    const bytes = fs.readFileSync(target);
    if (blob.size !== bytes.length || blob.digest !== digestOf(bytes))
      throw new Error('the blob is not as it was told');
    return { blob, bytes, image: readImage(bytes) };
  }
}

/** Announces an entry, and gives its content in chunks of a buffer that is used again, as a walk does. */
export async function feed(sink: SquashfsSink, entry: Entry, chunkSize = 50_000): Promise<void> {
  await sink.entry(entry);
  if (entry.type !== 'file' || entry.content.kind !== 'bytes') return;
  const { bytes } = entry.content;
  const buffer = Buffer.alloc(chunkSize);
  for (let at = 0; at < bytes.length; at += chunkSize) {
    const length = bytes.copy(buffer, 0, at);
    await sink.data(buffer.subarray(0, length));
    buffer.fill(0xee);
  }
}
