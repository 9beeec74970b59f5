import { deployText } from '../../../lib/cli/render/deployment';
import { inspectionText } from '../../../lib/cli/render/inspection';
import { listText } from '../../../lib/cli/render/list';
import type { DeployResult, ImageRow, InspectResult } from '../../../lib/toolkit';
import { plainStyle } from '../stream';

type Image = DeployResult['targets'][number]['images'][number];

function published(name: string, hex: string, changed: boolean, ...sizes: readonly number[]): Image {
  const layers = sizes.map((size) => ({ digest: `sha256:${'1'.repeat(64)}`, size, mediaType: 'x' }));
  const reference = `oci:./oci:${name}-squashfs`;
  return {
    path: name,
    name,
    format: 'squashfs',
    platform: 'linux/amd64',
    reference,
    digest: `sha256:${hex.repeat(64)}`,
    size: 9,
    changed,
    layers,
  };
}

const images = [
  published('kernel', 'a', true, 42_680_320),
  published('ovmf', 'b', false, 1_568_768),
  published('combined', 'c', true, 42_680_320, 1_568_768),
];

function text(
  facts: Partial<Parameters<typeof deployText>[1]>,
  ...targets: Partial<DeployResult['targets'][number]>[]
): string {
  const whole = targets.map((target) => ({
    target: 'oci:./oci',
    blobsWritten: 4,
    bytesWritten: 71_200_000,
    blobsMounted: 0,
    blobs: [],
    images,
    ...target,
  }));
  return deployText({ targets: whole }, { dryRun: false, milliseconds: 3100, ...facts }, plainStyle);
}

describe('deployText', () => {
  test('shows a line for each image, and sums up', () => {
    expect(text({}, {})).toBe(
      [
        'image                        digest           size',
        'oci:./oci:kernel-squashfs    aaaaaaaaaaaa  42.7 MB  1 layer   changed',
        'oci:./oci:ovmf-squashfs      bbbbbbbbbbbb   1.6 MB  1 layer   unchanged',
        'oci:./oci:combined-squashfs  cccccccccccc  44.2 MB  2 layers  changed',
        '',
        '2 images published to oci:./oci, 1 unchanged: 4 blobs, 71.2 MB written in 3.1 s',
        '',
      ].join('\n'),
    );
  });

  test('says when there was nothing to do', () => {
    const same = images.map((image) => ({ ...image, changed: false }));
    expect(text({}, { images: same, blobsWritten: 0, bytesWritten: 0 })).toMatch(
      /\nnothing to do: oci:\.\/oci is up to date\n$/,
    );
  });

  test('says when images are in place and only blobs were missing', () => {
    const same = images.map((image) => ({ ...image, changed: false }));
    expect(text({}, { images: same, blobsWritten: 1, bytesWritten: 10 })).toContain(
      '0 images published to oci:./oci, 3 unchanged: 1 blob, 10 B written',
    );
  });

  test('says that a dry run published nothing', () => {
    expect(text({ dryRun: true }, {})).toContain(
      '\ndry run: 2 images would be published to oci:./oci, 1 unchanged: 4 blobs, 71.2 MB\n',
    );
  });

  test('tells targets apart, and shows no table without images', () => {
    expect(text({}, { images: [], blobsWritten: 0 }, { target: 'oci:b', images: [], blobsWritten: 0 })).toBe(
      'nothing to do: oci:./oci is up to date\n\nnothing to do: oci:b is up to date\n',
    );
  });
});

describe('listText', () => {
  const row: ImageRow = {
    path: 'kernel',
    name: 'kernel',
    type: 'layer',
    buildOnly: false,
    dependencies: [],
    formats: ['tar'],
  };
  const rows: ImageRow[] = [
    { ...row, path: 'base', name: 'base', type: 'debian-packages', buildOnly: true, formats: [] },
    { ...row, dependencies: ['base'], formats: ['tar', 'squashfs'], source: 'bin/app.ts:3:1' },
  ];

  test('shows images with what they are and use', () => {
    expect(listText(rows, plainStyle, false)).toBe(
      [
        'image   type             formats        uses',
        'base    debian-packages  build only',
        'kernel  layer            tar, squashfs  base',
        '',
      ].join('\n'),
    );
  });

  test('shows names where they differ from the path, and sources with --verbose', () => {
    const renamed = [{ ...row, name: 'linux', source: 'bin/app.ts:3:1' }];
    expect(listText(renamed, plainStyle, true)).toBe(
      ['image   name   type   formats  uses  source', 'kernel  linux  layer  tar            bin/app.ts:3:1', ''].join(
        '\n',
      ),
    );
  });

  test('is empty without images', () => {
    expect(listText([], plainStyle, false)).toBe('');
  });
});

test('inspectionText shows facts of the config, then the layers with their annotations', () => {
  const descriptor = { mediaType: 'application/x', digest: `sha256:${'2'.repeat(64)}`, size: 10 };
  const image: InspectResult = {
    reference: 'oci:./oci:kernel',
    digest: `sha256:${'3'.repeat(64)}`,
    manifest: {
      schemaVersion: 2,
      config: descriptor,
      layers: [
        { ...descriptor, annotations: { 'io.verity': 'abc' } },
        { ...descriptor, size: 2_000_000 },
      ],
      annotations: { title: 'evil\x1b[2J' },
    },
    config: {
      os: 'linux',
      architecture: 'amd64',
      created: '1980-01-01T00:00:00Z',
      rootfs: { type: 'layers', diff_ids: [] },
      config: {
        Entrypoint: ['/bin/sh', '-c'],
        Cmd: ['echo "hi"'],
        User: '1000',
        WorkingDir: '/srv',
        StopSignal: 'SIGINT',
        Env: ['A=1', 'B=2'],
        ExposedPorts: { '80/tcp': {} },
        Volumes: { '/data': {} },
        Labels: { v: '1' },
      },
    },
  };
  expect(
    inspectionText(
      [image, { ...image, manifest: { ...image.manifest, layers: [] }, config: { ...image.config, config: {} } }],
      plainStyle,
    ),
  ).toBe(
    [
      'oci:./oci:kernel',
      `  digest      sha256:${'3'.repeat(64)}`,
      '  platform    linux/amd64',
      '  created     1980-01-01T00:00:00Z',
      '  size        2.0 MB',
      '  entrypoint  ["/bin/sh","-c"]',
      '  cmd         ["echo \\"hi\\""]',
      '  user        1000',
      '  workdir     /srv',
      '  stop        SIGINT',
      '  env         A=1',
      '              B=2',
      '  port        80/tcp',
      '  volume      /data',
      '  label       v=1',
      '  annotation  title=evil',
      '',
      `  layer  sha256:${'2'.repeat(64)}    10 B`,
      '         application/x',
      '         io.verity=abc',
      `  layer  sha256:${'2'.repeat(64)}  2.0 MB`,
      '         application/x',
      '',
      'oci:./oci:kernel',
      `  digest      sha256:${'3'.repeat(64)}`,
      '  platform    linux/amd64',
      '  created     1980-01-01T00:00:00Z',
      '  size        0 B',
      '  annotation  title=evil',
      '',
    ].join('\n'),
  );
});
