import * as fs from 'node:fs';
import { App, DebianPackages, ImageSource, Layer, StackedImage, type LayerProps } from '../../lib';
import { appWith, planOf, removeDirectories, treeOf } from './fixture';

afterEach(removeDirectories);

function layerPlan(props: LayerProps, files: Record<string, string> = {}): unknown {
  const app = appWith(files);
  new Layer(app, 'it', props);
  return planOf(app).images['it'];
}

test('the whole plan of a small app', () => {
  const app = appWith(
    { 'out/vmlinuz': 'K', 'files/motd': 'hi' },
    {
      epoch: 1_700_000_000,
      formats: ['tar', 'squashfs'],
      tar: { compression: 'gzip', level: 9 },
      squashfs: { verity: false, mediaType: 'legacy', level: 1 },
    },
  );
  const build = new Layer(app, 'build', { buildOnly: true, from: 'tar:out/vmlinuz' });
  const kernel = new Layer(app, 'kernel', {
    imports: [
      { source: build.file('/boot/'), dest: '/kernel' },
      {
        source: 'files/motd',
        dest: '/etc/',
        sha256: 'A'.repeat(64),
        mode: 0o640,
        uid: 0,
        gid: 4294967294,
        exclude: ['*.md'],
      },
    ],
    annotations: { 'org.example.a': 'b' },
    platform: 'linux/arm64/v8',
    formats: ['squashfs'],
    imageName: 'acme/kernel',
    tags: ['v1', 'latest'],
  });
  const ovmf = new DebianPackages(app, 'ovmf', {
    packages: ['ovmf', 'g++=4:12.2.0-3'],
    suite: 'bookworm',
    architecture: 'arm64',
    exclude: ['/usr/share/doc/**'],
  });
  new StackedImage(app, 'combined', [kernel, ovmf], { config: { env: { A: '1' } } });

  expect(planOf(app)).toEqual({
    schemaVersion: 1,
    directory: '..',
    epoch: 1_700_000_000,
    formats: ['tar', 'squashfs'],
    tar: { compression: 'gzip', level: 9 },
    squashfs: { verity: false, mediaType: 'legacy', level: 1 },
    images: {
      build: {
        type: 'layer',
        name: 'build',
        buildOnly: true,
        from: { type: 'tar', file: { type: 'path', path: 'out/vmlinuz' } },
        imports: [],
      },
      kernel: {
        type: 'layer',
        name: 'acme/kernel',
        tags: ['v1', 'latest'],
        buildOnly: false,
        platform: 'linux/arm64/v8',
        formats: ['squashfs'],
        annotations: { 'org.example.a': 'b' },
        from: { type: 'scratch' },
        imports: [
          { source: { type: 'image-file', image: 'build', path: '/boot/' }, dest: '/kernel' },
          {
            source: { type: 'path', path: 'files/motd' },
            dest: '/etc/',
            sha256: 'a'.repeat(64),
            mode: 0o640,
            uid: 0,
            gid: 4294967294,
            exclude: ['*.md'],
          },
        ],
      },
      ovmf: {
        type: 'debian-packages',
        name: 'ovmf',
        buildOnly: false,
        packages: ['ovmf', 'g++=4:12.2.0-3'],
        dependencies: 'closure',
        suite: 'bookworm',
        architecture: 'arm64',
        exclude: ['/usr/share/doc/**'],
      },
      combined: {
        type: 'stacked-image',
        name: 'combined',
        buildOnly: false,
        config: { env: { A: '1' } },
        components: ['kernel', 'ovmf'],
      },
    },
  });
});

test.each<[string, LayerProps['from'], unknown]>([
  ['nothing', undefined, { type: 'scratch' }],
  ['the text scratch', 'scratch', { type: 'scratch' }],
  ['ImageSource.scratch()', ImageSource.scratch(), { type: 'scratch' }],
  ['tar: as text', 'tar:root.tar', { type: 'tar', file: { type: 'path', path: 'root.tar' } }],
  [
    'a tar with its sha256',
    ImageSource.tar('./root.tar', { sha256: 'F0'.repeat(32) }),
    { type: 'tar', file: { type: 'path', path: './root.tar' }, sha256: 'f0'.repeat(32) },
  ],
  [
    'a tar of the web as text',
    'tar:https://h/r.tar?x#y',
    { type: 'tar', file: { type: 'url', url: 'https://h/r.tar?x' } },
  ],
  [
    'a tar of the web with its sha256',
    ImageSource.tar('HTTP://H:80/root', { sha256: 'F0'.repeat(32) }),
    { type: 'tar', file: { type: 'url', url: 'http://h/root' }, sha256: 'f0'.repeat(32) },
  ],
  ['a layout as text', 'oci:bases', { type: 'oci-layout', directory: 'bases' }],
  [
    'a layout and a reference with a colon',
    'oci:../b:a:1',
    { type: 'oci-layout', directory: '../b', reference: 'a:1' },
  ],
  [
    'a layout whose directory has a colon',
    ImageSource.ociLayout('a:b', 'c'),
    { type: 'oci-layout', directory: 'a:b', reference: 'c' },
  ],
])('a layer can stand on %s', (_, from, expected) => {
  expect(layerPlan({ from }, { 'root.tar': '' })).toMatchObject({ from: expected });
});

test('a layer can stand on another image, and on a tar in one', () => {
  const app = appWith();
  const base = new Layer(app, 'base');
  new Layer(app, 'on-image', { from: base });
  new Layer(app, 'on-tar', { from: ImageSource.tar(base.file('/root.tar')) });
  expect(planOf(app).images).toMatchObject({
    'on-image': { from: { type: 'image', image: 'base' } },
    'on-tar': { from: { type: 'tar', file: { type: 'image-file', image: 'base', path: '/root.tar' } } },
  });
});

test('the config is written as the image will have it', () => {
  const plan = layerPlan({
    config: {
      env: { PATH: '/bin', EMPTY: '' },
      entrypoint: `/bin/sh -c 'echo "$HOME"'`,
      cmd: ['a b', ''],
      user: '1000:1000',
      workingDir: '/srv',
      labels: { a: 'b' },
      volumes: ['/data'],
      exposedPorts: [80, '81', '53/udp', '5000/sctp'],
      stopSignal: 'SIGRTMIN+3',
      healthcheck: { test: 'curl -f localhost', interval: 30, timeout: 0.5, startPeriod: 0, retries: 3 },
    },
  });
  expect(plan).toMatchObject({
    config: {
      env: { PATH: '/bin', EMPTY: '' },
      entrypoint: ['/bin/sh', '-c', 'echo "$HOME"'],
      cmd: ['a b', ''],
      user: '1000:1000',
      workingDir: '/srv',
      labels: { a: 'b' },
      volumes: ['/data'],
      exposedPorts: ['80/tcp', '81/tcp', '53/udp', '5000/sctp'],
      stopSignal: 'SIGRTMIN+3',
      healthcheck: {
        test: ['CMD-SHELL', 'curl -f localhost'],
        interval: 30_000_000_000,
        timeout: 500_000_000,
        startPeriod: 0,
        retries: 3,
      },
    },
  });
});

test('fullCommand becomes the entrypoint and empties cmd', () => {
  expect(layerPlan({ config: { fullCommand: '/bin/init --now' } })).toMatchObject({
    config: { entrypoint: ['/bin/init', '--now'], cmd: [] },
  });
});

test.each([[['NONE']], [['CMD', '/check', 'now']], [['CMD-SHELL', 'check now']]])(
  'a health check can be %j',
  (check) => {
    expect(layerPlan({ config: { healthcheck: { test: check } } })).toMatchObject({
      config: { healthcheck: { test: check } },
    });
  },
);

test('the default name is the construct path, joined by dashes', () => {
  const app = appWith();
  const group = new Layer(app, 'images');
  const child = new Layer(group, 'kernel');
  expect([group.imageName, child.imageName]).toEqual(['images', 'images-kernel']);
  expect(Object.keys(planOf(app).images)).toEqual(['images', 'images/kernel']);
});

test('imports exist when a symbolic link does, wherever it points', () => {
  const app = appWith({ 'dir/file': '' });
  fs.symlinkSync('/nowhere/at/all', `${app.directory}/dangling`);
  fs.symlinkSync('dir', `${app.directory}/link`);
  new Layer(app, 'it', {
    imports: ['dangling', 'link', 'link/', 'dir/', './dir/file'].map((source) => ({ source, dest: '/a/' })),
  });
  expect(planOf(app).images['it']).toMatchObject({ imports: { length: 5 } });
});

test('absolute sources are kept as they are given', () => {
  const app = appWith({ file: '' });
  new Layer(app, 'it', { imports: [{ source: `${app.directory}/file`, dest: '/file' }] });
  expect(planOf(app).images['it']).toMatchObject({ imports: [{ source: { path: `${app.directory}/file` } }] });
});

test('the tree has every construct, images with their line', () => {
  const app = appWith();
  new Layer(new Layer(app, 'outer'), 'inner');
  const source = expect.stringMatching(/test\/constructs\/layer\.test\.ts:\d+:\d+$/) as string;
  expect(treeOf(app)).toEqual({
    schemaVersion: 1,
    tree: {
      id: '',
      path: '',
      construct: 'App',
      children: [
        {
          id: 'outer',
          path: 'outer',
          construct: 'Layer',
          source,
          children: [{ id: 'inner', path: 'outer/inner', construct: 'Layer', source }],
        },
      ],
    },
  });
});

test('an app that only declares reads nothing and writes nothing', () => {
  const app = new App({ directory: '/does/not/exist' });
  expect(
    () => new Layer(app, 'it', { imports: [{ source: 'missing', dest: 'wrong' }], from: 'docker://x' }),
  ).not.toThrow();
});

test('URLs are in the plan whole, in their normal form and without fragment', () => {
  const imports = [
    { source: 'https://example.com/favicon.ico?signature=a%20b#part', dest: '/dest/icon', sha256: 'A'.repeat(64) },
    { source: 'HTTPS://Example.com:443/a b', dest: '/d/', mode: 0o755, uid: 1 },
    { source: 'http://[::1]:8080', dest: '/index' },
  ];
  expect(layerPlan({ imports })).toMatchObject({
    imports: [
      {
        source: { type: 'url', url: 'https://example.com/favicon.ico?signature=a%20b' },
        dest: '/dest/icon',
        sha256: 'a'.repeat(64),
      },
      { source: { type: 'url', url: 'https://example.com/a%20b' }, dest: '/d/', mode: 0o755, uid: 1 },
      { source: { type: 'url', url: 'http://[::1]:8080/' }, dest: '/index' },
    ],
  });
});
