import type { StackEvent } from '../../core';
import type { OutputStream, Style } from '../io';
import type { Renderer } from './renderer';
import { sentenceOf, type Importance } from './sentence';

/** How much is shown. */
export type Verbosity = 'quiet' | 'normal' | 'verbose';

const SHOWN: Readonly<Record<Verbosity, ReadonlySet<Importance>>> = {
  quiet: new Set(['warning']),
  normal: new Set(['normal', 'warning', 'failure']),
  verbose: new Set(['detail', 'normal', 'warning', 'failure']),
};

/** One line for every event of note, for logs. */
export class PlainRenderer implements Renderer {
  /** The app's output is not cut at lines; our lines never continue one of its. */
  private atLineStart = true;

  public constructor(
    private readonly stream: OutputStream,
    private readonly style: Style,
    private readonly verbosity: Verbosity,
  ) {}

  public handle(event: StackEvent): void {
    if (event.code === 'app-output') {
      this.passThrough(event.text);
      return;
    }
    const sentence = sentenceOf(event);
    if (sentence === undefined || !SHOWN[this.verbosity].has(sentence.importance)) return;
    const { cyan, yellow, red } = this.style.colors;
    const { importance, subject, text } = sentence;
    if (importance === 'warning') this.line(`${yellow('warning:')} ${cyan(subject)}: ${text}`);
    else this.line(`${subject === '' ? '' : `${cyan(subject)}: `}${importance === 'failure' ? red(text) : text}`);
  }

  public note(text: string): void {
    if (this.verbosity !== 'quiet') this.line(text);
  }

  public pause(): void {
    this.stop();
  }

  public resume(): void {
    // Lines are written when there is something to tell.
  }

  public stop(): void {
    if (!this.atLineStart) this.passThrough('\n');
  }

  private passThrough(text: string): void {
    if (this.verbosity === 'quiet' || text === '') return;
    this.stream.write(text);
    this.atLineStart = text.endsWith('\n');
  }

  private line(text: string): void {
    this.stream.write(`${this.atLineStart ? '' : '\n'}${text}\n`);
    this.atLineStart = true;
  }
}
