import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { requireHashes } from '../../../lib/plan';
import type { StackEvent } from '../../../lib/core';
import { ContentReader, type FileEntry, type Tree } from '../../../lib/pack';
import type { ImportPlan } from '../../../lib/plan';
import { failureOf } from '../../failure';
import { entryAt, EPOCH, layer, urlImport, Workshop } from '../workshop';
import { FaultServer } from './fault-server';

let shop: Workshop;
let server: FaultServer;
const environment = { ...process.env };

beforeEach(async () => {
  for (const name of ['http_proxy', 'HTTP_PROXY']) Reflect.deleteProperty(process.env, name);
  shop = new Workshop();
  server = await FaultServer.start();
});

afterEach(async () => {
  await server.stop();
  shop.remove();
  process.env = { ...environment };
});

const sha = (content: string): string => createHash('sha256').update(content).digest('hex');

function textAt(tree: Tree, at: string): string {
  const reader = new ContentReader();
  try {
    return Buffer.concat(
      [...reader.read(entryAt(tree, at) as FileEntry)].map((chunk) => Buffer.from(chunk)),
    ).toString();
  } finally {
    reader.close();
  }
}

function blobs(): string[] {
  return fs.readdirSync(`${shop.home}/store/v1/blobs/sha256`);
}

function lock(): unknown {
  const name = shop.path('cdk-stack.lock.json');
  return fs.existsSync(name) ? (JSON.parse(fs.readFileSync(name, 'utf8')) as { urls: unknown }).urls : undefined;
}

const told = (code: StackEvent['code']): StackEvent[] => shop.events.filter((event) => event.code === code);

describe('where an import from a URL goes', () => {
  test.each([
    ['/favicon.ico?x=/y', '/dest/icon', ['dest', 'dest/icon']],
    ['/favicon.ico?x=/y', '/dest/', ['dest', 'dest/favicon.ico']],
    ['/favicon.ico', '/', ['favicon.ico']],
    ['/a%20b', '/', ['a b']],
    ['/', '/index', ['index']],
  ])('%s to %s', async (name, dest, expected) => {
    server.serve(name.replace(/\?.*/, ''), 'I');
    const tree = await shop.imports([urlImport(server.url(name), dest)]);
    expect(tree.map(({ path }) => path)).toEqual(expected);
    expect(textAt(tree, expected.at(-1) ?? '')).toBe('I');
  });

  test('a directory of the base is no place for it', async () => {
    server.serve('/f', 'F');
    const base: Tree = [{ type: 'directory', path: 'usr', mode: 0o755, uid: 0, gid: 0, mtime: 0 }];
    const error = await failureOf(shop.imports([urlImport(server.url('/f?secret'), '/usr')], base));
    expect(error).toMatchObject({ code: 'STACK3005', hint: expect.stringContaining("dest: '/usr/'") as string });
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  test('two URLs with one file name stay apart', async () => {
    for (const name of ['a', 'b']) server.serve(`/${name}/f`, name);
    const tree = await shop.imports(
      ['/a/f', '/b/f', '/a/f?c'].map((name, place) => urlImport(server.url(name), `/${String(place)}/`)),
    );
    expect(['0/f', '1/f', '2/f'].map((at) => textAt(tree, at))).toEqual(['a', 'b', 'a']);
  });
});

test('it is a file of root that nobody executes, of the time of the epoch, unless the import says otherwise', async () => {
  server.serve('/f', 'F');
  const tree = await shop.imports([
    urlImport(server.url('/f'), '/f'),
    urlImport(server.url('/f'), '/g', { mode: 0o4755, uid: 1, gid: 2 }),
  ]);
  expect(tree).toMatchObject([
    { path: 'f', type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: EPOCH, size: 1, sha256: sha('F') },
    { path: 'g', type: 'file', mode: 0o4755, uid: 1, gid: 2, mtime: EPOCH },
  ]);
  expect(server.seen).toHaveLength(1);
});

describe('a URL with a sha256', () => {
  test.each([sha('F'), sha('F').toUpperCase()])('%s is taken, and not locked', async (sha256) => {
    server.serve('/f', 'F');
    expect(textAt(await shop.imports([urlImport(server.url('/f'), '/f', { sha256 })]), 'f')).toBe('F');
    expect(lock()).toBeUndefined();
  });

  test('that is another is refused, and nothing is kept of it', async () => {
    server.serve('/f', 'F');
    const wrong = urlImport(server.url('/f?secret'), '/f', { sha256: sha('G') });
    const error = await failureOf(shop.imports([wrong]));
    expect(error).toMatchObject({
      code: 'STACK3001',
      message: `'${server.url('/f')}' has the sha256 ${sha('F')}, not ${sha('G')}`,
    });
    expect(blobs()).toEqual([]);
    expect(fs.readdirSync(`${shop.home}/store/v1/tmp`)).toEqual([]);
    expect(lock()).toBeUndefined();
  });

  test('needs no server once the store has it, from wherever', async () => {
    server.serve('/f', 'F');
    await shop.imports([urlImport(server.url('/f'), '/f')]);
    await server.stop();
    const tree = await shop.imports([urlImport('http://nowhere.invalid/f', '/g', { sha256: sha('F') })]);
    expect(textAt(tree, 'g')).toBe('F');
    server = await FaultServer.start();
  });

  test('is what counts: the same content from elsewhere is the same layer', async () => {
    server.serve('/a/f', 'F');
    server.serve('/b/f', 'F');
    const how = { sha256: sha('F') };
    const first = await shop.delta([urlImport(server.url('/a/f'), '/d/', how)]);
    const second = await shop.delta([urlImport(server.url('/b/f'), '/d/', how)]);
    expect(second?.contentKey).toBe(first?.contentKey);
    expect(server.seen.map(({ url }) => url)).toEqual(['/a/f']);
  });
});

describe('a URL without a sha256', () => {
  test('is locked, whole, and then needs no server', async () => {
    server.serve('/f', 'F');
    const url = server.url('/f?signature=s');
    const first = await shop.imports([urlImport(url, '/f')]);
    expect(lock()).toEqual({ [url]: { sha256: sha('F'), size: 1 } });
    await server.stop();
    const again = await shop.imports([urlImport(url, '/f'), urlImport(url, '/g')]);
    expect(textAt(again, 'f') + textAt(again, 'g')).toBe('FF');
    expect(first).toHaveLength(1);
    server = await FaultServer.start();
  });

  test('must keep its content, for stores that do not have it too', async () => {
    server.serve('/f', 'F');
    const url = server.url('/f?secret');
    await shop.imports([urlImport(url, '/f')]);
    fs.rmSync(`${shop.home}/store`, { recursive: true });
    server.serve('/f', 'new');
    const error = await failureOf(shop.imports([urlImport(url, '/f')]));
    expect(error).toMatchObject({
      code: 'STACK3001',
      message: `'${server.url('/f')}' has the sha256 ${sha('new')}, not ${sha('F')}, which is locked`,
      hint: expect.stringContaining(`run stack update '${server.url('/f')}'`) as string,
    });
    expect(JSON.stringify(error)).not.toContain('secret');
    expect(blobs()).toEqual([]);
    expect(lock()).toEqual({ [url]: { sha256: sha('F'), size: 1 } });
    fs.rmSync(shop.path('cdk-stack.lock.json'));
    expect(textAt(await shop.imports([urlImport(url, '/f')]), 'f')).toBe('new');
  });

  test('does not get into a frozen lock file', async () => {
    server.serve('/f', 'F');
    const build = (imports: readonly ImportPlan[]): Promise<unknown> =>
      shop.build({ images: { x: layer({ imports: [...imports] }) }, frozen: true });
    const error = await failureOf(build([urlImport(server.url('/f?secret'), '/f')]));
    expect(error).toMatchObject({ code: 'STACK3021', constructPath: 'x' });
    expect(JSON.stringify(error)).not.toContain('secret');
    expect(server.seen).toEqual([]);
    await build([urlImport(server.url('/f'), '/f', { sha256: sha('F') })]);
    expect(lock()).toBeUndefined();
  });

  test('is not locked when it cannot be downloaded', async () => {
    server.on('/f', (response) => {
      response.writeHead(200, { 'content-length': 4 }).write('FF', () => {
        response.destroy();
      });
    });
    expect(await failureOf(shop.imports([urlImport(server.url('/f'), '/f')]))).toMatchObject({ code: 'STACK3003' });
    expect(lock()).toBeUndefined();
    expect(blobs()).toEqual([]);
    expect(fs.readdirSync(`${shop.home}/store/v1/tmp`)).toEqual([]);
  });

  test('is downloaded once, however many images want it at a time', async () => {
    server.serve('/f', 'F');
    const images = Object.fromEntries(
      ['a', 'b', 'c'].map((name) => [name, layer({ imports: [urlImport(server.url('/f'), `/${name}`)] })]),
    );
    await shop.build({ images, concurrency: 3 });
    expect(server.seen).toHaveLength(1);
    expect(told('download-done')).toHaveLength(1);
  });
});

test('a file that the store lost is downloaded again only when a layer has to be packed', async () => {
  server.serve('/f', 'F');
  const images = { x: layer({ imports: [urlImport(server.url('/f'), '/f')] }) };
  await shop.build({ images });
  fs.rmSync(`${shop.home}/store/v1/blobs/sha256/${sha('F')}`);
  await shop.build({ images });
  expect(server.seen).toHaveLength(1);
  await shop.build({ images, formats: ['squashfs'] });
  expect(server.seen).toHaveLength(2);
});

test('several downloads of an image go on at the same time', async () => {
  const waiting: (() => void)[] = [];
  for (const name of ['/a', '/b', '/c']) {
    server.on(name, (response, request, count) => {
      waiting.push(() => {
        server.file(name)(response, request, count);
      });
      if (waiting.length === 3) for (const go of waiting) go();
    });
  }
  const tree = await shop.imports(['/a', '/b', '/c'].map((name) => urlImport(server.url(name), name)));
  expect(['a', 'b', 'c'].map((at) => textAt(tree, at))).toEqual(['/a', '/b', '/c']);
});

test('events tell what happens, without queries', async () => {
  server.serve('/f', 'FFFF', { etag: '"e"', dropAfter: [2] });
  const images = { x: layer({ imports: [urlImport(server.url('/f?secret'), '/f')] }) };
  await shop.build({
    images,
    onEvent: (event) => {
      if (event.code === 'download-progress') server.reached(event.bytes);
    },
  });
  const url = server.url('/f');
  expect(told('download-started')).toEqual([{ code: 'download-started', image: 'x', url }]);
  expect(told('download-progress')).toContainEqual({ code: 'download-progress', image: 'x', url, bytes: 2, total: 4 });
  expect(told('download-retried')).toMatchObject([{ image: 'x', url }]);
  expect(told('download-done')).toMatchObject([{ image: 'x', url, size: 4 }]);
  expect(JSON.stringify(shop.events)).not.toContain('secret');
});

test('a cancelled build downloads nothing more', async () => {
  const controller = new AbortController();
  server.on('/f', (response) => {
    response.writeHead(200, { 'content-length': 10 }).write('12345', () => {
      controller.abort(new Error('enough'));
    });
  });
  const images = { x: layer({ imports: [urlImport(server.url('/f'), '/f')] }) };
  await expect(shop.build({ images, signal: controller.signal })).rejects.toThrow('enough');
  expect(fs.readdirSync(`${shop.home}/store/v1/tmp`)).toEqual([]);
});

describe('a root filesystem from a URL', () => {
  /** A tar with one file, x, by GNU tar. */
  function serveTar(): string {
    shop.write({ x: 'X' });
    const name = shop.path('root.tar.gz');
    execFileSync('tar', ['-czf', name, '-C', shop.directory, 'x']);
    const content = fs.readFileSync(name);
    server.serve('/root.tar.gz', content);
    return createHash('sha256').update(content).digest('hex');
  }

  const from = (sha256?: string): Parameters<typeof layer>[0] => ({
    from: { type: 'tar', file: { type: 'url', url: server.url('/root.tar.gz?secret') }, sha256 },
  });

  test('is one layer, and needs no server twice', async () => {
    const sha256 = serveTar();
    const built = await shop.build({ images: { x: layer(from()) } });
    expect(lock()).toMatchObject({ [server.url('/root.tar.gz?secret')]: { sha256 } });
    const steps = built.get('x')?.variants.get('tar')?.steps;
    expect(steps?.map(({ history }) => history.created_by)).toEqual(['root filesystem from root.tar.gz']);
    fs.rmSync(`${shop.home}/store/v1/blobs/sha256/${sha256}`);
    for (const each of [from(), from(sha256)]) {
      const again = await shop.build({ images: { x: layer(each) } });
      expect(again.get('x')?.variants).toEqual(built.get('x')?.variants);
    }
    expect(server.seen).toHaveLength(1);
  });

  test('of another sha256 is refused', async () => {
    serveTar();
    expect(await failureOf(shop.build({ images: { x: layer(from(sha('X'))) } }))).toMatchObject({
      code: 'STACK3001',
      constructPath: 'x',
    });
  });

  test('that is none is refused by its name, without query', async () => {
    server.serve('/root.tar.gz', 'hello');
    const error = await failureOf(shop.build({ images: { x: layer(from()) } }));
    expect(error).toMatchObject({ code: 'STACK4001', message: expect.stringContaining('/root.tar.gz') as string });
    expect(JSON.stringify(error)).not.toContain('secret');
  });
});

test('--require-hash names every URL without a sha256 of the images that are built, and no other', async () => {
  const hashed = urlImport('http://h/good', '/', { sha256: sha('F') });
  const images = {
    a: layer({
      imports: [hashed, urlImport('http://h/a?secret', '/'), urlImport('http://h/b', '/')],
      source: 'app.ts:1:1',
    }),
    b: layer({ from: { type: 'tar', file: { type: 'url', url: 'http://h/t' } } }),
    c: layer({ from: { type: 'tar', file: { type: 'url', url: 'http://h/t' }, sha256: sha('F') }, imports: [hashed] }),
    d: layer({ imports: [urlImport('http://h/d', '/')] }),
  };
  const { plan } = await shop.context({ images });
  const error = await failureOf(() => {
    requireHashes(plan, ['a', 'b', 'c']);
  });
  expect(
    error.all().map(({ code, message, constructPath, source }) => [code, message.split(' ')[0], constructPath, source]),
  ).toEqual([
    ['STACK3022', "'http://h/a'", 'a', 'app.ts:1:1'],
    ['STACK3022', "'http://h/b'", 'a', 'app.ts:1:1'],
    ['STACK3022', "'http://h/t'", 'b', undefined],
  ]);
  expect(error.exitStatus).toBe(5);
  requireHashes(plan, ['c']);
});
