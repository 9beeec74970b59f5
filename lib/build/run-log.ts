import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import * as path from 'node:path';
import type { BuildContext } from './context';

/** How many of the last lines an error shows. */
const TAIL_LINES = 20;
const TAIL_BYTES = 8 * 1024;

/** What the script of an image writes: kept whole in a file, line by line as events, its end in memory. */
export class RunLog {
  /** Starts the log of an image anew. */
  public static async open(context: BuildContext, image: string): Promise<RunLog> {
    const directory = await context.store.stateDirectory('logs');
    const file = path.join(directory, `${image.replaceAll('/', '-')}.log`);
    return new RunLog(context, image, file, createWriteStream(file, { mode: 0o600 }));
  }

  private last = '';
  private line = '';

  private constructor(
    private readonly context: BuildContext,
    private readonly image: string,
    public readonly file: string,
    private readonly stream: WriteStream,
  ) {}

  public write(chunk: Buffer): void {
    this.stream.write(chunk);
    const text = chunk.toString('utf8');
    this.last = (this.last + text).slice(-TAIL_BYTES);
    const lines = (this.line + text).split('\n');
    this.line = (lines.pop() ?? '').slice(-TAIL_BYTES);
    for (const line of lines) this.context.listener({ code: 'run-output', image: this.image, line });
  }

  /** The last lines written. */
  public tail(): string {
    return this.last.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  }

  /** Ends the log; may be called again. */
  public async close(): Promise<void> {
    if (this.stream.writableFinished) return;
    this.stream.end();
    await finished(this.stream);
  }
}
