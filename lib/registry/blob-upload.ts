import { StackError } from '../core';
import { formatRepository } from '../oci';
import type { Access } from './access';
import { hasBlob } from './blob-reader';
import type { BlobSource } from './blob-source';
import { RequestFailure } from './failure';
import { delayAfter, sleep } from './retry';
import { UploadSession } from './upload-session';

/** When blobs are cut into chunks. */
export interface ChunkOptions {
  /** Bytes from which on a blob is sent in chunks. @default 1 GiB */
  readonly threshold: number;
  /** Bytes of a chunk; the registry may want more. @default 64 MiB */
  readonly size: number;
}

export const DEFAULT_CHUNKS: ChunkOptions = { threshold: 1024 ** 3, size: 64 * 1024 ** 2 };

const MIN_CHUNK = 1024 * 1024;
/** Codes that say the session, not the blob, is lost. */
const SESSION_LOST: ReadonlySet<string> = new Set([
  'BLOB_UPLOAD_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'DIGEST_INVALID',
  'RANGE_INVALID',
]);

/**
 * Uploads a blob: whole where that goes, in chunks when it is very large or the registry refuses so much at a time, and from
 * where the registry is after a broken connection. Only one piece of the stream is in memory at a time.
 * @param mounting the session that a refused mount has opened
 * @throws StackError of any request; STACK3002, STACK3003; the signal's reason when aborted
 */
export async function uploadBlob(
  access: Access,
  source: BlobSource,
  options: ChunkOptions,
  mounting?: UploadSession,
): Promise<void> {
  const upload = new Upload(access, source, options, mounting);
  await upload.run();
}

class Upload {
  private session: UploadSession | undefined;
  /** Bytes the registry has. */
  private offset = 0;
  private isChunked: boolean;
  private chunk: number;
  /** Failures since the registry last got further than ever before. */
  private failures = 0;
  private furthest = 0;
  private wasInvalid = false;
  private isThere = false;

  public constructor(
    private readonly access: Access,
    private readonly source: BlobSource,
    options: ChunkOptions,
    session: UploadSession | undefined,
  ) {
    this.session = session;
    this.isChunked = source.size >= options.threshold;
    this.chunk = options.size;
  }

  public async run(): Promise<void> {
    try {
      while (!this.isThere) {
        await this.attempt();
        this.access.signal?.throwIfAborted();
      }
    } catch (error) {
      await this.session?.cancel();
      throw error;
    }
    const { digest, size } = this.source;
    this.access.listener({ code: 'blob-uploaded', repository: formatRepository(this.access.repository), digest, size });
  }

  private async attempt(): Promise<void> {
    const session = (this.session ??= await UploadSession.begin(this.access, this.source));
    try {
      if (this.isChunked) await this.sendChunks(session);
      await session.finish(this.offset);
      this.isThere = true;
    } catch (error) {
      await this.recover(error);
    }
  }

  /** Sends all chunks; one that is smaller than the registry takes is left to the request that ends the upload. */
  private async sendChunks(session: UploadSession): Promise<void> {
    const { size } = this.source;
    while (this.offset < size && size - this.offset >= session.minChunk) {
      const next = this.offset + Math.max(this.chunk, session.minChunk);
      const end = size - next < session.minChunk || next > size ? size : next;
      const reached = await session.append(this.offset, end);
      if (reached <= this.offset) throw this.standstill();
      this.reached(reached);
    }
  }

  /** Decides how to go on; throws when there is no way. */
  private async recover(error: unknown): Promise<void> {
    if (!(error instanceof RequestFailure) || !this.isWorthwhile(error)) throw error;
    if (error.status === 413) {
      this.shrink(error);
    } else {
      this.failures += 1;
      if (this.failures >= this.access.host.policy.attempts) throw error;
      // Who takes no large bodies may also hang up before we read the refusal.
      if (error.status === undefined && this.failures > 1) this.isChunked = true;
      await this.pause(error);
    }
    await this.findOffset(error);
  }

  private isWorthwhile({ status, codes, isTransient }: RequestFailure): boolean {
    const isInvalid = codes.includes('DIGEST_INVALID'); // something went wrong on the way once, or the source is wrong always
    if (isInvalid && this.wasInvalid) return false;
    this.wasInvalid ||= isInvalid;
    return (
      isTransient || status === 404 || status === 413 || status === 416 || codes.some((code) => SESSION_LOST.has(code))
    );
  }

  /** A request was too large: chunks are next, and then smaller ones. */
  private shrink(error: RequestFailure): void {
    const least = Math.max(MIN_CHUNK, this.session?.minChunk ?? 0);
    if (this.isChunked && this.chunk <= least) throw error;
    const refused = this.isChunked ? this.chunk : this.source.size;
    this.chunk = Math.max(least, Math.min(this.chunk, Math.floor(refused / 2)));
    this.isChunked = true;
  }

  private async pause(error: RequestFailure): Promise<void> {
    const milliseconds = delayAfter(this.access.host.policy, this.failures - 1, error);
    this.access.host.slowDownAfter(error, milliseconds);
    this.access.listener({
      code: 'request-retried',
      registry: this.access.repository.registry,
      reason: error.message,
      milliseconds,
    });
    await sleep(milliseconds, this.access.signal);
  }

  /** Asks the registry how far it is; a session it has lost or spoiled is begun anew. */
  private async findOffset({ status, codes }: RequestFailure): Promise<void> {
    const isLost = status === 404 || codes.some((code) => SESSION_LOST.has(code));
    const offset = isLost ? undefined : await this.askOffset();
    if (offset === undefined) {
      this.session = undefined;
      this.offset = 0;
      this.isThere = await hasBlob(this.access, this.source.digest); // only the answer was lost
      return;
    }
    this.reached(offset);
    // What goes on in the middle goes on in chunks: a PUT need not add to what PATCH or a broken PUT has brought.
    if (offset > 0) this.isChunked = true;
  }

  private async askOffset(): Promise<number | undefined> {
    try {
      return await this.session?.offset();
    } catch (error) {
      this.access.signal?.throwIfAborted();
      if (StackError.is(error)) return undefined; // it does not know any more, or does not tell
      throw error;
    }
  }

  private reached(offset: number): void {
    this.offset = offset;
    if (offset <= this.furthest) return;
    this.furthest = offset;
    this.failures = 0;
  }

  private standstill(): RequestFailure {
    const { digest } = this.source;
    return new RequestFailure('STACK6112', `${this.access.repository.registry} takes no more of ${digest}`, {
      isTransient: true,
    });
  }
}
