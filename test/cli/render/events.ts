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
