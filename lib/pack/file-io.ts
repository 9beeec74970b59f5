import type { FileHandle } from 'node:fs/promises';
import { StackError } from '../core';

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
