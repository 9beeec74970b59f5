import { StringDecoder } from 'node:string_decoder';

/** Lines from the end of its output that an error shows of a script. */
const TAIL_LINES = 20;
const TAIL_CHARACTERS = 8 * 1024;

/** How a shell's trace (`sh -x`) begins: at the start of a line, or behind output that had no end of line. */
const TRACE = /^\+ (.*)/;
const GLUED_TRACE = /\+ (.*)/;

/** A script's output line by line, and its end in memory. A chunk may end anywhere, also inside a character. */
export class RunOutput {
  private readonly decoder = new StringDecoder('utf8');
  /** The part that has no end of line yet. */
  private unfinished = '';
  private readonly last: string[] = [];
  private command: string | undefined;
  private glued: string | undefined;
  private crossDevice = false;

  /** @param onLine gets every line, without its end */
  public constructor(private readonly onLine: (line: string) => void) {}

  /** Takes the next bytes. */
  public write(chunk: Buffer): void {
    const lines = (this.unfinished + this.decoder.write(chunk)).split('\n');
    this.unfinished = (lines.pop() ?? '').slice(-TAIL_CHARACTERS);
    for (const line of lines) this.line(line);
  }

  /** The last command of a script that its shell traced. */
  public lastCommand(script: string): string | undefined {
    const { glued } = this;
    const isLine = glued !== undefined && script.split('\n').some((line) => line.trim() === glued);
    return isLine ? glued : this.command;
  }

  /** Whether a program said that it cannot rename across file systems (EXDEV). */
  public get saysCrossDevice(): boolean {
    return this.crossDevice;
  }

  /** Ends the output: what has no end of line is a line too. */
  public end(): void {
    const rest = this.unfinished + this.decoder.end();
    this.unfinished = '';
    if (rest !== '') this.line(rest);
  }

  /** The last lines. */
  public tail(): string {
    return this.last.join('\n').slice(-TAIL_CHARACTERS).trimEnd();
  }

  private line(line: string): void {
    const traced = TRACE.exec(line)?.[1];
    this.glued = traced === undefined ? (GLUED_TRACE.exec(line)?.[1] ?? this.glued) : undefined;
    this.command = traced ?? this.command;
    this.crossDevice ||= /\bEXDEV\b|cross-device link/i.test(line);
    this.last.push(line);
    if (this.last.length > TAIL_LINES) this.last.shift();
    this.onLine(line);
  }
}
