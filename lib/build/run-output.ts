import { StringDecoder } from 'node:string_decoder';

/** How much of the end of its output an error shows of a script. */
const TAIL_LINES = 20;
const TAIL_CHARACTERS = 8 * 1024;

/** The part of one stream that has no end of line yet. */
interface Unfinished {
  readonly decoder: StringDecoder;
  text: string;
}

/** What a script writes, line by line, and its end in memory. A chunk may end anywhere, also inside a character. */
export class RunOutput {
  private readonly streams = new Map<string, Unfinished>();
  private readonly last: string[] = [];
  private command: string | undefined;

  /** @param onLine gets every line, without its end */
  public constructor(private readonly onLine: (line: string) => void) {}

  /** The next bytes of a stream. */
  public write(chunk: Buffer, stream: string): void {
    const unfinished = this.streams.get(stream) ?? { decoder: new StringDecoder('utf8'), text: '' };
    this.streams.set(stream, unfinished);
    const lines = (unfinished.text + unfinished.decoder.write(chunk)).split('\n');
    unfinished.text = (lines.pop() ?? '').slice(-TAIL_CHARACTERS);
    for (const line of lines) this.line(line);
  }

  /** The last command that a shell said it runs, as `sh -x` does. */
  public lastCommand(): string | undefined {
    return this.command;
  }

  /** Says that no more comes: what has no end of line is a line too. */
  public end(): void {
    for (const { decoder, text } of this.streams.values()) {
      const rest = text + decoder.end();
      if (rest !== '') this.line(rest);
    }
    this.streams.clear();
  }

  /** The last lines. */
  public tail(): string {
    return this.last.join('\n').slice(-TAIL_CHARACTERS).trimEnd();
  }

  private line(line: string): void {
    this.command = /^\+ (.*)/.exec(line)?.[1] ?? this.command;
    this.last.push(line);
    if (this.last.length > TAIL_LINES) this.last.shift();
    this.onLine(line);
  }
}
