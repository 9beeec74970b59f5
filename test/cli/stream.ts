import { PassThrough } from 'node:stream';
import type { Io, OutputStream, Style } from '../../lib/cli/io';
import { styleOf } from '../../lib/cli/io';

/** A stream that keeps what is written to it. */
export class RecordedStream implements OutputStream {
  public text = '';
  public readonly writes: string[] = [];

  public constructor(
    public readonly isTTY = false,
    public columns = 80,
    public rows = 24,
  ) {}

  public write(text: string): void {
    this.text += text;
    this.writes.push(text);
  }
}

/** A process to run a command line in. */
export interface RecordedIo extends Io {
  readonly stdin: PassThrough & { isTTY?: boolean };
  readonly stdout: RecordedStream;
  readonly stderr: RecordedStream;
}

/** Streams that are no terminals, and an environment of its own. */
export function recordedIo(cwd: string, env: NodeJS.ProcessEnv = {}): RecordedIo {
  return {
    stdin: new PassThrough(),
    stdout: new RecordedStream(),
    stderr: new RecordedStream(),
    env: { LANG: 'C.UTF-8', ...env },
    cwd,
  };
}

/** No colors, but good symbols. */
export const plainStyle: Style = styleOf(new RecordedStream(), { LANG: 'C.UTF-8' }, false);

/** What a terminal shows after all that was written to it: enough of its language for what we write. */
export function screenOf(written: string): string {
  const lines: string[] = [''];
  let row = 0;
  for (const [token] of written.matchAll(/\x1b\[\??\d*[A-Za-z]|\r|\n|[^\x1b\r\n]+/g)) {
    if (token === '\n') {
      row += 1;
      lines[row] ??= '';
    } else if (token.startsWith('\x1b[')) {
      if (token.endsWith('A')) row -= Number(token.slice(2, -1));
      if (token.endsWith('J')) lines.splice(row, lines.length, '');
      if (token.endsWith('K')) lines[row] = (lines[row] ?? '').slice(0, column(lines[row] ?? ''));
    } else if (token !== '\r') {
      lines[row] = token + OVERWRITTEN + (lines[row] ?? '').slice(token.length);
    }
  }
  return lines.map((line) => line.replaceAll(OVERWRITTEN, '')).join('\n');
}

/** Marks how far a line was overwritten, until it is erased from there. */
const OVERWRITTEN = '\ue000';

function column(line: string): number {
  const at = line.indexOf(OVERWRITTEN);
  return at === -1 ? 0 : at;
}
