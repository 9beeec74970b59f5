import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { MAX_DOCUMENT, MEDIA_TYPE, OciLayout, verifiedBlob, type Descriptor, type FoundImage } from '../../lib/oci';
import { failureOf } from '../failure';
import { AMD64, ARM64, descriptorOf, HandMade, named } from './fixture';

let directory: string;
let made: HandMade;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'layout-'));
  made = new HandMade(directory);
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

async function find(reference?: string, platform = AMD64): Promise<FoundImage> {
  return (await OciLayout.open(directory)).find(reference, platform);
}

const file = (name: string): string => path.join(directory, name);

describe('finding an image', () => {
  test('by its name', async () => {
    const [a, b] = [made.image('a'), made.image('b')];
    made.index(named('a', a), named('b', b));
    const found = await find('b');
    expect(found.descriptor.digest).toBe(b.digest);
    expect(found.manifest.layers).toEqual([descriptorOf('b', MEDIA_TYPE.tar)]);
    expect(found.config).toMatchObject({ ...AMD64, history: [], config: {} });
  });

  test('by its digest, and without a name where there is only one', async () => {
    const a = made.image('a');
    made.index(a, named('again', a));
    expect((await find()).descriptor.digest).toBe(a.digest);
    expect((await find(a.digest)).descriptor.digest).toBe(a.digest);
  });

  test('through an index, by platform', async () => {
    const [amd, arm] = [made.image('amd'), made.image('arm', ARM64)];
    const attestation = made.image('x', { os: 'unknown', architecture: 'unknown' });
    const list = {
      schemaVersion: 2,
      manifests: [
        { ...amd, platform: AMD64 },
        { ...arm, platform: { ...ARM64, variant: 'v8' } },
        { ...attestation, platform: { os: 'unknown', architecture: 'unknown' } },
      ],
    };
    const outer = made.blob({ schemaVersion: 2, manifests: [made.blob(list, MEDIA_TYPE.index)] }, MEDIA_TYPE.index);
    made.index(named('multi', outer));
    expect((await find('multi', ARM64)).descriptor.digest).toBe(arm.digest);
    expect((await find('multi', AMD64)).descriptor.digest).toBe(amd.digest);
  });

  test('by platform where one name stands for several', async () => {
    const [amd, arm] = [made.image('amd'), made.image('arm', ARM64)];
    made.index(named('x', amd, { platform: AMD64 }), named('x', arm, { platform: ARM64 }));
    expect((await find('x', ARM64)).descriptor.digest).toBe(arm.digest);
  });

  test("written by Docker, with Docker's media types and null for what is not set", async () => {
    const layer = made.blob('layer', MEDIA_TYPE.dockerLayerGzip);
    const config = made.blob(
      {
        ...AMD64,
        rootfs: { type: 'layers', diff_ids: [layer.digest] },
        history: [{ created_by: 'x', empty_layer: null }, { created_by: 'y' }],
        config: { Env: null, Cmd: ['sh'], Entrypoint: null, Labels: null, Volumes: null, OnBuild: null, Shell: ['sh'] },
        container_config: null,
      },
      MEDIA_TYPE.dockerConfig,
    );
    const manifest = made.blob({ schemaVersion: 2, config, layers: [layer] }, MEDIA_TYPE.dockerManifest);
    made.index(named('x', made.blob({ manifests: [{ ...manifest, platform: AMD64 }] }, MEDIA_TYPE.dockerIndex)));
    const found = await find('x');
    expect(found.manifest.layers).toEqual([layer]);
    expect(found.config.config).toEqual({ Cmd: ['sh'], Shell: ['sh'] });
    expect(found.config.history).toEqual([{ created_by: 'x' }, { created_by: 'y' }]);
    expect(found.config).not.toHaveProperty('container_config');
  });

  test('says what there is when the name is wrong', async () => {
    made.index(named('kernel', made.image('a')), made.image('b'));
    const error = await failureOf(find('kernal'));
    expect(error.code).toBe('STACK6002');
    expect(error.message).toContain('kernal');
    expect(error.hint).toContain('kernel, sha256:');
    made.index();
    expect((await failureOf(find())).hint).toBe('the layout is empty');
  });

  test('asks which one when there are several', async () => {
    made.index(named('a', made.image('a')), named('b', made.image('b')));
    expect(await failureOf(find())).toMatchObject({ code: 'STACK6002', hint: expect.stringContaining('a, b') as string });
    made.index(named('a', made.image('a')), named('a', made.image('b')));
    expect(await failureOf(find('a'))).toMatchObject({ code: 'STACK6002' });
  });

  test.each([
    ['its config', (arm: Descriptor) => made.index(named('x', arm))],
    ['its entry', (arm: Descriptor) => made.index(named('x', arm, { platform: ARM64 }))],
    [
      'an index',
      (arm: Descriptor) => {
        made.index(named('x', made.blob({ manifests: [{ ...arm, platform: ARM64 }] }, MEDIA_TYPE.index)));
      },
    ],
  ])('refuses an image for another platform, told by %s', async (_, prepare) => {
    prepare(made.image('arm', ARM64));
    const error = await failureOf(find('x', AMD64));
    expect(error).toMatchObject({ code: 'STACK6002', message: expect.stringContaining('linux/amd64') as string });
    expect(error.hint).toContain('linux/arm64');
  });

  test('takes a config without a variant for the platform its index says', async () => {
    const armv6 = { os: 'linux', architecture: 'arm', variant: 'v6' };
    const old = made.image('old', { os: 'linux', architecture: 'arm' });
    made.index(named('x', old, { platform: armv6 }));
    expect((await find('x', armv6)).descriptor.digest).toBe(old.digest);
  });
});

describe('what is no layout', () => {
  test.each([
    ['a directory without oci-layout', () => fs.rmSync(file('oci-layout')), 'STACK6001'],
    ['another version', () => made.write('oci-layout', '{"imageLayoutVersion":"2.0.0"}'), 'STACK6001'],
    ['no version', () => made.write('oci-layout', 'null'), 'STACK6001'],
    ['an oci-layout that is no JSON', () => made.write('oci-layout', '1.0.0'), 'STACK6005'],
    ['no index.json', () => undefined, 'STACK6001'],
    ['an index.json that is a directory', () => fs.mkdirSync(file('index.json')), 'STACK6005'],
    ['a pipe for an index.json', () => execFileSync('mkfifo', [file('index.json')]), 'STACK6005'],
    ['an endless index.json', () => fs.symlinkSync('/dev/zero', file('index.json')), 'STACK6005'],
    ['an index.json that is cut short', () => made.write('index.json', '{"manifests":[') , 'STACK6005'],
    ['an index.json without manifests', () => made.write('index.json', '{}'), 'STACK6005'],
    ['an index.json that is null', () => made.write('index.json', 'null'), 'STACK6005'],
    ['manifests and layers in one document', () => made.write('index.json', '{"manifests":[],"layers":[]}'), 'STACK6005'],
    [
      'an index.json of more than 4 MiB',
      () => made.write('index.json', JSON.stringify({ manifests: [], x: 'x'.repeat(MAX_DOCUMENT) })),
      'STACK6005',
    ],
  ])('is refused: %s', async (_, prepare, code) => {
    prepare();
    expect(await failureOf(find())).toMatchObject({ code, message: expect.stringContaining(directory) as string });
  });
});

describe('images that are wrong', () => {
  const HEX = 'a'.repeat(64);

  test.each([
    ['a digest that climbs', { digest: 'sha256:../../../../etc/passwd' }],
    ['a digest that climbs and is long enough', { digest: `sha256:${'../'.repeat(21)}x` }],
    ['a digest in capitals', { digest: `sha256:${HEX.toUpperCase()}` }],
    ['another algorithm', { digest: `sha512:${HEX}${HEX}` }],
    ['a digest with something behind it', { digest: `sha256:${HEX}\n` }],
    ['no digest', { digest: undefined }],
    ['a negative size', { digest: `sha256:${HEX}`, size: -1 }],
    ['half a size', { digest: `sha256:${HEX}`, size: 0.5 }],
    ['a size in words', { digest: `sha256:${HEX}`, size: '1' }],
    ['no media type', { digest: `sha256:${HEX}`, mediaType: undefined }],
    ['annotations that are no texts', { digest: `sha256:${HEX}`, annotations: { a: 1 } }],
    ['a platform that is none', { digest: `sha256:${HEX}`, platform: 'linux' }],
  ])('are refused before anything is looked up: %s', async (_, wrong) => {
    const entry = { mediaType: MEDIA_TYPE.manifest, size: 1, ...wrong };
    made.index(entry);
    expect(await failureOf(find())).toMatchObject({ code: 'STACK6005' });
    const layer = made.blob({ schemaVersion: 2, config: made.blob('{}', MEDIA_TYPE.config), layers: [entry] }, MEDIA_TYPE.manifest);
    made.index(layer);
    expect(await failureOf(find())).toMatchObject({ code: 'STACK6005', message: expect.stringContaining('descriptor') as string });
    made.index(made.blob({ schemaVersion: 2, manifests: [entry] }, MEDIA_TYPE.index));
    expect(await failureOf(find())).toMatchObject({ code: 'STACK6005' });
  });

  test('say so when a blob is missing', async () => {
    const image = made.image('a');
    fs.rmSync(file(`blobs/sha256/${image.digest.slice(7)}`));
    made.index(image);
    expect(await failureOf(find())).toMatchObject({ code: 'STACK6001', message: expect.stringContaining(image.digest.slice(7)) as string });
  });

  test.each(['manifest', 'config'] as const)('are refused when the %s is not what its digest says', async (which) => {
    const image = made.image('a');
    made.index(image);
    const { manifest } = await find();
    const digest = which === 'manifest' ? image.digest : manifest.config.digest;
    const content = fs.readFileSync(file(`blobs/sha256/${digest.slice(7)}`), 'utf8');
    made.write(`blobs/sha256/${digest.slice(7)}`, content.replace('linux', 'linuX').replace(':2', ':3'));
    expect(await failureOf(find())).toMatchObject({ code: 'STACK6004' });
    made.write(`blobs/sha256/${digest.slice(7)}`, `${content} `);
    expect(await failureOf(find())).toMatchObject({ code: 'STACK6004' });
  });

  test('are refused when a document is larger than 4 MiB, however small it says it is', async () => {
    const large = descriptorOf('x'.repeat(MAX_DOCUMENT + 1), MEDIA_TYPE.manifest);
    made.write(`blobs/sha256/${large.digest.slice(7)}`, 'x'.repeat(MAX_DOCUMENT + 1));
    made.index({ ...large, size: 10 });
    expect(await failureOf(find())).toMatchObject({ code: 'STACK6005', message: expect.stringContaining('4194304') as string });
  });

  test.each([
    ['manifests and layers in one document', (config: object) => ({ config, layers: [], manifests: [] })],
    ['no layers', (config: object) => ({ config })],
    ['no config', () => ({ layers: [] })],
    ['a list', () => []],
  ])('are refused: a manifest with %s', async (_, document) => {
    made.index(made.blob(document(made.blob('{}', MEDIA_TYPE.config)), MEDIA_TYPE.manifest));
    expect(await failureOf(find())).toMatchObject({ code: 'STACK6005' });
  });

  test.each([
    ['no platform', { os: undefined }],
    ['fewer diffIds than layers', { rootfs: { type: 'layers', diff_ids: [] } }],
    ['more diffIds than layers', { rootfs: { type: 'layers', diff_ids: [`sha256:${HEX}`, `sha256:${HEX}`] } }],
    ['diffIds that are no digests', { rootfs: { type: 'layers', diff_ids: ['x'] } }],
    ['no rootfs', { rootfs: null }],
    ['a history that is no list', { history: {} }],
    ['a history of nothing', { history: [null] }],
    ['a history with a text for a flag', { history: [{ empty_layer: 'yes' }] }],
    ['env that is no list', { config: { Env: 'A=1' } }],
    ['env of numbers', { config: { Env: [1] } }],
    ['labels that are no texts', { config: { Labels: { a: 1 } } }],
    ['ports in a list', { config: { ExposedPorts: ['80'] } }],
    ['a config that is a text', { config: 'x' }],
  ])('are refused: a config with %s', async (_, wrong) => {
    const layer = made.blob('layer', MEDIA_TYPE.tar);
    const good = { ...AMD64, rootfs: { type: 'layers', diff_ids: [layer.digest] } };
    const config = made.blob({ ...good, ...wrong }, MEDIA_TYPE.config);
    made.index(made.blob({ schemaVersion: 2, config, layers: [layer] }, MEDIA_TYPE.manifest));
    expect(await failureOf(find())).toMatchObject({ code: 'STACK6005' });
  });

  test('are refused when they are something else', async () => {
    made.index(named('x', made.blob('x', 'application/vnd.example')));
    const error = await failureOf(find('x'));
    expect(error).toMatchObject({ code: 'STACK6005', message: expect.stringContaining('application/vnd.example') as string });
  });

  test('are not followed through indexes without end', async () => {
    let entry = made.image('a');
    for (let depth = 0; depth < 5; depth += 1) entry = made.blob({ schemaVersion: 2, depth, manifests: [entry] }, MEDIA_TYPE.index);
    made.index(entry);
    expect(await failureOf(find())).toMatchObject({ code: 'STACK6005' });
  });
});

describe('verifiedBlob', () => {
  const content = Buffer.alloc(3_000_000, 'some content');
  const descriptor = descriptorOf(content, MEDIA_TYPE.tar);

  async function read(actual: Buffer, expected = descriptor): Promise<Buffer> {
    made.write('blob', actual);
    const chunks: Buffer[] = [];
    for await (const chunk of verifiedBlob(file('blob'), expected)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  test('gives the bytes', async () => {
    expect((await read(content)).equals(content)).toBe(true);
    expect(await read(Buffer.alloc(0), descriptorOf('', MEDIA_TYPE.tar))).toEqual(Buffer.alloc(0));
  });

  test.each([
    ['shorter', content.subarray(1)],
    ['longer', Buffer.concat([content, Buffer.from('x')])],
    ['different', Buffer.concat([content.subarray(0, -1), Buffer.from('X')])],
    ['empty', Buffer.alloc(0)],
  ])('fails for a file that is %s', async (_, actual) => {
    expect(await failureOf(read(actual))).toMatchObject({ code: 'STACK6004' });
  });

  test('fails for what is no file', async () => {
    const from = async (name: string): Promise<void> => {
      for await (const chunk of verifiedBlob(file(name), descriptor)) void chunk;
    };
    expect(await failureOf(from('missing'))).toMatchObject({ code: 'STACK6001' });
    expect(await failureOf(from('blobs'))).toMatchObject({ code: 'STACK6005' });
    execFileSync('mkfifo', [file('pipe')]);
    expect(await failureOf(from('pipe'))).toMatchObject({ code: 'STACK6005' });
  });
});
