import type { StackEvent } from '../../core';
import type { OutputStream, Style } from '../io';
import type { Renderer } from './renderer';
import { Screen } from './screen';
import { failureText, listed, sentenceOf, settledText, shellText, waitingText, warningText } from './sentence';
import { cleanLine, count, formatBytes, formatDuration, pad, shorten, widthOf } from './text';

/** Ten frames a second look smooth and cost nothing. */
const FRAME_MS = 100;
const MAX_NAME_WIDTH = 32;
const BAR_WIDTH = 20;

/** Something under way. */
interface Activity {
  readonly name: string;
  /** Layers that had to be packed, in words. */
  readonly packed: string[];
  text: string;
  progress?: { readonly bytes: number; readonly total: number };
  /** There may be several downloads at a time, which are shown as one. */
  readonly downloads: Map<string, { readonly bytes: number; readonly total: number }>;
}

/** Live lines for what is under way, a permanent one for each thing done. */
export class TtyRenderer implements Renderer {
  private readonly screen: Screen;
  private readonly activities = new Map<string, Activity>();
  private readonly written = new Map<string, { blobs: number; bytes: number }>();
  private pending: string[] = [];
  private appLine = '';
  private nothingToBuild = 0;
  private somethingStays = false;
  private nameWidth = 12;
  private frame = 0;
  /** While the terminal is the user's. */
  private isPaused = false;
  private timer: NodeJS.Timeout | undefined;

  public constructor(
    stream: OutputStream,
    private readonly style: Style,
  ) {
    this.screen = new Screen(stream);
    this.timer = setInterval(() => {
      this.frame += 1;
      this.draw();
    }, FRAME_MS);
    this.timer.unref();
  }

  public note(text: string): void {
    this.pending.push(this.style.colors.dim(cleanLine(text)));
  }

  public pause(): void {
    this.screen.draw(this.pending.splice(0), []);
    this.isPaused = true;
  }

  public resume(): void {
    this.isPaused = false;
  }

  public stop(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.endAppLine();
    if (this.nothingToBuild > 0) {
      this.pending.push(this.doneLine('', `nothing to build for ${count(this.nothingToBuild, 'image')}`));
    }
    this.activities.clear();
    // Sets the result, or the error, off from how it came about.
    if (this.somethingStays || this.pending.length > 0) this.pending.push('');
    this.draw();
    this.screen.close();
  }

  public handle(event: StackEvent): void {
    switch (event.code) {
      case 'build-started':
        this.start('build', event.command);
        break;
      case 'synth-started':
        this.activities.delete('build');
        this.start('synth', event.app);
        break;
      case 'app-output':
        this.appOutput(event.text);
        break;
      case 'synth-done':
        this.activities.delete('synth');
        this.endAppLine();
        this.pending.push(this.doneLine('synth', count(event.images, 'image'), event.milliseconds));
        break;
      case 'warning': {
        const { yellow, bold } = this.style.colors;
        const subject = event.image === undefined ? '' : `${bold(cleanLine(event.image))}: `;
        this.pending.push(`${yellow(this.style.symbols.warning)} ${subject}${warningText(event)}`);
        break;
      }
      case 'image-started':
        this.start(event.image, '');
        break;
      case 'packages-resolving':
        this.update(event.image, `resolving ${listed(event.packages)}`);
        break;
      case 'packages-locked':
        this.update(event.image, `locked ${count(event.count, 'package')}`);
        break;
      case 'package-fetched':
        this.update(event.image, `fetched ${event.name}, ${formatBytes(event.size)}`);
        break;
      case 'waiting':
        this.pending.push(this.style.colors.dim(waitingText(event)));
        break;
      case 'image-rebuilt':
        this.pending.push(this.style.colors.dim(cleanLine(`${event.image}: rebuilt because ${event.reason}`)));
        break;
      case 'conflicts-settled':
        if (!event.known) this.pending.push(this.style.colors.dim(cleanLine(`${event.image}: ${settledText(event)}`)));
        break;
      case 'shell-opened':
        this.pending.push(cleanLine(shellText(event)));
        this.pause();
        break;
      case 'shell-closed':
        this.resume();
        break;
      case 'download-started':
        this.update(event.image, `downloading ${event.url}`);
        break;
      case 'download-progress':
        this.downloadProgress(event);
        break;
      case 'download-retried':
        this.update(event.image, `downloading ${event.url} again: ${event.reason}`);
        break;
      case 'download-done':
        this.update(event.image, `downloaded ${event.url}, ${formatBytes(event.size)}`);
        break;
      case 'request-retried':
      case 'registry-paused': {
        const sentence = sentenceOf(event);
        if (sentence) this.pending.push(this.style.colors.dim(`${sentence.subject}: ${sentence.text}`));
        break;
      }
      case 'run-started':
        this.update(event.image, 'running its script');
        break;
      case 'run-output':
        this.update(event.image, event.line);
        break;
      case 'image-progress':
        this.update(event.image, event.format, { bytes: event.bytes, total: event.total });
        break;
      case 'layer-packed':
        this.update(event.image, event.format).packed.push(`${event.format} ${formatBytes(event.size)}`);
        break;
      case 'layer-reused':
        this.update(event.image, `${event.format} reused`);
        break;
      case 'image-done':
        this.imageDone(event.image, event.milliseconds);
        break;
      case 'image-failed':
        this.activities.delete(event.image);
        this.pending.push(this.failedLine(event.image, failureText(event)));
        break;
      case 'blob-written':
        this.blobWritten(event.target, event.size);
        break;
      case 'blob-mounted':
        this.update(event.target, `mounted ${formatBytes(event.size)} from ${event.from}`);
        break;
      case 'blob-progress':
        this.update(event.target, 'push', { bytes: event.bytes, total: event.size });
        break;
      case 'image-published':
        break;
      case 'deploy-done':
        this.activities.delete(event.target);
        break;
    }
  }

  private start(name: string, text: string): Activity {
    const activity: Activity = { name: cleanLine(name), packed: [], downloads: new Map(), text: cleanLine(text) };
    this.activities.set(name, activity);
    this.nameWidth = Math.min(MAX_NAME_WIDTH, Math.max(this.nameWidth, widthOf(activity.name)));
    return activity;
  }

  private update(name: string, text: string, progress?: Activity['progress']): Activity {
    const activity = this.activities.get(name) ?? this.start(name, text);
    activity.text = cleanLine(text);
    if (progress === undefined) delete activity.progress;
    else activity.progress = progress;
    return activity;
  }

  private downloadProgress({ image, url, bytes, total }: Extract<StackEvent, { code: 'download-progress' }>): void {
    if (total === undefined) {
      this.update(image, `downloading ${url}, ${formatBytes(bytes)} so far`);
      return;
    }
    const activity = this.update(image, 'download');
    activity.downloads.set(url, { bytes, total });
    const all = [...activity.downloads.values()];
    activity.progress = {
      bytes: all.reduce((sum, each) => sum + each.bytes, 0),
      total: all.reduce((sum, each) => sum + each.total, 0),
    };
  }

  private imageDone(image: string, milliseconds: number): void {
    const activity = this.activities.get(image);
    this.activities.delete(image);
    if (activity === undefined || activity.packed.length === 0) this.nothingToBuild += 1;
    else this.pending.push(this.doneLine(image, activity.packed.join(', '), milliseconds));
  }

  private blobWritten(target: string, size: number): void {
    const sum = this.written.get(target) ?? { blobs: 0, bytes: 0 };
    sum.blobs += 1;
    sum.bytes += size;
    this.written.set(target, sum);
    this.update(target, `${count(sum.blobs, 'blob')}, ${formatBytes(sum.bytes)} written`);
  }

  /** Only whole lines can stand above live ones. */
  private appOutput(text: string): void {
    const lines = (this.appLine + text).split('\n');
    this.appLine = lines.pop() ?? '';
    this.pending.push(...lines.map((line) => line.replace(/\r$/, '')));
  }

  private endAppLine(): void {
    if (this.appLine !== '') this.pending.push(this.appLine);
    this.appLine = '';
  }

  private doneLine(name: string, text: string, milliseconds?: number): string {
    const { green, dim } = this.style.colors;
    const time = milliseconds === undefined ? '' : `  ${dim(formatDuration(milliseconds))}`;
    const title = name === '' ? '' : `${pad(cleanLine(name), this.nameWidth)}  `;
    return `${green(this.style.symbols.done)} ${title}${cleanLine(text)}${time}`;
  }

  private failedLine(image: string, message: string): string {
    const { red } = this.style.colors;
    return `${red(this.style.symbols.failed)} ${pad(cleanLine(image), this.nameWidth)}  ${message}`;
  }

  private draw(): void {
    if (this.isPaused) return;
    const permanent = this.pending;
    this.pending = [];
    this.somethingStays ||= permanent.length > 0;
    this.screen.draw(permanent, this.liveLines());
  }

  private liveLines(): string[] {
    const all = [...this.activities.values()];
    const room = this.screen.height;
    const shown = all.length > room ? all.slice(0, room - 1) : all;
    const lines = shown.map((activity) => this.liveLine(activity));
    const { dim } = this.style.colors;
    if (shown.length < all.length)
      lines.push(dim(`  ${this.style.symbols.ellipsis} and ${String(all.length - shown.length)} more`));
    return lines;
  }

  private liveLine(activity: Activity): string {
    const { cyan, dim } = this.style.colors;
    const { spinner, ellipsis } = this.style.symbols;
    const width = Math.min(this.nameWidth, Math.floor(this.screen.width / 2));
    const room = this.screen.width - width - 4;
    const name = pad(shorten(activity.name, width, ellipsis), width);
    const head = `${cyan(spinner[this.frame % spinner.length] ?? '')} ${name}`;
    if (activity.progress === undefined) return `${head}  ${dim(shorten(activity.text, room, ellipsis))}`.trimEnd();
    return `${head}  ${this.progressText(activity.text, activity.progress, room)}`;
  }

  private progressText(format: string, progress: NonNullable<Activity['progress']>, room: number): string {
    const { cyan, dim } = this.style.colors;
    const { full, empty, ellipsis } = this.style.symbols;
    const share = progress.total > 0 ? Math.min(1, progress.bytes / progress.total) : 0;
    const facts = `${String(Math.floor(share * 100)).padStart(3)} %  ${formatBytes(progress.bytes)} of ${formatBytes(progress.total)}`;
    const text = `${pad(format, 8)}  ${facts}`;
    if (widthOf(text) + BAR_WIDTH + 2 > room) return shorten(text, room, ellipsis);
    const filled = Math.round(share * BAR_WIDTH);
    return `${pad(format, 8)}  ${cyan(full.repeat(filled))}${dim(empty.repeat(BAR_WIDTH - filled))}  ${facts}`;
  }
}
