import { JsonRenderer } from '../../../lib/cli/render/json';
import { PlainRenderer, type Verbosity } from '../../../lib/cli/render/plain';
import { RecordedStream, plainStyle } from '../stream';
import { deployEvents, downloadEvents, glueEvents } from './events';

function shown(verbosity: Verbosity, events = deployEvents): string {
  const stream = new RecordedStream();
  const renderer = new PlainRenderer(stream, plainStyle, verbosity);
  for (const event of events) renderer.handle(event);
  renderer.note('also building base (needed by kernel)');
  renderer.stop();
  return stream.text;
}

describe('PlainRenderer', () => {
  test('writes a line for every event of note, and never continues one of the app', () => {
    expect(shown('normal')).toBe(
      [
        'synth: ts-node bin/app.ts',
        'hello from the app',
        'no newline',
        'synth: 4 images in 0.8 s',
        'warning: ovmf: very large [stack:large-layer] at bin/app.ts:3:4',
        'packages: resolving linux-image and 3 more',
        'packages: locked 14 packages',
        'packages: packed tar, 1.6 MB in 0.3 s',
        'kernel: packed squashfs, 42.7 MB in 1.2 s',
        'kernel: published oci:./oci:kernel',
        'also building base (needed by kernel)',
        '',
      ].join('\n'),
    );
  });

  test('tells downloads when they are done, and when they break off', () => {
    expect(shown('normal', downloadEvents)).toBe(
      [
        "files: downloading https://h/large again: 'https://h/large' answers with status 503",
        'files: downloaded https://h/large, 60.0 MB in 3.0 s',
        'also building base (needed by kernel)',
        '',
      ].join('\n'),
    );
    expect(shown('verbose', downloadEvents)).toContain('files: downloading https://h/small\n');
  });

  test('tells which process it waits for', () => {
    const events = [{ code: 'waiting', owner: 'process 12 on host', what: 'the local store' }] as const;
    const note = 'also building base (needed by kernel)\n';
    expect(shown('normal', events)).toBe(`waiting for process 12 on host, which is using the local store\n${note}`);
  });

  test('tells why there is a layer that nobody declared, when it is made', () => {
    const made = 'both: a glue layer settles 3 paths: dpkg-status, text\n';
    const note = 'also building base (needed by kernel)\n';
    expect(shown('normal', glueEvents)).toBe(`${made}${note}`);
    expect(shown('verbose', glueEvents)).toBe(`${made}again: a glue layer settles 1 path: text\n${note}`);
  });

  test('tells everything with --verbose', () => {
    expect(shown('verbose')).toBe(
      [
        'synth: ts-node bin/app.ts',
        'hello from the app',
        'no newline',
        'synth: 4 images in 0.8 s',
        'warning: ovmf: very large [stack:large-layer] at bin/app.ts:3:4',
        'kernel: started',
        'packages: started',
        'packages: resolving linux-image and 3 more',
        'packages: locked 14 packages',
        'packages: fetched linux-modules (12.0 MB)',
        'packages: packed tar, 1.6 MB in 0.3 s',
        'packages: done in 1.4 s',
        'kernel: packed squashfs, 42.7 MB in 1.2 s',
        'kernel: done in 2.1 s',
        'ovmf: started',
        'ovmf: reused squashfs, 1.0 MB',
        'ovmf: done in 0.0 s',
        'oci:./oci: wrote sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, 42.7 MB',
        'kernel: published oci:./oci:kernel',
        'ovmf: unchanged oci:./oci:ovmf',
        'oci:./oci: 1 blob, 42.7 MB written in 3.1 s',
        'also building base (needed by kernel)',
        '',
      ].join('\n'),
    );
  });

  test('shows only warnings with --quiet', () => {
    expect(shown('quiet')).toBe('warning: ovmf: very large [stack:large-layer] at bin/app.ts:3:4\n');
  });

  test('ends an unfinished line of the app when it stops', () => {
    const stream = new RecordedStream();
    const renderer = new PlainRenderer(stream, plainStyle, 'normal');
    renderer.handle({ code: 'app-output', text: 'no newline' });
    renderer.stop();
    renderer.stop();
    expect(stream.text).toBe('no newline\n');
  });

  test('tells a failed image', () => {
    const stream = new RecordedStream();
    new PlainRenderer(stream, plainStyle, 'normal').handle({
      code: 'image-failed',
      image: 'kernel',
      message: 'no space\nand what a script said',
    });
    expect(stream.text).toBe('kernel: failed: no space\n');
  });
});

test('JsonRenderer writes every event as one line of JSON', () => {
  const stream = new RecordedStream();
  const renderer = new JsonRenderer(stream);
  for (const event of deployEvents) renderer.handle(event);
  renderer.note();
  renderer.stop();
  const lines = stream.text.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(deployEvents);
});
