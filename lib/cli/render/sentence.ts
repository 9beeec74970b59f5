import type { StackEvent } from '../../core';
import { cleanLine, count, formatBytes, formatDuration } from './text';

/** How much a line matters: `detail` is only for --verbose, a warning also for --quiet. */
export type Importance = 'detail' | 'normal' | 'warning' | 'failure';

/** An event in words. */
export interface Sentence {
  readonly importance: Importance;
  /** What it is about: an image, a target, or a step. */
  readonly subject: string;
  readonly text: string;
}

/** An event as one line for a log; undefined for what only a live display can show. */
export function sentenceOf(event: StackEvent): Sentence | undefined {
  switch (event.code) {
    case 'build-started':
      return normal('build', event.command);
    case 'synth-started':
      return normal('synth', event.app);
    case 'synth-done':
      return normal('synth', `${count(event.images, 'image')} in ${formatDuration(event.milliseconds)}`);
    case 'warning':
      return { importance: 'warning', subject: cleanLine(event.image ?? 'app'), text: warningText(event) };
    case 'packages-resolving':
      return normal(event.image, `resolving ${listed(event.packages)}`);
    case 'packages-locked':
      return normal(event.image, `locked ${count(event.count, 'package')}`);
    case 'package-fetched':
      return detail(event.image, `fetched ${event.name} (${formatBytes(event.size)})`);
    case 'download-started':
      return detail(event.image, `downloading ${event.url}`);
    case 'download-retried':
      return normal(event.image, `downloading ${event.url} again: ${event.reason}`);
    case 'download-done':
      return normal(
        event.image,
        `downloaded ${event.url}, ${formatBytes(event.size)} in ${formatDuration(event.milliseconds)}`,
      );
    case 'request-retried':
      return normal(event.registry, `asking again in ${formatDuration(event.milliseconds)}: ${event.reason}`);
    case 'registry-paused':
      return normal(event.registry, `wants fewer requests, waiting ${formatDuration(event.milliseconds)}`);
    case 'waiting':
      return normal('', waitingText(event));
    case 'image-started':
      return detail(event.image, 'started');
    case 'image-rebuilt':
      return normal(event.image, `rebuilt because ${event.reason}`);
    case 'conflicts-settled':
      return (event.known ? detail : normal)(event.image, settledText(event));
    case 'shell-opened':
      return normal(event.image, shellText(event));
    case 'shell-closed':
      return detail(event.image, 'the shell was left');
    case 'run-started':
      return normal(event.image, 'running its script');
    case 'run-output':
      return detail(event.image, event.line);
    case 'layer-packed':
      return normal(
        event.image,
        `packed ${event.format}, ${formatBytes(event.size)} in ${formatDuration(event.milliseconds)}`,
      );
    case 'layer-reused':
      return detail(event.image, `reused ${event.format}, ${formatBytes(event.size)}`);
    case 'image-done':
      return detail(event.image, `done in ${formatDuration(event.milliseconds)}`);
    case 'image-failed':
      return { importance: 'failure', subject: cleanLine(event.image), text: `failed: ${failureText(event)}` };
    case 'blob-written':
      return detail(event.target, `wrote ${event.digest}, ${formatBytes(event.size)}`);
    case 'blob-mounted':
      return detail(event.target, `mounted ${event.digest}, ${formatBytes(event.size)}, from ${event.from}`);
    case 'image-published':
      return event.changed
        ? normal(event.image, `published ${event.reference}`)
        : detail(event.image, `unchanged ${event.reference}`);
    case 'deploy-done':
      return detail(
        event.target,
        `${count(event.blobs, 'blob')}, ${formatBytes(event.bytes)} written in ${formatDuration(event.milliseconds)}`,
      );
    case 'app-output':
    case 'blob-progress':
    case 'download-progress':
    case 'image-progress':
      return undefined;
  }
}

/** A warning with what is needed to find and to acknowledge it. */
export function warningText(event: Extract<StackEvent, { code: 'warning' }>): string {
  const place = event.source === undefined ? '' : ` at ${event.source}`;
  return cleanLine(`${event.message} [${event.id}]${place}`);
}

/** What went wrong, without what a script said: the error at the end shows that. */
export function failureText({ message }: Extract<StackEvent, { code: 'image-failed' }>): string {
  return cleanLine(message.split('\n', 1)[0] ?? '');
}

/** Why nothing happens for a while. */
export function waitingText({ owner, what }: Extract<StackEvent, { code: 'waiting' }>): string {
  return cleanLine(`waiting for ${owner}, which is using ${what}`);
}

/** Why an image has a layer that nobody declared. */
export function settledText({ paths, by }: Extract<StackEvent, { code: 'conflicts-settled' }>): string {
  return `a glue layer settles ${count(paths, 'path')}: ${by.join(', ')}`;
}

/** What the user finds before the shell. */
export function shellText({ image, status }: Extract<StackEvent, { code: 'shell-opened' }>): string {
  const why = status === undefined ? '' : `the script of ${image} exited with status ${String(status)}; `;
  return `${why}here is a shell in its sandbox, leave it with exit`;
}

/** The first of some names, and how many more there are. */
export function listed(names: readonly string[]): string {
  const [first = '', ...more] = names;
  return more.length <= 2 ? names.join(', ') : `${first} and ${String(more.length)} more`;
}

function normal(subject: string, text: string): Sentence {
  return { importance: 'normal', subject: cleanLine(subject), text: cleanLine(text) };
}

function detail(subject: string, text: string): Sentence {
  return { importance: 'detail', subject: cleanLine(subject), text: cleanLine(text) };
}
