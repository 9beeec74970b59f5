import type { OutputStream } from '../io';
import { widthOf } from './text';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const ERASE_LINE_END = '\x1b[K';
const ERASE_BELOW = '\x1b[J';

/**
 * The bottom of a terminal: live lines that are redrawn in place, below permanent ones that scroll away.
 * A redraw is one write, and lines are overwritten before they are erased, so nothing flickers.
 */
export class Screen {
  private live: readonly string[] = [];
  private hidden = false;

  public constructor(private readonly stream: OutputStream) {}

  /** Columns a live line may take; one less than the terminal has, as a full line may wrap. */
  public get width(): number {
    return Math.max(20, this.columns - 1);
  }

  /** How many live lines there may be, so that none scrolls away, where it could not be redrawn. */
  public get height(): number {
    return Math.max(1, Math.min(12, (this.stream.rows || 24) - 2));
  }

  /** Writes permanent lines and shows other live ones. */
  public draw(permanent: readonly string[], live: readonly string[]): void {
    const unchanged = live.length === this.live.length && live.every((line, at) => line === this.live[at]);
    if (permanent.length === 0 && unchanged) return;
    const lines = [...permanent, ...live].map((line) => `${line}${ERASE_LINE_END}\n`).join('');
    this.stream.write(`${this.cursor(live.length > 0)}${this.toTop()}${lines}${ERASE_BELOW}`);
    this.live = live;
  }

  /** Removes the live lines and gives the cursor back. */
  public close(): void {
    const cursor = this.cursor(false);
    if (this.live.length > 0 || cursor !== '') this.stream.write(`${this.toTop()}${ERASE_BELOW}${cursor}`);
    this.live = [];
  }

  /** Terminals that do not know their size say 0. */
  private get columns(): number {
    return this.stream.columns || 80;
  }

  private cursor(hide: boolean): string {
    if (hide === this.hidden) return '';
    this.hidden = hide;
    return hide ? HIDE_CURSOR : SHOW_CURSOR;
  }

  /** Up to the first live line. After the terminal became narrower a line takes several rows. */
  private toTop(): string {
    const rows = this.live.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / this.columns)), 0);
    return rows === 0 ? '' : `\r\x1b[${String(rows)}A`;
  }
}
