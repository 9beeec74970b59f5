import type { StackEvent } from '../../../lib/core';

const digest = `sha256:${'a'.repeat(64)}`;

/** What a deploy tells: two images side by side, one of them of packages, then what is published. */
export const deployEvents: readonly StackEvent[] = [
  { code: 'synth-started', app: 'ts-node bin/app.ts' },
  { code: 'app-output', text: 'hello ' },
  { code: 'app-output', text: 'from the app\nno newline' },
  { code: 'synth-done', directory: '/project/synth.out', images: 4, milliseconds: 812 },
  { code: 'warning', id: 'stack:large-layer', message: 'very\x1b[2J large', image: 'ovmf', source: 'bin/app.ts:3:4' },
  { code: 'image-started', image: 'kernel' },
  { code: 'image-started', image: 'packages' },
  { code: 'packages-resolving', image: 'packages', packages: ['linux-image', 'b', 'c', 'd'] },
  { code: 'packages-locked', image: 'packages', count: 14 },
  { code: 'package-fetched', image: 'packages', name: 'linux-modules', size: 12_000_000 },
  { code: 'image-progress', image: 'kernel', format: 'squashfs', bytes: 21_340_160, total: 42_680_320 },
  { code: 'layer-packed', image: 'packages', format: 'tar', digest, size: 1_568_768, milliseconds: 300 },
  { code: 'image-done', image: 'packages', milliseconds: 1400 },
  { code: 'layer-packed', image: 'kernel', format: 'squashfs', digest, size: 42_680_320, milliseconds: 1200 },
  { code: 'image-done', image: 'kernel', milliseconds: 2100 },
  { code: 'image-started', image: 'ovmf' },
  { code: 'layer-reused', image: 'ovmf', format: 'squashfs', digest, size: 1_000_000 },
  { code: 'image-done', image: 'ovmf', milliseconds: 3 },
  { code: 'blob-written', target: 'oci:./oci', digest, size: 42_680_320 },
  { code: 'image-published', image: 'kernel', reference: 'oci:./oci:kernel', changed: true, digest, size: 1 },
  { code: 'image-published', image: 'ovmf', reference: 'oci:./oci:ovmf', changed: false, digest, size: 1 },
  { code: 'deploy-done', target: 'oci:./oci', blobs: 1, bytes: 42_680_320, milliseconds: 3100 },
];

const url = 'https://h/large';

/** An image that has files of the web: two at a time, one of which breaks off, and one of unknown length. */
export const downloadEvents: readonly StackEvent[] = [
  { code: 'image-started', image: 'files' },
  { code: 'download-started', image: 'files', url },
  { code: 'download-started', image: 'files', url: 'https://h/small' },
  { code: 'download-progress', image: 'files', url, bytes: 10_000_000, total: 60_000_000 },
  { code: 'download-progress', image: 'files', url: 'https://h/small', bytes: 15_000_000, total: 40_000_000 },
  { code: 'download-retried', image: 'files', url, reason: "'https://h/large' answers with status 503" },
  { code: 'download-done', image: 'files', url, size: 60_000_000, milliseconds: 3000 },
  { code: 'download-progress', image: 'files', url: 'https://h/endless', bytes: 5_000_000 },
];

/** A combination that needs a glue layer, and one whose glue is known. */
export const glueEvents: readonly StackEvent[] = [
  { code: 'conflicts-settled', image: 'both', paths: 3, by: ['dpkg-status', 'text'], known: false },
  { code: 'conflicts-settled', image: 'again', paths: 1, by: ['text'], known: true },
];
