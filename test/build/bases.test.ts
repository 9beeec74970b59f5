import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { encodeImage, type EncodedImage, type BuildContext, type BuiltImage } from '../../lib/build';
import { type Descriptor, digestOf, MEDIA_TYPE, OciLayout, writeLayout } from '../../lib/oci';
import { ContentReader, indexLine, readArchive, type Tree } from '../../lib/pack';
import type { LayerFormat, SourcePlan } from '../../lib/plan';
import { namedBases, withNamedBase } from '../../lib/build/known-base';
import { StackError } from '../../lib/core';
import { layersOf, stackImages, type ImageVariant } from '../../lib/stack';
import { failureOf } from '../failure';
import { AMD64, ARM64, HandMade, named } from '../oci/fixture';
import { EPOCH, hostImport, imageImport, layer, outline, stacked, Workshop, type Recipe } from './workshop';

/** The module itself, which others see changed; `fs` here is a copy of it. */
const nodeFs = jest.requireActual<typeof fs>('node:fs');

let shop: Workshop;

beforeEach(() => {
  shop = new Workshop();
});

afterEach(() => {
  shop.remove();
});

const packed = (): string[] =>
  shop.events.flatMap((event) => (event.code === 'layer-packed' ? [`${event.image} ${event.format}`] : []));

/** Files in a tar, by GNU tar. */
function makeTar(files: Readonly<Record<string, string>>, script = 'true', ...args: string[]): Buffer {
  const directory = fs.mkdtempSync(`${shop.home}/tar-`);
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(`${directory}/${name}`.replace(/\/[^/]*$/, ''), { recursive: true });
    fs.writeFileSync(`${directory}/${name}`, content);
  }
  execFileSync('sh', ['-ec', script], { cwd: directory });
  const names = fs.readdirSync(directory).sort();
  return execFileSync('tar', ['-c', '--sort=name', '--mtime=@7', '--owner=0', '--group=0', ...args, ...names], {
    cwd: directory,
    maxBuffer: 256 * 1024 * 1024,
  });
}

function makeTarOnce(files: Readonly<Record<string, string>>): () => Buffer {
  let made: Buffer | undefined;
  return () => (made ??= makeTar(files));
}

interface BaseLayer {
  readonly tar: Buffer;
  readonly mediaType?: string;
}

/** A layout with one image `x` of tar layers in a directory of the app. */
function makeBase(
  layers: readonly BaseLayer[],
  changes: { directory?: string; config?: object; platform?: object; diffIds?: string[] } = {},
): Descriptor {
  const made = new HandMade(shop.path(changes.directory ?? 'bases'));
  const descriptors = layers.map(({ tar, mediaType = MEDIA_TYPE.tarGzip }) =>
    made.blob(mediaType.endsWith('gzip') ? zlib.gzipSync(tar) : tar, mediaType),
  );
  const config = made.blob(
    {
      ...(changes.platform ?? AMD64),
      config: { Env: ['PATH=/bin'], Cmd: ['sh'] },
      history: [{ created_by: 'first' }, { created_by: 'nothing', empty_layer: true }],
      rootfs: { type: 'layers', diff_ids: changes.diffIds ?? layers.map(({ tar }) => digestOf(tar)) },
      ...changes.config,
    },
    MEDIA_TYPE.config,
  );
  const manifest = made.blob({ schemaVersion: 2, config, layers: descriptors }, MEDIA_TYPE.manifest);
  made.index(named('x', manifest));
  return manifest;
}

const FROM: Extract<SourcePlan, { type: 'oci-layout' }> = { type: 'oci-layout', directory: 'bases', reference: 'x' };
const PLATFORM = 'linux/amd64';

async function buildOne(changes: Parameters<typeof layer>[0], recipe: Partial<Recipe> = {}): Promise<BuiltImage> {
  const built = await shop.build({ images: { x: layer({ from: FROM, platform: PLATFORM, ...changes }) }, ...recipe });
  return built.get('x')!;
}

function layersIn(image: BuiltImage, format: LayerFormat = 'tar'): readonly Descriptor[] {
  return layersOf(image.variants.get(format)!).map(({ descriptor }) => descriptor);
}

const EMPTY = Buffer.alloc(1024);

/** An image of a layout in a directory of the app, as it is. */
const opened = (directory: string): ReturnType<typeof layer> =>
  layer({ from: { ...FROM, directory }, platform: PLATFORM });

describe('images of layouts that were built on one base', () => {
  const below = makeTarOnce({ b: 'B' });
  const write = (directory: string, own: Record<string, string>, ...env: string[]): void => {
    const config = { config: { Env: env }, history: [] };
    const layers = Object.keys(own).length === 0 ? [below()] : [below(), makeTar(own)];
    makeBase(
      layers.map((tar) => ({ tar })),
      { directory, config },
    );
  };
  const both = (base?: string): Promise<BuiltImage> => {
    const told = base === undefined ? {} : { base: { ...FROM, directory: base } };
    return shop
      .build({
        images: { one: { ...opened('one'), ...told }, two: { ...opened('two'), ...told }, both: stacked('one', 'two') },
      })
      .then((built) => built.get('both')!);
  };
  beforeEach(() => {
    write('below', {}, 'A=0', 'PATH=/bin');
    write('one', { p: 'P' }, 'A=1', 'PATH=/opt/a:/bin');
    write('two', { q: 'Q' }, 'A=0', 'PATH=/opt/b:/bin');
  });

  test('share its config where the app names it', async () => {
    const { config, base } = (await both('below')).variants.get('tar')!;
    expect(config.Env).toEqual(['A=1', 'PATH=/opt/a:/opt/b:/bin']);
    expect(base?.config.Env).toEqual(['A=0', 'PATH=/bin']);
  });

  test('share it where it is one of them', async () => {
    write('two', {}, 'A=0', 'PATH=/bin');
    const { config } = (await both()).variants.get('tar')!;
    expect(config.Env).toContain('PATH=/opt/a:/bin');
  });

  test('are not told apart by a value that differs where nothing tells the base', async () => {
    expect(await failureOf(both())).toMatchObject({ code: 'STACK5004' });
    write('two', { q: 'Q' }, 'A=1', 'PATH=/opt/b:/bin');
    const { config, base } = (await both()).variants.get('tar')!;
    expect(config.Env).toEqual(['A=1', 'PATH=/opt/a:/opt/b:/bin']);
    expect(base).toMatchObject({ isInferred: true, config: { Env: ['A=1', 'PATH=/bin'] } });
  });

  test('do not stand on an image that does not lie below them', async () => {
    makeBase([{ tar: makeTar({ other: 'O' }) }], { directory: 'below' });
    expect(await failureOf(both('below'))).toMatchObject({ code: 'STACK5032' });
  });

  test('share the base that their annotations name, if it can be had', async () => {
    await both('below');
    const context = await shop.context();
    const name = 'registry.example/base:1';
    const image = (word: string, ...env: string[]): ImageVariant => ({
      platform: { os: 'linux', architecture: 'amd64' },
      config: { Env: env },
      steps: ['base', word].map((each) => ({
        history: { created_by: each },
        layer: {
          diffId: digestOf(each),
          descriptor: { mediaType: MEDIA_TYPE.tarGzip, digest: digestOf(each), size: 1 },
        },
      })),
      hasUnknownBase: true,
      baseReference: { digest: digestOf('manifest'), name },
    });
    const parts = [
      { name: 'a', variant: image('a', 'A=1') },
      { name: 'b', variant: image('b', 'A=0') },
    ];
    const config = {
      os: 'linux',
      architecture: 'amd64',
      config: { Env: ['A=0'] },
      rootfs: { type: 'layers', diff_ids: [digestOf('base')] },
      history: [],
    } as const;
    const images = (open: () => Promise<unknown>): BuildContext => ({
      ...context,
      registryImages: { open } as unknown as BuildContext['registryImages'],
    });
    const found = await namedBases(
      images(() => Promise.resolve({ config })),
      'both',
      parts,
    );
    const [a, b] = parts.map((part) => ({ ...part, variant: withNamedBase(part.variant, found) }));
    expect(stackImages([a!, b!]).config.Env).toEqual(['A=1']);

    shop.events.length = 0;
    const lost = await namedBases(
      images(() => Promise.reject(new StackError('STACK6107', 'it is not there'))),
      'both',
      parts,
    );
    expect(shop.events).toMatchObject([{ code: 'warning', id: 'base-unknown', image: 'both' }]);
    expect(withNamedBase(parts[0]!.variant, lost)).toEqual(parts[0]!.variant);
  });
});

describe('a combination of images of layouts', () => {
  test.each(['tar', 'squashfs'] as const)(
    'is checked in the order it is published in, empty layers or not: %s',
    async (format) => {
      const own = makeTar({ 'd/mine': 'mine' });
      const marked = makeTar({ 'd/.wh..wh..opq': '', 'd/other': 'other' });
      makeBase([{ tar: EMPTY }, { tar: own }], { directory: 'one' });
      makeBase([{ tar: marked }, { tar: EMPTY }], { directory: 'two' });
      const built = await shop.build({
        images: { one: opened('one'), two: opened('two'), both: stacked('one', 'two') },
        formats: [format],
      });
      const { steps } = built.get('both')!.variants.get(format)!;
      expect(layersIn(built.get('both')!, format)).toHaveLength(3);
      expect(steps.at(-1)?.history.created_by).toBe('glue repair');
      expect(layersIn(built.get('one')!, format)).toHaveLength(format === 'tar' ? 2 : 1);
    },
  );

  test('that order their layers in contradicting ways but for an empty one is none', async () => {
    const [first, second, third] = [makeTar({ 1: '' }), makeTar({ 2: '' }), makeTar({ 3: '' })];
    makeBase([{ tar: first }, { tar: EMPTY }, { tar: second }], { directory: 'one' });
    makeBase([{ tar: EMPTY }, { tar: first }, { tar: third }], { directory: 'two' });
    const built = await shop.build({
      images: { one: opened('one'), two: opened('two'), both: stacked('one', 'two') },
    });
    expect(layersIn(built.get('both')!)).toHaveLength(3);
  });

  test.each([[['tar']], [[]]] as const)(
    'knows a layer that was built here as the one that it has: %j',
    async (formats) => {
      shop.write({ 1: 'of the base', 2: 'changed', 3: 'new' });
      const base = layer({ imports: [hostImport('1', '/f')] });
      const on = (source: string, dest: string): ReturnType<typeof layer> =>
        layer({ from: { type: 'image', image: 'base' }, imports: [hostImport(source, dest)] });
      const before = await shop.build({ images: { base, second: on('3', '/g') } });
      const { store } = await shop.context();
      const { manifest, blobs } = encodeImage(before.get('second')!, 'tar', store, EPOCH);
      await writeLayout(shop.path('bases'), [{ refName: 'x', manifest, blobs }]);
      const images = { base, first: on('2', '/f'), second: opened('bases'), both: stacked('first', 'second') };
      for (const order of [
        ['first', 'second'],
        ['second', 'first'],
      ] as const) {
        const built = await shop.build({ images: { ...images, both: stacked(...order) }, formats });
        for (const variant of built.get('both')!.variants.values()) expect(layersOf(variant)).toHaveLength(3);
      }
    },
  );
});

describe('an image of an OCI layout as a base', () => {
  test('is used by its descriptors, and not unpacked when nothing needs its files', async () => {
    const manifest = makeBase([{ tar: makeTar({ a: 'A' }) }]);
    const image = await buildOne({ config: { user: 'me' } });
    const made = JSON.parse(fs.readFileSync(shop.path(`bases/blobs/sha256/${manifest.digest.slice(7)}`), 'utf8')) as {
      layers: Descriptor[];
    };
    expect(layersIn(image)).toEqual(made.layers);
    expect(image.variants.get('tar')).toMatchObject({
      config: { Env: ['PATH=/bin'], Cmd: ['sh'], User: 'me' },
      platform: AMD64,
    });
    expect(image.variants.get('tar')?.steps.map(({ history }) => history.created_by)).toEqual([
      'first',
      'nothing',
      'config',
    ]);
    expect(packed()).toEqual([]);
    const records = fs.readdirSync(`${shop.home}/store/v1/records`);
    expect(records.filter((name) => name.startsWith('snapshots'))).toEqual([]);
  });

  test('is looked up in an index that is read once for all that stand on it', async () => {
    makeBase([{ tar: makeTar({ a: 'A' }) }]);
    const index = jest.spyOn(OciLayout.prototype, 'index');
    const one = layer({ from: FROM, platform: PLATFORM });
    await shop.build({ images: { one, two: { ...one, name: 'two' }, three: { ...one, name: 'three' } } });
    expect(index).toHaveBeenCalledTimes(1);
    index.mockRestore();
  });

  test('is named by its digest in the manifests of what stands on it, in any depth', async () => {
    const base = makeBase([{ tar: makeTar({ a: 'A' }) }]);
    shop.write({ f: 'F' });
    const on = { from: { type: 'image' as const, image: 'x' }, platform: PLATFORM };
    const built = await shop.build({
      images: {
        x: layer({ from: FROM, platform: PLATFORM }),
        y: layer({ ...on, imports: [hostImport('f', '/f')], annotations: { mine: 'yes' } }),
        z: stacked('x', 'y'),
        scratch: layer({ imports: [hostImport('f', '/f')], platform: PLATFORM }),
        mixed: stacked('y', 'scratch'),
      },
      formats: ['tar', 'squashfs'],
    });
    const { store } = await shop.context();
    const annotations = (path: string, format: LayerFormat): unknown =>
      encodeImage(built.get(path)!, format, store, EPOCH).document.annotations;
    const key = 'org.opencontainers.image.base.digest';
    expect(annotations('x', 'tar')).toEqual({ [key]: base.digest });
    expect(annotations('y', 'tar')).toEqual({ [key]: base.digest, mine: 'yes' });
    expect(annotations('z', 'tar')).toMatchObject({ [key]: base.digest });
    expect(annotations('scratch', 'tar')).toBeUndefined();
    expect(annotations('mixed', 'tar')).not.toHaveProperty([key]);
    expect(annotations('x', 'squashfs')).toBeUndefined(); // those layers are not the base's
  });

  test('is recorded by combinations with its own digest, and other components with theirs', async () => {
    const base = makeBase([{ tar: makeTar({ a: 'A' }) }]);
    shop.write({ f: 'F' });
    const built = await shop.build({
      images: {
        x: layer({ from: FROM, platform: PLATFORM }),
        y: layer({ from: { type: 'image', image: 'x' }, platform: PLATFORM, imports: [hostImport('f', '/f')] }),
        z: { ...stacked('x', 'y'), glue: 'forbid' },
      },
    });
    const { store } = await shop.context();
    const encoded = (path: string): EncodedImage => encodeImage(built.get(path)!, 'tar', store, EPOCH);
    const record: unknown = JSON.parse(encoded('z').document.annotations?.['dev.cdk-stack.components'] ?? '');
    expect(record).toMatchObject({
      version: 3,
      base: { steps: [0, 1] },
      images: [
        { name: 'x', digest: base.digest, steps: [] },
        { name: 'y', digest: encoded('y').manifest.digest, steps: [2] },
      ],
      components: ['x', 'y'],
      how: { glue: 'forbid' },
    });
  });

  test('is converted, once, where another format is wanted', async () => {
    const [lower, upper] = [makeTar({ a: 'A', 'd/b': 'B' }), makeTar({ 'd/.wh.b': '', c: 'C' })];
    makeBase([{ tar: lower }, { tar: upper, mediaType: MEDIA_TYPE.dockerLayer }], { config: { history: [] } });
    const image = await buildOne({}, { formats: ['squashfs', 'tar'] });
    expect(layersIn(image, 'squashfs').map(({ mediaType }) => mediaType)).toEqual([
      MEDIA_TYPE.squashfs,
      MEDIA_TYPE.squashfs,
    ]);
    expect(layersIn(image).map(({ mediaType }) => mediaType)).toEqual([MEDIA_TYPE.tarGzip, MEDIA_TYPE.tar]);
    expect(image.variants.get('squashfs')?.steps).toHaveLength(2);
    expect(packed()).toEqual(['x squashfs', 'x squashfs']);
    const again = await buildOne({}, { formats: ['squashfs'] });
    expect(packed()).toEqual([]);
    expect(layersIn(again, 'squashfs')).toEqual(layersIn(image, 'squashfs'));
  });

  test('is converted once for all that stand on it', async () => {
    makeBase([{ tar: makeTar({ a: 'A'.repeat(100_000) }) }]);
    const images = Object.fromEntries(
      ['a', 'b', 'c', 'd'].map((name) => [name, layer({ from: FROM, platform: PLATFORM, config: { user: name } })]),
    );
    await shop.build({ images, formats: ['squashfs'], concurrency: 4 });
    expect(packed()).toHaveLength(1);
  });

  test('gives images that stand on it a shared base when they are stacked', async () => {
    makeBase([{ tar: makeTar({ a: 'A' }) }]);
    shop.write({ f: 'F' });
    const built = await shop.build({
      images: {
        a: layer({ from: FROM, platform: PLATFORM, config: { entrypoint: ['/a'] } }),
        b: layer({ from: FROM, platform: PLATFORM, imports: [hostImport('f', '/f')] }),
        both: stacked('a', 'b'),
      },
    });
    expect(built.get('both')?.variants.get('tar')?.config).toEqual({ Env: ['PATH=/bin'], Entrypoint: ['/a'] });
  });

  test('shows its files to imports, whiteouts applied', async () => {
    makeBase([{ tar: makeTar({ a: 'A', 'd/b': 'B' }) }, { tar: makeTar({ 'd/.wh.b': '', 'd/c': 'C' }) }], {
      config: { history: null },
    });
    const images = {
      x: layer({ from: FROM, platform: PLATFORM, buildOnly: true }),
      taker: layer({ imports: [imageImport('x', '/d', '/d')] }),
    };
    const built = await shop.build({ images, plan: { tar: { compression: 'none' } } });
    const [blob] = layersIn(built.get('taker')!);
    const tar = execFileSync('tar', ['-tvf', '-', '--full-time', '--utc'], {
      input: fs.readFileSync(`${shop.home}/store/v1/blobs/sha256/${blob!.digest.slice(7)}`),
      encoding: 'utf8',
    });
    expect(
      tar
        .trim()
        .split('\n')
        .map((line) => line.split(/ +/).slice(2).join(' ')),
    ).toEqual(['0 1970-01-01 00:00:07 d/', '1 1970-01-01 00:00:07 d/c']);
  });

  test('keeps its directories as they are when something is imported into them', async () => {
    makeBase([{ tar: makeTar({ 'etc/x': 'X' }, 'chmod 0750 etc') }]);
    shop.write({ f: 'F' });
    const context = await shop.context();
    const { deltas } = await context.layoutImages.open(FROM, AMD64);
    expect(outline(await deltas[0]!.tree())).toEqual(['etc/', `etc/x: at ${String(1024)}`]);
    const built = await buildOne({ imports: [hostImport('f', '/etc/')] });
    expect(layersIn(built)).toHaveLength(2);
  });

  describe('made of filesystem images', () => {
    const BOTH = ['squashfs', 'tar'] as const;

    /** Publishes a base of tar layers as squashfs in `bases`, and gives the original layers' trees. */
    async function makeImages(): Promise<Tree[]> {
      makeBase(
        [
          {
            tar: makeTar({ a: 'A', 'd/b': 'B', 'd/e': 'E', 'o/x': 'X' }, 'ln a z; ln -s d l; chmod 4750 d/e; mkfifo p'),
          },
          { tar: makeTar({ 'd/.wh.b': '', 'o/.wh..wh..opq': '', 'o/y': 'Y', c: 'C'.repeat(200_000) }) },
        ],
        { config: { history: [] } },
      );
      const context = await shop.context();
      const { deltas } = await context.layoutImages.open(FROM, AMD64);
      const trees = await Promise.all(deltas.map((delta) => delta.tree()));
      const built = await buildOne({}, { formats: ['squashfs'] });
      const encoded = encodeImage(built, 'squashfs', context.store, EPOCH);
      await writeLayout(shop.path('bases'), [{ refName: 'x', manifest: encoded.manifest, blobs: encoded.blobs }]);
      fs.rmSync(`${shop.home}/store`, { recursive: true });
      return trees;
    }

    const indexOf = (tree: Tree): string[] =>
      tree
        .filter(({ path }) => path !== '')
        .map((entry) => indexLine(entry, entry.type === 'file' ? entry.sha256 : ''));

    test('is used by its descriptors, and not unpacked when nothing needs its files', async () => {
      await makeImages();
      const image = await buildOne({ config: { user: 'me' } }, { formats: ['squashfs'] });
      expect(layersIn(image, 'squashfs').map(({ mediaType }) => mediaType)).toEqual([
        MEDIA_TYPE.squashfs,
        MEDIA_TYPE.squashfs,
      ]);
      expect(packed()).toEqual([]);
      const records = fs.readdirSync(`${shop.home}/store/v1/records`);
      expect(records.filter((name) => name.startsWith('snapshots'))).toEqual([]);
    });

    test('has the trees they were made of', async () => {
      const trees = await makeImages();
      for (let twice = 0; twice < 2; twice++) {
        const { deltas } = await (await shop.context()).layoutImages.open(FROM, AMD64);
        const read = await Promise.all(deltas.map((delta) => delta.tree()));
        expect(read.map(indexOf)).toEqual(trees.map(indexOf));
      }
    });

    test('is converted to tar, once, layer by layer, to the same bytes in every store', async () => {
      const trees = await makeImages();
      const recipe = { formats: BOTH, plan: { tar: { compression: 'none' } } } as const;
      const image = await buildOne({}, recipe);
      expect(packed()).toEqual(['x tar', 'x tar']);
      for (const [position, { digest }] of layersIn(image).entries()) {
        const tar = fs.readFileSync(`${shop.home}/store/v1/blobs/sha256/${digest.slice(7)}`);
        const copy = `${shop.home}/${String(position)}.copy`;
        const { tree } = await readArchive(Readable.from([tar]), { name: 'it', copy, layer: true });
        expect(indexOf(tree)).toEqual(indexOf(trees[position]!));
      }
      expect(layersIn(await buildOne({}, recipe))).toEqual(layersIn(image));
      expect(packed()).toEqual([]);
      fs.rmSync(`${shop.home}/store`, { recursive: true });
      expect(layersIn(await buildOne({}, recipe))).toEqual(layersIn(image));
    });

    test('shows its files to imports, whiteouts applied, and has files imported over it', async () => {
      await makeImages();
      shop.write({ f: 'F' });
      const images = {
        x: layer({ from: FROM, platform: PLATFORM, buildOnly: true }),
        y: layer({ from: { type: 'image', image: 'x' }, platform: PLATFORM, imports: [hostImport('f', '/d/')] }),
        taker: layer({ imports: [imageImport('y', '/d', '/d'), imageImport('y', '/o', '/o')] }),
      };
      const built = await shop.build({ images, formats: BOTH, plan: { tar: { compression: 'none' } } });
      expect(layersIn(built.get('y')!, 'squashfs')).toHaveLength(3);
      expect(layersIn(built.get('y')!)).toHaveLength(3);
      const [blob] = layersIn(built.get('taker')!);
      const file = `${shop.home}/store/v1/blobs/sha256/${blob!.digest.slice(7)}`;
      const names = execFileSync('tar', ['-tf', file], { encoding: 'utf8' });
      expect(names.trim().split('\n')).toEqual(['d/', 'd/e', 'd/f', 'o/', 'o/y']);
    });

    test('is refused when a layer is no squashfs, or of a kind that cannot be read', async () => {
      shop.write({ f: 'F' });
      const code = (mediaType: string): Promise<unknown> => {
        makeBase([{ tar: Buffer.alloc(8192, 'garbage'), mediaType }]);
        return failureOf(buildOne({ imports: [hostImport('f', '/f')] }, { formats: ['squashfs'] }));
      };
      expect(await code(MEDIA_TYPE.squashfs)).toMatchObject({
        code: 'STACK4001',
        message: expect.stringMatching(/^layer sha256:.*is no squashfs/) as string,
      });
      expect(await code('application/vnd.stacker.image.layer.erofs+zstd')).toMatchObject({
        code: 'STACK5002',
        message: expect.stringContaining('erofs') as string,
      });
    });
  });

  test.each<[string, () => void, string]>([
    ['another platform', () => makeBase([{ tar: makeTar({ a: 'A' }) }], { platform: ARM64 }), 'STACK6002'],
    ['a blob that is not what its digest says', () => damage((blob) => blob.fill(0, 20, 30)), 'STACK6004'],
    ['a blob that is cut short', () => damage((blob) => blob.subarray(0, -1)), 'STACK6004'],
    ['a missing blob', () => damage(() => undefined), 'STACK6001'],
    [
      'a layer of an unknown kind',
      () => makeBase([{ tar: Buffer.from('x'), mediaType: 'application/vnd.example' }]),
      'STACK5002',
    ],
  ])('is refused for %s', async (_, prepare, code) => {
    prepare();
    expect(await failureOf(buildOne({}))).toMatchObject({ code, constructPath: 'x' });
    const left = fs.readdirSync(`${shop.home}/store/v1/tmp`);
    expect(left).toEqual([]);
  });

  /** A base whose layer is changed afterwards, or removed. */
  function damage(change: (blob: Buffer) => Buffer | undefined): void {
    makeBase([{ tar: makeTar({ a: 'A'.repeat(1000) }) }]);
    const directory = shop.path('bases/blobs/sha256');
    const name = fs
      .readdirSync(directory)
      .find((each) => fs.readFileSync(`${directory}/${each}`).readUInt16BE(0) === 0x1f8b)!;
    const changed = change(fs.readFileSync(`${directory}/${name}`));
    if (changed === undefined) fs.rmSync(`${directory}/${name}`);
    else fs.writeFileSync(`${directory}/${name}`, changed);
  }

  test('is refused when it unpacks to something else than its config says', async () => {
    makeBase([{ tar: makeTar({ a: 'A' }) }], { diffIds: [digestOf('something else')] });
    shop.write({ f: 'F' });
    expect(await failureOf(buildOne({ imports: [hostImport('f', '/f')] }))).toMatchObject({ code: 'STACK6004' });
    expect(await failureOf(buildOne({ imports: [hostImport('f', '/f')] }))).toMatchObject({ code: 'STACK6004' }); // nor the second time
  });

  test('is refused when a layer is no tar', async () => {
    makeBase([{ tar: Buffer.alloc(2048, 'garbage') }]);
    shop.write({ f: 'F' });
    const error = await failureOf(buildOne({ imports: [hostImport('f', '/f')] }));
    expect(error).toMatchObject({ code: 'STACK4001', message: expect.stringContaining('layer sha256:') as string });
  });
});

describe('a root filesystem tar as a base', () => {
  const from = (changes: object = {}): SourcePlan => ({
    type: 'tar',
    file: { type: 'path', path: 'root.tar' },
    ...changes,
  });
  const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

  test.each<[string, (tar: Buffer) => Buffer]>([
    ['plain', (tar) => tar],
    ['gzip', (tar) => zlib.gzipSync(tar)],
  ])('is one layer, packed once (%s)', async (_, compress) => {
    const tar = makeTar({ 'etc/a': 'A' }, 'ln etc/a etc/b; ln -s /etc/a c');
    shop.write({ 'root.tar': compress(tar) });
    const image = await buildOne(
      { from: from({ sha256: sha256(compress(tar)).toUpperCase() }) },
      { formats: ['squashfs', 'tar'] },
    );
    expect(layersIn(image)).toHaveLength(1);
    expect(image.variants.get('tar')?.steps[0]?.history.created_by).toBe('root filesystem from root.tar');
    const open = jest.spyOn(nodeFs, 'createReadStream');
    const again = await buildOne({ from: from() }, { formats: ['squashfs', 'tar'] });
    expect(open).not.toHaveBeenCalled();
    open.mockRestore();
    expect(packed()).toEqual([]);
    expect(layersIn(again)).toEqual(layersIn(image));
  });

  test('is the same layer however it is compressed', async () => {
    const tar = makeTar({ a: 'A' });
    shop.write({ 'root.tar': tar });
    const plain = await buildOne({ from: from() });
    shop.write({ 'root.tar': zlib.gzipSync(tar) });
    expect(layersIn(await buildOne({ from: from() }))).toEqual(layersIn(plain));
    expect(packed()).toEqual([]);
  });

  test('is read again when it changed', async () => {
    shop.write({ 'root.tar': makeTar({ a: 'A' }) });
    const first = await buildOne({ from: from() });
    shop.write({ 'root.tar': makeTar({ a: 'B' }) });
    expect(layersIn(await buildOne({ from: from() }))).not.toEqual(layersIn(first));
  });

  test.each<[string, () => void, string, RegExp]>([
    ['missing', () => undefined, 'STACK3003', /root\.tar/],
    ['a directory', () => shop.write({ 'root.tar/x': '' }), 'STACK3003', /not a file/],
    ['empty', () => shop.write({ 'root.tar': '' }), 'STACK4001', /root\.tar/],
    ['garbage', () => shop.write({ 'root.tar': Buffer.alloc(2048, 'x') }), 'STACK4001', /root\.tar/],
    [
      'cut short',
      () => shop.write({ 'root.tar': makeTar({ a: 'A'.repeat(9000) }).subarray(0, 4096) }),
      'STACK4001',
      /root\.tar/,
    ],
    ['a tar with whiteouts', () => shop.write({ 'root.tar': makeTar({ '.wh.a': '' }) }), 'STACK4004', /\.wh\./],
  ] as const)('is an error when it is %s, and leaves nothing in the store', async (_, prepare, code, message) => {
    prepare();
    const error = await failureOf(buildOne({ from: from() }));
    expect(error).toMatchObject({ code, constructPath: 'x', message: expect.stringMatching(message) as string });
    expect(fs.readdirSync(`${shop.home}/store/v1/blobs/sha256`)).toEqual([]);
    expect(fs.readdirSync(`${shop.home}/store/v1/tmp`)).toEqual([]);
  });

  test('is an error when its sha256 is another one, known or not', async () => {
    const tar = makeTar({ a: 'A' });
    shop.write({ 'root.tar': tar });
    const wrong = from({ sha256: '0'.repeat(64) });
    const expected = { code: 'STACK3001', message: expect.stringContaining(sha256(tar)) as string };
    expect(await failureOf(buildOne({ from: wrong }))).toMatchObject(expected);
    await buildOne({ from: from() });
    expect(await failureOf(buildOne({ from: wrong }))).toMatchObject(expected);
  });

  test('is an error when it changes while it is read, and nothing is kept of it', async () => {
    // What looks like xz goes through the command of that name; this one changes the archive while we read it.
    const magic = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);
    shop.write({ 'root.tar': magic, 'content.tar': makeTar({ a: 'A' }), 'bin/xz': '' });
    const script = `cat >/dev/null; echo more >>'${shop.path('root.tar')}'; cat '${shop.path('content.tar')}'`;
    fs.writeFileSync(shop.path('bin/xz'), `#!/bin/sh\n${script}\n`);
    fs.chmodSync(shop.path('bin/xz'), 0o755);
    const before = process.env['PATH'];
    process.env['PATH'] = `${shop.path('bin')}:${before ?? ''}`;
    try {
      expect(await failureOf(buildOne({ from: from() }))).toMatchObject({ code: 'STACK3002' });
      const { store } = await shop.context();
      expect(fs.readdirSync(`${store.directory}/blobs/sha256`)).toEqual([]);
    } finally {
      process.env['PATH'] = before;
    }
  });

  describe('that is a file in another image', () => {
    const images = (changes: object = {}): Recipe['images'] => ({
      maker: layer({ buildOnly: true, imports: [hostImport('made.tar', '/export/root.tar')] }),
      x: layer({
        from: { type: 'tar', file: { type: 'image-file', image: 'maker', path: '/export/root.tar' }, ...changes },
      }),
    });
    const trees = (context: BuildContext): string[] => fs.readdirSync(`${context.store.directory}/records`);

    test('is taken from there, and the image is not looked into the next time', async () => {
      const tar = makeTar({ a: 'A' });
      shop.write({ 'made.tar': tar });
      const first = await shop.build({ images: images({ sha256: sha256(tar) }) });
      expect(layersIn(first.get('x')!)).toHaveLength(1);
      expect(trees(await shop.context())).toContain('tars-in-images');
      const reads = jest.spyOn(ContentReader.prototype, 'read');
      const second = await shop.build({ images: images() });
      expect(reads).not.toHaveBeenCalled();
      reads.mockRestore();
      expect(packed()).toEqual([]);
      expect(layersIn(second.get('x')!)).toEqual(layersIn(first.get('x')!));
    });

    test('is found through links', async () => {
      shop.write({ 'd/made.tar': makeTar({ a: 'A' }) });
      fs.symlinkSync('made.tar', shop.path('d/latest'));
      const built = await shop.build({
        images: {
          maker: layer({ buildOnly: true, imports: [hostImport('d', '/d')] }),
          x: layer({ from: { type: 'tar', file: { type: 'image-file', image: 'maker', path: '/d/latest' } } }),
        },
      });
      expect(layersIn(built.get('x')!)).toHaveLength(1);
    });

    test('must be there, be a file, and have the right sha256', async () => {
      const tar = makeTar({ a: 'A' });
      shop.write({ 'made.tar': tar });
      const wrong = { type: 'tar', file: { type: 'image-file', image: 'maker', path: '/export' } };
      expect(
        await failureOf(shop.build({ images: { ...images(), x: layer({ from: wrong as SourcePlan }) } })),
      ).toMatchObject({ code: 'STACK3004' });
      const expected = {
        code: 'STACK3001',
        message: expect.stringContaining(`'/export/root.tar' of 'maker' has the sha256 ${sha256(tar)}`) as string,
      };
      expect(await failureOf(shop.build({ images: images({ sha256: '0'.repeat(64) }) }))).toMatchObject(expected);
      await shop.build({ images: images() });
      expect(await failureOf(shop.build({ images: images({ sha256: '0'.repeat(64) }) }))).toMatchObject(expected);
    });
  });
});
