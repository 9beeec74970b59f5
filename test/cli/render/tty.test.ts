import { TtyRenderer } from '../../../lib/cli/render/tty';
import type { StackEvent } from '../../../lib/core';
import { RecordedStream, plainStyle, screenOf } from '../stream';
import { deployEvents, downloadEvents, glueEvents } from './events';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function indexOf(code: StackEvent['code'], nth = 0): number {
  return deployEvents.flatMap((event, at) => (event.code === code ? [at] : []))[nth] ?? -1;
}

/** What the screen shows a frame after the first events. */
function screenAfter(events: readonly StackEvent[], stream = new RecordedStream(true)): string {
  const renderer = new TtyRenderer(stream, plainStyle);
  for (const event of events) renderer.handle(event);
  jest.advanceTimersByTime(100);
  const screen = screenOf(stream.text);
  renderer.stop();
  return screen;
}

describe('TtyRenderer', () => {
  test('shows what is under way below what is done', () => {
    expect(screenAfter(deployEvents.slice(0, indexOf('image-progress') + 1))).toBe(
      [
        'hello from the app',
        'no newline',
        '✔ synth         4 images  0.8 s',
        '▲ ovmf: very large [stack:large-layer] at bin/app.ts:3:4',
        '⠙ kernel        squashfs  ━━━━━━━━━━──────────   50 %  21.3 MB of 42.7 MB',
        '⠙ packages      fetched linux-modules, 12.0 MB',
        '',
      ].join('\n'),
    );
  });

  test('tells why there is a layer that nobody declared, when it is made', () => {
    expect(screenAfter(glueEvents)).toBe('both: a glue layer settles 3 paths: dpkg-status, text\n');
  });

  test.each([
    [1, 'downloading https://h/large'],
    [4, 'download  ━━━━━───────────────   25 %  25.0 MB of 100.0 MB'],
    [5, "downloading https://h/large again: 'https://h/large' answers w…"],
    [6, 'downloaded https://h/large, 60.0 MB'],
    [7, 'downloading https://h/endless, 5.0 MB so far'],
  ])('shows the downloads of an image together: event %d', (last, text) => {
    expect(screenAfter(downloadEvents.slice(0, last + 1)).trimEnd()).toBe(`⠙ files         ${text}`);
  });

  test('shows what is being published', () => {
    expect(screenAfter(deployEvents.slice(0, indexOf('blob-written') + 1))).toBe(
      [
        'hello from the app',
        'no newline',
        '✔ synth         4 images  0.8 s',
        '▲ ovmf: very large [stack:large-layer] at bin/app.ts:3:4',
        '✔ packages      tar 1.6 MB  1.4 s',
        '✔ kernel        squashfs 42.7 MB  2.1 s',
        '⠙ oci:./oci     1 blob, 42.7 MB written',
        '',
      ].join('\n'),
    );
  });

  test('leaves one line for each thing done, and the cursor', () => {
    const stream = new RecordedStream(true);
    const renderer = new TtyRenderer(stream, plainStyle);
    for (const event of deployEvents) {
      renderer.handle(event);
      jest.advanceTimersByTime(100);
    }
    renderer.note('a remark');
    renderer.stop();
    expect(screenOf(stream.text)).toBe(
      [
        'hello from the app',
        'no newline',
        '✔ synth         4 images  0.8 s',
        '▲ ovmf: very large [stack:large-layer] at bin/app.ts:3:4',
        '✔ packages      tar 1.6 MB  1.4 s',
        '✔ kernel        squashfs 42.7 MB  2.1 s',
        'a remark',
        '✔ nothing to build for 1 image',
        '',
        '',
      ].join('\n'),
    );
    expect(stream.text.lastIndexOf('\x1b[?25h')).toBeGreaterThan(stream.text.lastIndexOf('\x1b[?25l'));
  });

  test('draws at most ten times a second, and not at all when nothing changes', () => {
    const stream = new RecordedStream(true);
    const renderer = new TtyRenderer(stream, plainStyle);
    jest.advanceTimersByTime(5000);
    expect(stream.writes).toEqual([]);
    renderer.handle({ code: 'image-started', image: 'kernel' });
    for (let bytes = 0; bytes < 1000; bytes += 1) {
      renderer.handle({ code: 'image-progress', image: 'kernel', format: 'tar', bytes, total: 1000 });
      jest.advanceTimersByTime(1);
    }
    expect(stream.writes.length).toBeLessThanOrEqual(10);
    expect(stream.writes.length).toBeGreaterThanOrEqual(9);
    renderer.stop();
  });

  test('draws a frame in one write that erases nothing before it is overwritten', () => {
    const stream = new RecordedStream(true);
    const renderer = new TtyRenderer(stream, plainStyle);
    renderer.handle({ code: 'image-started', image: 'kernel' });
    jest.advanceTimersByTime(200);
    renderer.stop();
    expect(stream.writes[1]).toMatch(/^\r\x1b\[1A⠹ kernel\x1b\[K\n\x1b\[J$/);
  });

  test.each([24, 40, 60, 80, 200])('keeps live lines within %d columns', (columns) => {
    const name = 'a-very-long-image-name/with/many/parts/漢字漢字漢字漢字';
    const screen = screenAfter(
      [
        { code: 'image-started', image: name },
        { code: 'image-progress', image: name, format: 'squashfs', bytes: 1, total: 3_000_000_000 },
        { code: 'image-started', image: 'x' },
        { code: 'packages-resolving', image: 'x', packages: ['p'.repeat(300)] },
      ],
      new RecordedStream(true, columns),
    );
    for (const line of screen.split('\n')) expect([...line.replace(/[漢字]/g, 'xx')].length).toBeLessThan(columns);
  });

  test('never draws more live lines than the screen has', () => {
    const images = Array.from({ length: 40 }, (_, at): StackEvent => ({
      code: 'image-started',
      image: `image-${String(at)}`,
    }));
    const lines = screenAfter(images, new RecordedStream(true, 80, 10))
      .trimEnd()
      .split('\n');
    expect(lines).toHaveLength(8);
    expect(lines.at(-1)).toBe('  … and 33 more');
  });

  test('finds its first line again after the terminal became narrower', () => {
    const stream = new RecordedStream(true, 80);
    const renderer = new TtyRenderer(stream, plainStyle);
    renderer.handle({ code: 'synth-started', app: 'x'.repeat(50) });
    jest.advanceTimersByTime(100);
    stream.columns = 40;
    jest.advanceTimersByTime(100);
    renderer.stop();
    expect(stream.writes[1]).toMatch(/^\r\x1b\[2A/);
  });

  test('tells a failed image and keeps the rest of a line the app has not ended', () => {
    const stream = new RecordedStream(true);
    const renderer = new TtyRenderer(stream, plainStyle);
    renderer.handle({ code: 'image-started', image: 'kernel' });
    renderer.handle({ code: 'image-failed', image: 'kernel', message: 'no space' });
    renderer.handle({ code: 'app-output', text: 'one\r\ntwo' });
    renderer.stop();
    renderer.stop();
    expect(screenOf(stream.text)).toBe('✖ kernel        no space\none\ntwo\n\n');
  });

  test('writes nothing when there was nothing to tell', () => {
    const stream = new RecordedStream(true);
    new TtyRenderer(stream, plainStyle).stop();
    expect(stream.text).toBe('');
  });
});
