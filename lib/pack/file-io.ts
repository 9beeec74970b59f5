import type { FileHandle } from 'node:fs/promises';
import { StackError, syncData } from '../core';

const CHUNK_SIZE = 1024 * 1024;

/** Writes all of `bytes` at `position`. */
export async function writeFully(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += (await handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
  }
}

/** Fills `bytes` from `position` on. */
export async function readFully(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, position + at);
    if (bytesRead === 0) throw new StackError('STACK7001', 'a blob became shorter while it was being written');
    at += bytesRead;
  }
}

/** Reads the bytes from `start` to `end` in pieces of 1 MiB, the last one shorter; each is valid until the next is asked for. */
export async function* readChunks(handle: FileHandle, start: number, end: number): AsyncGenerator<Buffer, void> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_SIZE);
  for (let at = start; at < end; at += CHUNK_SIZE) {
    const chunk = buffer.subarray(0, Math.min(CHUNK_SIZE, end - at));
    await readFully(handle, chunk, at);
    yield chunk;
  }
}

/** Bytes after which what was written so far is sent to the disk. */
const WRITEBACK_STEP = 32 * 1024 * 1024;

/**
 * Keeps the disk busy while a long file is being made, so that the sync at its end has little left to wait for.
 * At most one transfer is under way.
 */
export class Writeback {
  private written = 0;
  private running: Promise<void> | undefined;
  private failure: Error | undefined;

  /** Says that this many more bytes were written. */
  public wrote(handle: FileHandle, bytes: number): void {
    this.written += bytes;
    if (this.written < WRITEBACK_STEP || this.running !== undefined) return;
    this.written = 0;
    this.running = syncData(handle)
      .catch((error: Error) => {
        this.failure ??= error; // the system reports it once, so it must not be lost
      })
      .finally(() => {
        this.running = undefined;
      });
  }

  /** Waits for the transfer under way. @throws the system's error of any of them */
  public async settle(): Promise<void> {
    await this.running;
    if (this.failure !== undefined) throw this.failure;
  }
}
