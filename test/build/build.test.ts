import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeImage, type BuiltImage, type BuiltImages } from '../../lib/build';
import { LayerImports } from '../../lib/build/layer-imports';
import type { StackEvent } from '../../lib/core';
import { hashEntry } from '../../lib/build/entry-content';
import { ContentReader, treeDigest, type Entry, type Tree } from '../../lib/pack';
import type { LayerFormat, Plan } from '../../lib/plan';
import { layersOf, type ImageLayer } from '../../lib/stack';
import { Store } from '../../lib/store';
import { failureOf } from '../failure';
import {
  debian,
  EPOCH,
  hostImport,
  imageImport,
  layer,
  outline,
  stacked,
  Workshop,
  type Provide,
  type Recipe,
} from './workshop';

let shop: Workshop;

beforeEach(() => {
  shop = new Workshop();
});

afterEach(() => {
  shop.remove();
});

const codes = (): string[] => shop.events.map(({ code }) => code).filter((code) => code !== 'image-progress');
const imagesWith = (code: StackEvent['code']): string[] =>
  shop.events.flatMap((event) =>
    event.code === code && 'image' in event && event.image !== undefined ? [event.image] : [],
  );

function imageIn(built: BuiltImages, path: string): BuiltImage {
  const image = built.get(path);
  if (image === undefined) throw new Error(`no image ${path}`);
  return image;
}

function layersIn(built: BuiltImages, path: string, format: LayerFormat = 'tar'): readonly ImageLayer[] {
  const variant = imageIn(built, path).variants.get(format);
  if (variant === undefined) throw new Error(`no ${format} of ${path}`);
  return layersOf(variant);
}

async function digestOfTree(tree: Tree): Promise<string | undefined> {
  const hashed = tree.map(async (entry): Promise<Entry> => {
    return entry.type === 'file' ? { ...entry, sha256: await hashEntry(entry) } : entry;
  });
  return treeDigest(await Promise.all(hashed));
}

/** Two imports on a base, and their combination. */
function family(changes: Partial<Recipe> = {}): Recipe {
  return {
    images: {
      base: layer({ buildOnly: true, imports: [hostImport('base/', '/')], config: { env: { PATH: '/bin' } } }),
      a: layer({ from: { type: 'image', image: 'base' }, imports: [hostImport('a', '/opt/a')] }),
      b: layer({
        from: { type: 'image', image: 'base' },
        imports: [hostImport('b', '/opt/b')],
        config: { user: 'me' },
      }),
      both: stacked('a', 'b'),
    },
    ...changes,
  };
}

function writeFamily(): void {
  shop.write({ 'base/etc/os': 'base', a: 'A', b: 'B' });
}

describe('building images', () => {
  test('packs every delta once; a combination has the very same layers', async () => {
    writeFamily();
    const built = await shop.build(family({ formats: ['squashfs', 'tar'] }));
    for (const format of ['tar', 'squashfs'] as const) {
      const [base, a] = layersIn(built, 'a', format);
      const [, b] = layersIn(built, 'b', format);
      expect(layersIn(built, 'base', format)).toEqual([base]);
      expect(layersIn(built, 'both', format)).toEqual([base, a, b]);
      expect(imageIn(built, 'both').variants.get(format)?.config).toEqual({ Env: ['PATH=/bin'], User: 'me' });
    }
    expect(imagesWith('layer-packed').sort()).toEqual(['a', 'a', 'b', 'b', 'base', 'base']);
  });

  test('packs nothing again that had just been written when it was packed, unless it changed', async () => {
    writeFamily();
    shop.lookNow();
    await shop.build(family());
    shop.lookNow();
    await shop.build(family());
    expect(imagesWith('layer-packed')).toEqual([]);
    shop.write({ a: 'X' }); // of the same size, perhaps within the same tick of the clock
    shop.lookNow();
    await shop.build(family());
    expect(imagesWith('layer-packed')).toEqual(['a']);
  });

  test('needs no format for an image that is only imported from', async () => {
    shop.write({ a: 'A' });
    const built = await shop.build({
      images: {
        source: layer({ buildOnly: true, imports: [hostImport('a', '/a')] }),
        taker: layer({ imports: [imageImport('source', '/a', '/b')] }),
      },
    });
    expect(imageIn(built, 'source').variants.size).toBe(0);
    expect(layersIn(built, 'taker')).toHaveLength(1);
    expect(imagesWith('layer-packed')).toEqual(['taker']);
  });

  test('adds no layer where nothing changes', async () => {
    shop.write({ a: 'A', 'empty/': '' });
    const built = await shop.build({
      images: {
        base: layer({ imports: [hostImport('a', '/a')] }),
        again: layer({ from: { type: 'image', image: 'base' }, imports: [hostImport('a', '/a')] }),
        empty: layer({ imports: [hostImport('empty/', '/')] }),
        nothing: layer({}),
        configured: layer({ from: { type: 'image', image: 'base' }, config: { user: 'me' } }),
      },
    });
    expect(layersIn(built, 'again')).toEqual(layersIn(built, 'base'));
    for (const image of ['empty', 'nothing']) expect(layersIn(built, image)).toEqual([]);
    expect(layersIn(built, 'configured')).toEqual(layersIn(built, 'base'));
    expect(imageIn(built, 'configured').variants.get('tar')?.steps.at(-1)).toEqual({
      history: { created: '2001-09-09T01:46:40Z', created_by: 'config', empty_layer: true },
    });
  });

  test('that changes only a file’s content adds a layer', async () => {
    shop.write({ a: 'A', b: 'B' });
    const built = await shop.build({
      images: {
        base: layer({ imports: [hostImport('a', '/a')] }),
        other: layer({ from: { type: 'image', image: 'base' }, imports: [hostImport('b', '/a')] }),
      },
    });
    expect(layersIn(built, 'other')).toHaveLength(2);
  });

  test('finds each image under its own platform, inherited where it is not declared', async () => {
    const built = await shop.build({
      images: {
        arm: layer({ platform: 'linux/arm64' }),
        on: layer({ from: { type: 'image', image: 'arm' } }),
        both: stacked('arm', 'on'),
      },
    });
    for (const path of ['arm', 'on', 'both'])
      expect(imageIn(built, path).platform).toEqual({ os: 'linux', architecture: 'arm64' });
    expect(imageIn(built, 'on').variants.get('tar')?.platform).toEqual({ os: 'linux', architecture: 'arm64' });
  });

  test.each([
    [
      'a base',
      {
        a: layer({ platform: 'linux/arm64' }),
        x: layer({ platform: 'linux/amd64', from: { type: 'image', image: 'a' } }),
      },
    ],
    ['a component', { a: layer({ platform: 'linux/arm64' }), x: { ...stacked('a'), platform: 'linux/amd64' } }],
    [
      'components',
      { a: layer({ platform: 'linux/arm64' }), b: layer({ platform: 'linux/amd64' }), x: stacked('a', 'b') },
    ],
  ] as const)('refuses %s for another platform', async (_, images) => {
    expect(await failureOf(shop.build({ images }))).toMatchObject({ code: 'STACK5001', constructPath: 'x' });
  });

  test('warns of an image with very many layers, unless the app knows better, and refuses one with too many', async () => {
    const tower = (storeys: number, format: 'tar' | 'squashfs', limits?: Plan['limits']): Recipe => ({
      images: Object.fromEntries(
        Array.from({ length: storeys }, (_, storey) => {
          shop.write({ [`f${String(storey)}`]: String(storey) });
          const from =
            storey === 0
              ? { type: 'scratch' as const }
              : { type: 'image' as const, image: `l${String(storey - 1).padStart(3, '0')}` };
          return [
            `l${String(storey).padStart(3, '0')}`,
            layer({ from, imports: [hostImport(`f${String(storey)}`, '/f')], buildOnly: storey < storeys - 1 }),
          ];
        }),
      ),
      formats: [format],
      plan: { squashfs: { verity: false }, limits },
    });
    await shop.build(tower(36, 'squashfs', { filesystemLayers: 36 }));
    expect(shop.events).not.toContainEqual(expect.objectContaining({ id: 'many-layers' }));
    await shop.build(tower(31, 'squashfs'));
    expect(shop.events).toContainEqual(expect.objectContaining({ code: 'warning', id: 'many-layers', image: 'l030' }));
    expect(await failureOf(shop.build(tower(128, 'tar')))).toMatchObject({ code: 'STACK5005', constructPath: 'l127' });
  }, 30_000);

  test('refuses a filesystem image twice in one image', async () => {
    shop.write({ 1: '1', 2: '2' });
    const on = (image: string): object => ({ from: { type: 'image', image }, buildOnly: true });
    const images = {
      a: layer({ imports: [hostImport('1', '/f')], buildOnly: true }),
      b: layer({ ...on('a'), imports: [hostImport('2', '/f')] }),
      c: layer({ ...on('b'), imports: [hostImport('1', '/f')], buildOnly: false }),
    };
    expect(layersIn(await shop.build({ images }), 'c')).toHaveLength(3);
    expect(await failureOf(shop.build({ images, formats: ['squashfs'] }))).toMatchObject({
      code: 'STACK5006',
      constructPath: 'c',
    });
  });
});

describe('what is done again', () => {
  const everything = ['a', 'b', 'base'];

  test('nothing, when nothing changed: no file is read, no tree is made', async () => {
    writeFamily();
    const reads = jest.spyOn(ContentReader.prototype, 'read');
    const trees = jest.spyOn(LayerImports.prototype, 'assemble');
    const first = await shop.build(family());
    expect(reads).toHaveBeenCalledTimes(3);
    expect(trees).toHaveBeenCalledTimes(3);
    reads.mockClear();
    trees.mockClear();
    try {
      const second = await shop.build(family());
      expect(codes()).not.toContain('layer-packed');
      expect(imagesWith('layer-reused').sort()).toEqual(everything);
      expect(reads).not.toHaveBeenCalled();
      expect(trees).not.toHaveBeenCalled();
      expect(layersIn(second, 'both')).toEqual(layersIn(first, 'both'));
    } finally {
      reads.mockRestore();
      trees.mockRestore();
    }
  });

  test('the first build already remembers what its layers come from', async () => {
    writeFamily();
    await shop.build(family());
    const records = fs.readdirSync(`${shop.home}/store/v1/records/deltas`).length;
    await shop.build(family());
    expect(fs.readdirSync(`${shop.home}/store/v1/records/deltas`)).toHaveLength(records);
  });

  test.each<[string, (recipe: Recipe) => Recipe]>([
    [
      'constructs are renamed',
      ({ images: { base, a, b, both }, ...rest }) => ({
        ...rest,
        images: {
          x: base!,
          y: { ...a!, from: { type: 'image', image: 'x' } } as never,
          z: { ...b!, from: { type: 'image', image: 'x' } } as never,
          all: { ...both!, components: ['y', 'z'] } as never,
        },
      }),
    ],
    [
      'labels, env and annotations change',
      ({ images, ...rest }) => ({
        ...rest,
        images: {
          ...images,
          a: { ...images['a']!, config: { labels: { x: 'y' }, env: { E: '1' } }, annotations: { n: 'm' } },
        },
      }),
    ],
    [
      'names and tags change',
      ({ images, ...rest }) => ({ ...rest, images: { ...images, a: { ...images['a']!, name: 'other', tags: ['t'] } } }),
    ],
    ['the time of a file changes', (recipe) => (fs.utimesSync(shop.path('a'), 7, 7), recipe)],
    ['a defaults is written down', (recipe) => ({ ...recipe, plan: { tar: { compression: 'zstd', level: 3 } } })],
  ])('nothing is packed when %s', async (_, change) => {
    writeFamily();
    const first = await shop.build(family());
    const second = await shop.build(change(family()));
    expect(imagesWith('layer-packed').filter((image) => image !== 'a')).toEqual([]);
    const path = second.has('both') ? 'both' : 'all';
    expect(layersIn(second, path)).toEqual(layersIn(first, 'both'));
  });

  test('the reason is found in the most similar of earlier builds, not in the last', async () => {
    const files = (a: string, b: string, c: string): void => {
      shop.write({ a, b, c });
    };
    const imports = ['a', 'b', 'c'].map((name) => hostImport(name, `/${name}`));
    const build = async (): Promise<string[]> => {
      await shop.build({ images: { it: layer({ imports }) } });
      return shop.events.flatMap((event) => (event.code === 'image-rebuilt' ? [event.reason] : []));
    };
    files('1', '1', '1');
    expect(await build()).toEqual([]);
    files('2', '2', '1');
    expect(await build()).toEqual(['import a, import b changed']);
    files('1', '1', '1'); // back
    expect(await build()).toEqual([]);
    files('1', '1', '2');
    expect(await build()).toEqual(['import c changed']);
    files('2', '2', '3');
    expect(await build()).toEqual(['import c changed']);
    files('1', '1', '1'); // the same two changes away from both, but this one is used
    expect(await build()).toEqual([]);
    files('1', '2', '1');
    expect(await build()).toEqual(['import b changed']);
  });

  test.each<[string, (recipe: Recipe) => Recipe, string[]]>([
    ['the content of a file', (recipe) => (shop.write({ a: 'changed' }), recipe), ['a']],
    [
      'the base, with everything on it where that matters',
      (recipe) => (shop.write({ 'base/etc/os': 'changed' }), recipe),
      ['base'],
    ],
    [
      'where an import goes',
      ({ images, ...rest }) => ({
        ...rest,
        images: {
          ...images,
          b: layer({ from: { type: 'image', image: 'base' }, imports: [hostImport('b', '/opt/c')] }),
        },
      }),
      ['b'],
    ],
    ['the epoch', (recipe) => ({ ...recipe, epoch: EPOCH + 1 }), everything],
    ['the compression', (recipe) => ({ ...recipe, plan: { tar: { compression: 'gzip' } } }), everything],
    ['the level', (recipe) => ({ ...recipe, plan: { tar: { level: 1 } } }), everything],
    ['the format', (recipe) => ({ ...recipe, formats: ['squashfs'] }), everything],
  ])('what a change concerns is packed: %s', async (_, change, packed) => {
    writeFamily();
    await shop.build(family());
    await shop.build(change(family()));
    expect(imagesWith('layer-packed').sort()).toEqual(packed);
  });

  test.each<[string, NonNullable<Recipe['plan']>]>([
    ['without verity', { squashfs: { verity: false } }],
    ['with the legacy media type', { squashfs: { mediaType: 'legacy' } }],
    ['at another level', { squashfs: { level: 9 } }],
  ])('filesystem images %s are others', async (_, plan) => {
    writeFamily();
    const first = await shop.build(family({ formats: ['squashfs'] }));
    const second = await shop.build(family({ formats: ['squashfs'], plan }));
    expect(imagesWith('layer-packed').sort()).toEqual(everything);
    expect(layersIn(second, 'a', 'squashfs')[0]).not.toEqual(layersIn(first, 'a', 'squashfs')[0]);
  });

  test('a blob that is lost is packed again, to the same bytes', async () => {
    writeFamily();
    const first = await shop.build(family());
    const [, a] = layersIn(first, 'a');
    fs.rmSync(`${shop.home}/store/v1/blobs/sha256/${a!.descriptor.digest.slice(7)}`);
    const second = await shop.build(family());
    expect(imagesWith('layer-packed')).toEqual(['a']);
    expect(layersIn(second, 'both')).toEqual(layersIn(first, 'both'));
  });

  test('records that are damaged are lost', async () => {
    writeFamily();
    const first = await shop.build(family());
    for (const kind of ['packs', 'deltas']) {
      for (const name of fs.readdirSync(`${shop.home}/store/v1/records/${kind}`)) {
        fs.writeFileSync(
          `${shop.home}/store/v1/records/${kind}/${name}`,
          '{"descriptor":{"digest":"sha256:../x"},"diffId":7}',
        );
      }
    }
    const second = await shop.build(family());
    expect(imagesWith('layer-packed').sort()).toEqual(everything);
    expect(layersIn(second, 'both')).toEqual(layersIn(first, 'both'));
  });

  test('two images of the same content are packed once, also at the same time', async () => {
    shop.write({ a: 'A'.repeat(100_000) });
    const same = { imports: [hostImport('a', '/a')] };
    await shop.build({ images: { x: layer({ ...same, imports: [hostImport('a', '/other')] }) } }); // now the hash is known
    const built = await shop.build({
      images: { x: layer(same), y: layer(same), z: layer({ ...same, config: { user: 'z' } }) },
      concurrency: 3,
    });
    expect(imagesWith('layer-packed')).toHaveLength(1);
    expect(imagesWith('layer-reused')).toHaveLength(2);
    expect(layersIn(built, 'x')).toEqual(layersIn(built, 'z'));
  });

  test('gives the same images in another directory, with another store', async () => {
    writeFamily();
    const built = await shop.build(family({ formats: ['tar', 'squashfs'] }));
    const other = new Workshop();
    try {
      other.write({ b: 'B', a: 'A', 'base/etc/os': 'base' });
      fs.chmodSync(other.path('a'), 0o600);
      const again = await other.build(family({ formats: ['tar', 'squashfs'], concurrency: 1 }));
      const store = await Store.open(`${other.home}/store`);
      for (const [path, image] of built) {
        for (const format of image.variants.keys()) {
          expect(encodeImage(imageIn(again, path), format, store, EPOCH).manifest).toEqual(
            encodeImage(image, format, store, EPOCH).manifest,
          );
        }
      }
    } finally {
      other.remove();
    }
  });
});

describe('the order of work', () => {
  /** Images of packages take as long as told, and say when they begin and end. */
  function timed(
    log: string[],
    milliseconds: Readonly<Record<string, number>>,
    fails: Readonly<Record<string, Error>> = {},
  ): Provide {
    return async (image) => {
      log.push(`${image} begins`);
      await sleep(milliseconds[image] ?? 1);
      log.push(`${image} ends`);
      if (fails[image] !== undefined) throw fails[image];
      return [];
    };
  }

  test('every image after what it needs, as many at a time as may be', async () => {
    const log: string[] = [];
    const after = (...dependsOn: string[]): ReturnType<typeof debian> => debian({ dependsOn });
    const images = { a: debian(), b: debian(), c: after('a'), d: after('b', 'c'), e: debian() };
    // Nothing waits for what it does not need: b goes on until c has begun, and would for ever if c waited for it.
    let cHasBegun = (): void => undefined;
    const untilC = new Promise<void>((resolve) => (cHasBegun = resolve));
    const provide: Provide = async (image) => {
      log.push(`${image} begins`);
      if (image === 'c') cHasBegun();
      await (image === 'b' ? untilC : sleep(5));
      log.push(`${image} ends`);
      return [];
    };
    await shop.build({ images, concurrency: 2, provide });
    const at = (line: string): number => log.indexOf(line);
    for (const [first, second] of [
      ['a', 'c'],
      ['b', 'd'],
      ['c', 'd'],
    ]) {
      expect(at(`${first!} ends`)).toBeLessThan(at(`${second!} begins`));
    }
    let running = 0;
    let most = 0;
    for (const line of log) {
      running += line.endsWith('begins') ? 1 : -1;
      most = Math.max(most, running);
    }
    expect(most).toBe(2);
  });

  test('a failure ends what is in work properly, and begins nothing new', async () => {
    const log: string[] = [];
    const fails = { a: new Error('a cannot be built'), b: new Error('nor can b') };
    const images = { a: debian({ source: 'app.js:3:1' }), b: debian(), c: debian(), d: debian({ dependsOn: ['a'] }) };
    const error = await failureOf(shop.build({ images, concurrency: 2, provide: timed(log, { a: 5, b: 20 }, fails) }));
    expect(log).toEqual(['a begins', 'b begins', 'a ends', 'b ends']);
    expect(error.all()).toEqual([
      expect.objectContaining({
        code: 'STACK9001',
        message: 'a cannot be built',
        constructPath: 'a',
        source: 'app.js:3:1',
      }),
      expect.objectContaining({ code: 'STACK9001', message: 'nor can b', constructPath: 'b' }),
    ]);
    expect(imagesWith('image-failed')).toEqual(['a', 'b']);
    expect(imagesWith('image-started')).toEqual(['a', 'b']);
  });

  test('what was finished before a failure is not done again', async () => {
    writeFamily();
    const images = { ...family().images, x: debian({ dependsOn: ['both'] }) };
    await failureOf(shop.build({ images }));
    expect(imagesWith('layer-packed').sort()).toEqual(['a', 'b', 'base']);
    await failureOf(shop.build({ images }));
    expect(imagesWith('layer-packed')).toEqual([]);
  });

  test('a memory that cannot be written is reported with everything else', async () => {
    shop.write({ a: 'A' });
    const context = await shop.context();
    fs.rmSync(`${context.store.directory}/records`, { recursive: true });
    fs.mkdirSync(`${context.store.directory}/records`);
    fs.writeFileSync(`${context.store.directory}/records/host-files`, '');
    const error = await failureOf(shop.build({ images: { a: layer({ imports: [hostImport('a', '/a')] }) } }));
    expect(error.code).toBe('STACK7001');
  });

  test('an abort ends it with its reason, and no image failed', async () => {
    const controller = new AbortController();
    const provide: Provide = (image) => {
      if (image === 'a') controller.abort(new Error('enough'));
      return Promise.reject(new Error('a consequence'));
    };
    const building = shop.build({
      images: { a: debian(), b: debian({ dependsOn: ['a'] }) },
      provide,
      signal: controller.signal,
    });
    await expect(building).rejects.toThrow('enough');
    expect(codes()).toEqual(['image-started']);
  });

  test('an abort ends packing in the middle of it, leaving nothing behind', async () => {
    shop.write({ big: Buffer.alloc(20_000_000, 'x') });
    const controller = new AbortController();
    const listener = jest.fn((event: StackEvent) => {
      if (event.code === 'image-progress') controller.abort(new Error('enough'));
    });
    shop.events.push = listener as never;
    await expect(
      shop.build({ images: { a: layer({ imports: [hostImport('big', '/big')] }) }, signal: controller.signal }),
    ).rejects.toThrow('enough');
    expect(listener.mock.calls.filter(([{ code }]) => code === 'image-progress')).toHaveLength(1);
    expect(fs.readdirSync(`${shop.home}/store/v1/tmp`)).toEqual([]);
    expect(fs.readdirSync(`${shop.home}/store/v1/blobs/sha256`)).toEqual([]);
  });

  test.each([
    ['made just now', 1],
    ['found in the store', 2],
  ])('the files of every image can be asked for after the build: %s', async (_, builds) => {
    writeFamily();
    shop.write({ more: 'M' });
    const recipe = family();
    const images = { ...recipe.images, more: layer({ imports: [imageImport('a', '/opt/a', '/more')] }) };
    let built: BuiltImages = new Map();
    for (let left = builds; left > 0; left -= 1) built = await shop.build({ ...recipe, images });
    for (const { deltas } of built.values()) {
      expect(deltas.length).toBeGreaterThan(0);
      for (const { contentKey, tree, atHand } of deltas) {
        expect(atHand).toBeUndefined();
        expect(await digestOfTree(await tree())).toBe(contentKey);
      }
    }
  });

  test('a layer in the store that imports from another image is looked into by what is built on it later', async () => {
    shop.write({ blob: 'firmware', top: 'T' });
    const recipe = (images: Recipe['images'] = {}): Recipe => ({
      images: {
        firmware: layer({ imports: [hostImport('blob', '/blob')] }),
        board: layer({ imports: [imageImport('firmware', '/blob', '/lib/blob')] }),
        ...images,
      },
    });
    await shop.build(recipe());
    const top = layer({ from: { type: 'image', image: 'board' }, imports: [hostImport('top', '/lib/top')] });
    const built = await shop.build(recipe({ top }));
    expect(layersIn(built, 'top')).toHaveLength(2);
    const plus = await shop.build(recipe({ top, other: layer({ imports: [imageImport('board', '/lib', '/l')] }) }));
    expect(outline(await imageIn(plus, 'other').deltas[0]!.tree())).toEqual(['l/', expect.stringMatching(/^l.blob/)]);
    const both = await shop.build(recipe({ top, both: stacked('firmware', 'top') }));
    expect(layersIn(both, 'both')).toHaveLength(3);
  });

  test('an imported file that changes during the build is an error where the layer is opened again', async () => {
    shop.write({ a: 'one' });
    const recipe: Recipe = { images: { a: layer({ imports: [hostImport('a', '/a')] }) } };
    await shop.build(recipe);
    const built = await shop.build(recipe); // opens nothing
    shop.write({ a: 'two!' });
    expect(await failureOf(imageIn(built, 'a').deltas[0]!.tree())).toMatchObject({ code: 'STACK3002' });
  });

  test('thousands of images with nothing to do ask the store for next to nothing', async () => {
    shop.write({ base: 'B' });
    const base = layer({ imports: [hostImport('base', '/base')], buildOnly: true });
    const many = Array.from({ length: 1000 }, (_, place) => [
      [`l${String(place)}`, layer({ from: { type: 'image', image: 'base' }, config: { user: String(place) } })],
      [`s${String(place)}`, stacked(`l${String(place)}`)],
    ]).flat();
    const recipe: Recipe = { images: { base, ...(Object.fromEntries(many) as Recipe['images']) } };
    await shop.build(recipe);
    const reads = jest.spyOn(Store.prototype, 'readRecord');
    try {
      expect((await shop.build(recipe)).size).toBe(2001);
      expect(reads.mock.calls.length).toBeLessThan(10);
    } finally {
      reads.mockRestore();
    }
  }, 30_000);
});

describe('stacks of built images', () => {
  test('have the same config in no format, where only their files are wanted, as in one', async () => {
    writeFamily();
    const { images } = family();
    const inFormat = await shop.build(family());
    const notPublished = Object.fromEntries(
      Object.entries(images).map(([path, plan]) => [path, { ...plan, buildOnly: true }]),
    );
    const changed = { a: { ...notPublished['a']!, config: { env: { PATH: '/a:/bin' }, cmd: ['a'] } } };
    const inNone = await shop.build({
      images: { ...notPublished, taker: layer({ imports: [imageImport('both', '/opt', '/opt')] }) },
    });
    expect(imageIn(inNone, 'both').variants.size).toBe(0);
    expect(imageIn(inNone, 'both').configuration).toEqual(imageIn(inFormat, 'both').configuration);
    const base = { ...notPublished['base']!, config: { env: { PATH: '/bin' }, cmd: ['base'] } };
    const again = await shop.build({ images: { ...notPublished, ...changed, base } });
    expect(imageIn(again, 'both').configuration.runtime).toEqual({ Env: ['PATH=/a:/bin'], Cmd: ['a'], User: 'me' });
  });

  test('have their files in the order of their layers, also for imports from them', async () => {
    shop.write({ 1: 'first', 2: 'second', b: 'B' });
    const built = await shop
      .build({
        images: {
          base: layer({ imports: [hostImport('b', '/b')], buildOnly: true }),
          a: layer({ from: { type: 'image', image: 'base' }, imports: [hostImport('1', '/f')] }),
          b: layer({ from: { type: 'image', image: 'base' }, imports: [hostImport('2', '/f')] }),
          inner: { ...stacked('a', 'b'), conflicts: { default: 'last-wins' } },
          outer: { ...stacked('inner', 'base', 'a'), conflicts: { default: 'last-wins' } },
          taker: layer({
            imports: [
              imageImport('outer', '/f', '/f', {
                sha256: 'a5a9c9d7b7c5b4c9a0e6a3b2d1f0e9d8c7b6a5948372615049382716051423f0',
              }),
            ],
          }),
        },
      })
      .catch((error: unknown) => error as Error);
    expect((built as Error).message).toMatch(
      /has the sha256 16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4/,
    ); // of "second"
  });
});
