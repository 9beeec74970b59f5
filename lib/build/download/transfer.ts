import { createHash } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { unreadable, type HttpClient, type HttpResponse } from './http';
import { Interruption } from './interruption';
import type { DownloadLimits } from './limits';
import { hasValidator, validatorOf } from './validator';

/** How to transfer a file. */
export interface TransferOptions {
  readonly http: HttpClient;
  readonly limits: DownloadLimits;
  readonly signal?: AbortSignal | undefined;
  /** The caller knows the content by its hash, so that a body whose end cannot be told is no danger. */
  readonly isKnown: boolean;
  /** Bytes that are here, of how many if the server says it. */
  readonly onProgress: (bytes: number, total: number | undefined) => void;
  readonly onRetry: (reason: string) => void;
}

/** A file that arrived whole. */
export interface Transferred {
  /** 64 hex characters. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** What an attempt must bring to count as one that gets the transfer further. */
const PROGRESS = 1024 * 1024;

/**
 * Downloads a URL into a new file, hashing it on the way. What broke off is resumed where the server can tell that it still has
 * the same bytes, else begun anew.
 * @throws StackError STACK3003, STACK1005; the signal's reason when aborted; the system's error when writing fails
 */
export async function transfer(url: string, file: string, options: TransferOptions): Promise<Transferred> {
  const handle = await fs.open(file, 'ax');
  try {
    return await new Transfer(url, handle, options).run();
  } finally {
    await handle.close();
  }
}

class Transfer {
  private hash = createHash('sha256');
  private received = 0;
  /** What the response said that is being received; undefined where it did not. */
  private total: number | undefined;
  private validator: string | undefined;
  private from: string | undefined;

  public constructor(
    private readonly url: string,
    private readonly file: fs.FileHandle,
    private readonly options: TransferOptions,
  ) {}

  public async run(): Promise<Transferred> {
    const { limits, signal, onRetry } = this.options;
    for (let fruitless = 0; ;) {
      const before = this.received;
      try {
        await this.attempt();
        return { sha256: this.hash.digest('hex'), size: this.received };
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof Interruption)) throw error;
        if (this.validator === undefined) await this.restart();
        fruitless = this.received - before >= PROGRESS ? 1 : fruitless + 1;
        if (fruitless >= limits.attempts) throw this.unreadable(error.message, error);
        onRetry(error.message);
        await this.wait(Math.max(error.wait, limits.backoff * 2 ** (fruitless - 1)));
      }
    }
  }

  private async wait(milliseconds: number): Promise<void> {
    const { limits, signal } = this.options;
    await setTimeout(Math.min(milliseconds, limits.wait), undefined, { signal }).catch((error: unknown) => {
      throw signal?.aborted === true ? signal.reason : error;
    });
  }

  private async attempt(): Promise<void> {
    const { http, signal } = this.options;
    const response = await http.get(this.url, this.resumption(), signal);
    if (response.status === 200) {
      await this.restart();
      this.begin(response);
    } else if (!this.continues(response)) {
      await response.discard();
      await this.restart();
      throw new Interruption(`'${response.from}' does not go on where it broke off`);
    }
    await this.receive(response);
  }

  private resumption(): Record<string, string> {
    if (this.validator === undefined || this.received === 0) return {};
    return { range: `bytes=${String(this.received)}-`, 'if-range': this.validator };
  }

  /** Whether a response brings the rest of what is here. */
  private continues(response: HttpResponse): boolean {
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.header('content-range') ?? '') ?? [];
    return (
      response.status === 206 &&
      this.validator !== undefined &&
      response.from === this.from &&
      hasValidator(response, this.validator) &&
      Number(start) === this.received &&
      (total === '*' || this.total === undefined || Number(total) === this.total)
    );
  }

  /** Forgets all that was received. */
  private async restart(): Promise<void> {
    if (this.received > 0) await this.file.truncate(0);
    this.hash = createHash('sha256');
    this.received = 0;
    this.total = this.validator = this.from = undefined;
  }

  /** Takes over what a response says about the file. */
  private begin(response: HttpResponse): void {
    const encoding = response.header('content-encoding') ?? 'identity';
    if (encoding.toLowerCase() !== 'identity') {
      throw this.unreadable(`the server sends it encoded as ${encoding}, which would give another sha256`);
    }
    const length = response.header('content-length');
    if (length === undefined && response.header('transfer-encoding') === undefined && !this.options.isKnown) {
      throw this.unreadable(
        'the server does not say how long it is, so that nothing tells whether it is complete',
        'declare its sha256',
      );
    }
    this.total = length === undefined ? undefined : Number(length);
    this.validator = validatorOf(response);
    this.from = response.from;
    if ((this.total ?? 0) > this.options.limits.size) throw this.tooLarge();
  }

  private async receive(response: HttpResponse): Promise<void> {
    const { limits, onProgress } = this.options;
    for await (const chunk of response.body) {
      if (this.received + chunk.length > limits.size) throw this.tooLarge();
      await this.file.appendFile(chunk);
      this.hash.update(chunk);
      this.received += chunk.length;
      onProgress(this.received, this.total);
    }
    if (this.total === undefined || this.received === this.total) return;
    const reason = `'${response.from}' sent ${String(this.received)} bytes of ${String(this.total)}`;
    if (this.received > this.total) await this.restart();
    throw new Interruption(reason);
  }

  private tooLarge(): Error {
    return this.unreadable(`it is larger than ${String(this.options.limits.size)} bytes`);
  }

  private unreadable(reason: string, hint?: string | Error): Error {
    return hint instanceof Error ? unreadable(this.url, reason, undefined, hint) : unreadable(this.url, reason, hint);
  }
}
