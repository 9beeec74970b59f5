import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { StackError } from '../../lib/core';
import {
  readArchive,
  type Archive,
  type Content,
  type Entry,
  type FileEntry,
  type ReadArchiveOptions,
} from '../../lib/pack';

/** A directory for the files of one test file; removed afterwards. */
export class Bench {
  public readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-pack-'));
  private count = 0;

  /** A name nothing has yet. */
  public fresh(): string {
    this.count += 1;
    return path.join(this.directory, String(this.count));
  }

  /** Reads an archive, given whole or in chunks. */
  public async read(tar: Buffer | readonly Buffer[], options: Partial<ReadArchiveOptions> = {}): Promise<Archive> {
    const chunks = Buffer.isBuffer(tar) ? [tar] : tar;
    return readArchive(stream(chunks), { copy: this.fresh(), name: 'it', layer: true, ...options });
  }

  public remove(): void {
    fs.rmSync(this.directory, { recursive: true });
  }
}

/** Chunks as something to be read asynchronously. */
export async function* stream(chunks: Iterable<Buffer>): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

/** Cut in pieces of this size. */
export function cut(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

export async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(Buffer.from(chunk));
  return Buffer.concat(all);
}

/** The code of the StackError that the work fails with, `none` where it does not fail; anything else is thrown on. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    if (StackError.is(error)) return error.code;
    throw error;
  }
}

/** The bytes that a content stands for. */
export function contentOf({ content, size }: { content: Content; size: number }): Buffer {
  if (content.kind === 'bytes') return content.bytes;
  const bytes = fs.readFileSync(content.file);
  let at = content.kind === 'slice' ? content.offset : 0;
  const whole = Buffer.alloc(size);
  const everything = [{ offset: 0, length: size }];
  for (const { offset, length } of (content.kind === 'slice' ? content.data : undefined) ?? everything) {
    bytes.copy(whole, offset, at, (at += length));
  }
  return whole;
}

/** A tree in short: what each path is, in the style of `ls -F`, files with their content. */
export function listing(entries: Iterable<Entry>): string[] {
  return [...entries].map((entry) => {
    switch (entry.type) {
      case 'directory':
        return `${entry.path}/${entry.opaque === true ? ' opaque' : ''}`;
      case 'file':
        return `${entry.path} = ${contentOf(entry).toString()}`;
      case 'symlink':
        return `${entry.path} -> ${entry.target}`;
      case 'hardlink':
        return `${entry.path} == ${entry.target}`;
      case 'char':
      case 'block':
      case 'fifo':
      case 'whiteout':
        return `${entry.path} (${entry.type})`;
    }
  });
}

const METADATA = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };

/** A file with content at hand. */
export function bytesFile(name: string, content: Buffer | string, metadata: Partial<typeof METADATA> = {}): FileEntry {
  const bytes = Buffer.from(content);
  return { type: 'file', path: name, ...METADATA, ...metadata, size: bytes.length, content: { kind: 'bytes', bytes } };
}
