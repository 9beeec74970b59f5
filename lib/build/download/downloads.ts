import * as path from 'node:path';
import { Semaphore, StackError, type Listener } from '../../core';
import { LOCK_FILE_NAME, shownUrl, type LockFile } from '../../plan';
import type { Store } from '../../store';
import { requireSha256 } from '../sha256';
import { HttpClient } from './http';
import { DOWNLOAD_LIMITS, type DownloadLimits } from './limits';
import { throttled } from './throttled';
import { transfer, type Transferred } from './transfer';

/** What the downloads of a deploy share. */
export interface DownloadsOptions {
  readonly store: Store;
  readonly lockFile: LockFile;
  readonly listener: Listener;
  /** Fail instead of adding an entry to the lock file. */
  readonly frozen: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly limits?: Partial<DownloadLimits>;
}

/** A file to download, as an app declares it. */
export interface UrlSource {
  readonly url: string;
  /** Expected sha256, 64 hex characters. */
  readonly sha256?: string | undefined;
}

/** The content of a URL, in the store. */
export interface DownloadedFile extends Transferred {
  /** Where it is. */
  readonly file: string;
}

/** Downloads at a time: enough to fill a line, and few enough to be welcome. */
const AT_A_TIME = 4;

/**
 * Gets files from the web, each by its sha256: the one the app declares, else the one the lock file has, else the one that came,
 * which is then locked. What the store has is not asked for again, so that later builds need no network.
 */
export class Downloads {
  private readonly room = new Semaphore(AT_A_TIME);
  private readonly limits: DownloadLimits;
  private readonly http: HttpClient;

  public constructor(private readonly options: DownloadsOptions) {
    this.limits = { ...DOWNLOAD_LIMITS, ...options.limits };
    this.http = new HttpClient(this.limits);
  }

  /** The sha256 a URL's content must have; undefined when it is used for the first time. */
  public expectedSha256({ url, sha256 }: UrlSource): string | undefined {
    return sha256?.toLowerCase() ?? this.options.lockFile.url(url)?.sha256;
  }

  /**
   * The content of a URL, as a blob of the store. When anything fails, lock file and store stay as they were.
   * @param image construct path of the image, for events
   * @throws StackError STACK3001 for another sha256, STACK3003 when it cannot be downloaded, STACK3020, STACK3021, STACK7001,
   *   STACK7002, STACK1005; the signal's reason when aborted
   */
  public async provide(image: string, source: UrlSource): Promise<DownloadedFile> {
    const { store, signal } = this.options;
    return store.exclusively(`download ${source.url}`, () => this.find(image, source), signal);
  }

  /**
   * Downloads what a URL stands for now, and locks that, in memory.
   * @param image construct path of an image that uses it, for events
   * @returns the sha256
   * @throws StackError STACK3003, STACK7001, STACK7002, STACK1005; the signal's reason when aborted
   */
  public async update(image: string, url: string): Promise<string> {
    const found = await this.room.run(() => this.download(image, { url }, undefined));
    this.options.lockFile.setUrl(url, found);
    return found.sha256;
  }

  private async find(image: string, source: UrlSource): Promise<DownloadedFile> {
    const { store, lockFile, frozen } = this.options;
    if (this.expectedSha256(source) === undefined) await lockFile.reload();
    const expected = this.expectedSha256(source);
    if (expected !== undefined) {
      const size = await store.blobSize(digestOf(expected));
      if (size !== undefined) return this.fileOf({ sha256: expected, size });
    } else if (frozen) {
      throw new StackError('STACK3021', `the lock file has no entry for '${shownUrl(source.url)}'`, {
        hint: 'declare its sha256, or deploy once without --frozen and commit the lock file',
      });
    }
    const found = await this.room.run(() => this.download(image, source, expected));
    if (expected === undefined) {
      lockFile.setUrl(source.url, found);
      await lockFile.save();
    }
    return this.fileOf(found);
  }

  private async download(image: string, source: UrlSource, expected: string | undefined): Promise<Transferred> {
    const { store, listener, signal } = this.options;
    signal?.throwIfAborted();
    const url = shownUrl(source.url);
    const started = performance.now();
    listener({ code: 'download-started', image, url });
    const found = await store.withTemporaryDirectory(async (directory) => {
      const file = path.join(directory, 'download');
      const arrived = await transfer(source.url, file, {
        http: this.http,
        limits: this.limits,
        signal,
        isKnown: expected !== undefined,
        onProgress: throttled((bytes: number, total: number | undefined) => {
          listener({ code: 'download-progress', image, url, bytes, total });
        }),
        onRetry: (reason) => {
          listener({ code: 'download-retried', image, url, reason });
        },
      });
      if (source.sha256 === undefined) requirePinned(url, expected, arrived.sha256);
      else requireSha256(`'${url}'`, expected, arrived.sha256);
      await store.adopt(file, digestOf(arrived.sha256), arrived.size);
      return arrived;
    });
    listener({ code: 'download-done', image, url, size: found.size, milliseconds: performance.now() - started });
    return found;
  }

  private fileOf({ sha256, size }: Transferred): DownloadedFile {
    return { file: this.options.store.blobPath(digestOf(sha256)), sha256, size };
  }
}

function digestOf(sha256: string): string {
  return `sha256:${sha256}`;
}

function requirePinned(url: string, expected: string | undefined, actual: string): void {
  if (expected === undefined || expected === actual) return;
  throw new StackError('STACK3001', `'${url}' has the sha256 ${actual}, not ${expected}, which is locked`, {
    hint: `if the new content is meant, run stack update '${url}' and commit ${LOCK_FILE_NAME}`,
  });
}
