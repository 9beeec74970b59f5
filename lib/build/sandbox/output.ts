import { closeSync, openSync, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { writeFailure } from '../../core';
import type { RunOptions } from './run-options';
import { Redactor } from './secrets';

/** Hands what a script writes to whoever wants it, and keeps it in its log. */
export class Output {
  private readonly log: number | undefined;
  private failure: unknown;

  /** @throws StackError STACK7001, STACK7002 when the log cannot be written */
  public constructor(private readonly options: Pick<RunOptions, 'log' | 'onOutput' | 'secrets'>) {
    try {
      this.log = options.log === undefined ? undefined : openSync(options.log, 'w', 0o600);
    } catch (error) {
      throw this.logFailure(error);
    }
  }

  /** Takes all that comes, to its end. */
  public async follow(readable: Readable): Promise<void> {
    const redactor = new Redactor(this.options.secrets ?? []);
    const take = (chunk: Buffer): void => {
      if (chunk.length === 0) return;
      this.keep(chunk);
      this.options.onOutput?.(chunk);
    };
    readable.on('data', (chunk: Buffer) => {
      take(redactor.write(chunk));
    });
    await finished(readable, { writable: false });
    take(redactor.end());
  }

  /** @throws StackError STACK7001, STACK7002 when not everything could be kept */
  public close(): void {
    if (this.log !== undefined) closeSync(this.log);
    if (this.failure !== undefined) throw this.logFailure(this.failure);
  }

  /** At once, so that the log has it even if we are killed. */
  private keep(chunk: Buffer): void {
    if (this.log === undefined || this.failure !== undefined) return;
    try {
      for (let at = 0; at < chunk.length;) at += writeSync(this.log, chunk, at);
    } catch (error) {
      this.failure = error; // told at the end: the script itself is not at fault
    }
  }

  private logFailure(error: unknown): Error {
    return writeFailure('STACK7001', `the log '${this.options.log ?? ''}'`, error);
  }
}
