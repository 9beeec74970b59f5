import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { HttpClient } from '../../../lib/build/download/http';
import { DOWNLOAD_LIMITS, type DownloadLimits } from '../../../lib/build/download/limits';
import { transfer, type Transferred } from '../../../lib/build/download/transfer';
import { failureOf } from '../../failure';
import { FaultServer } from './fault-server';

const CONTENT = Buffer.alloc(300_000, 'all the bytes of a file; ');
const OTHER = Buffer.alloc(300_000, 'quite another file, no doubt; ');
const PROXIES = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

let server: FaultServer;
let directory: string;
let target: string;
let retries: string[];
const environment = { ...process.env };

beforeEach(async () => {
  for (const name of PROXIES) Reflect.deleteProperty(process.env, name);
  server = await FaultServer.start();
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'transfer-'));
  target = path.join(directory, 'file');
  retries = [];
});

afterEach(async () => {
  await server.stop();
  fs.rmSync(directory, { recursive: true, force: true });
  process.env = { ...environment };
});

interface Given extends Partial<DownloadLimits> {
  readonly isKnown?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (bytes: number, total: number | undefined) => void;
}

function get(url: string, { isKnown = false, signal, onProgress, ...given }: Given = {}): Promise<Transferred> {
  const limits = { ...DOWNLOAD_LIMITS, backoff: 1, ...given };
  return transfer(url, target, {
    http: new HttpClient(limits),
    limits,
    signal,
    isKnown,
    onProgress: (bytes, total) => {
      server.reached(bytes);
      onProgress?.(bytes, total);
    },
    onRetry: (reason) => retries.push(reason),
  });
}

async function expectContent(work: Promise<Transferred>, content = CONTENT): Promise<void> {
  const sha256 = createHash('sha256').update(content).digest('hex');
  expect(await work).toEqual({ sha256, size: content.length });
  expect(fs.readFileSync(target).equals(content)).toBe(true);
}

const ranges = (): (string | undefined)[] => server.seen.map(({ headers }) => headers.range);

describe('a file', () => {
  test('arrives as it is, with its sha256', async () => {
    server.serve('/f', CONTENT);
    const progress: unknown[] = [];
    await expectContent(get(server.url('/f?q=1'), { onProgress: (...facts) => progress.push(facts) }));
    expect(progress.at(-1)).toEqual([CONTENT.length, CONTENT.length]);
    expect(server.seen).toMatchObject([{ url: '/f?q=1', headers: { 'accept-encoding': 'identity' } }]);
  });

  test('may be empty, or come in chunks of unknown number', async () => {
    server.serve('/empty', '');
    server.on('/chunks', (response) => {
      response.write(CONTENT.subarray(0, 1000));
      response.end(CONTENT.subarray(1000));
    });
    await expectContent(get(server.url('/empty')), Buffer.alloc(0));
    fs.rmSync(target);
    await expectContent(get(server.url('/chunks')));
  });

  test('whose end nothing tells is taken only where its sha256 is known', async () => {
    server.on('/f', (response) => {
      response.socket?.end(`HTTP/1.0 200 OK\r\n\r\n${CONTENT.toString()}`);
    });
    expect(await failureOf(get(server.url('/f')))).toMatchObject({
      code: 'STACK3003',
      message: expect.stringContaining('does not say how long it is') as string,
      hint: 'declare its sha256',
    });
    fs.rmSync(target);
    await expectContent(get(server.url('/f'), { isKnown: true }));
  });

  test('that is encoded is refused', async () => {
    server.serve('/f', CONTENT, { headers: { 'content-encoding': 'gzip' } });
    const error = await failureOf(get(server.url('/f')));
    expect(error).toMatchObject({ code: 'STACK3003', message: expect.stringContaining('encoded as gzip') as string });
  });

  test('that is too large is refused, announced or not', async () => {
    server.serve('/f', CONTENT);
    server.on('/chunks', (response) => {
      response.write(CONTENT.subarray(0, 1000));
      response.end(CONTENT.subarray(1000));
    });
    for (const name of ['/f', '/chunks']) {
      const error = await failureOf(get(server.url(name), { size: 299_999 }));
      expect(error.message).toMatch(/it is larger than 299999 bytes$/);
      expect(retries).toEqual([]);
      fs.rmSync(target);
    }
  });
});

describe('a transfer that broke off', () => {
  test.each([
    ['a strong ETag', { etag: '"one"' }, '"one"'],
    ['an old Last-Modified', { lastModified: 'Mon, 01 Jan 2024 00:00:00 GMT' }, 'Mon, 01 Jan 2024 00:00:00 GMT'],
  ])('is resumed with %s', async (_, faults, condition) => {
    server.serve('/f', CONTENT, { ...faults, dropAfter: [100_000, 50_000] });
    await expectContent(get(server.url('/f')));
    expect(ranges()).toEqual([undefined, 'bytes=100000-', 'bytes=150000-']);
    expect(server.seen.slice(1).map(({ headers }) => headers['if-range'])).toEqual([condition, condition]);
    expect(retries).toHaveLength(2);
  });

  test.each([
    ['nothing to tell contents apart', {}],
    ['a weak ETag', { etag: 'W/"one"', lastModified: 'Mon, 01 Jan 2024 00:00:00 GMT' }],
    ['a Last-Modified of just now', { lastModified: new Date().toUTCString() }],
  ])('begins anew with %s', async (_, faults) => {
    server.serve('/f', CONTENT, { ...faults, dropAfter: [100_000, 50_000] });
    await expectContent(get(server.url('/f')));
    expect(ranges()).toEqual([undefined, undefined, undefined]);
  });

  test('begins anew when the content changed meanwhile', async () => {
    server.on('/f', (response, request, count) => {
      if (count === 1) server.file(CONTENT, { etag: '"one"', dropAfter: [100_000] })(response, request, 1);
      else server.file(OTHER, { etag: '"two"' })(response, request, count);
    });
    await expectContent(get(server.url('/f')), OTHER);
    expect(ranges()).toEqual([undefined, 'bytes=100000-']);
  });

  test('begins anew when the server has no ranges', async () => {
    server.serve('/f', CONTENT, { etag: '"one"', dropAfter: [100_000], noRanges: true });
    await expectContent(get(server.url('/f')));
  });

  const LENGTH = String(CONTENT.length);
  test.each([
    ['another place', { 'content-range': `bytes 99999-${String(CONTENT.length - 2)}/${LENGTH}` }],
    ['another length', { 'content-range': `bytes 100000-${String(CONTENT.length - 1)}/400000` }],
    ['no place', { 'content-range': '' }],
    ['another ETag', { etag: '"two"' }],
  ])('begins anew when the rest is of %s', async (_, headers) => {
    server.on('/f', (response, request, count) => {
      if (count === 1) server.file(CONTENT, { etag: '"one"', dropAfter: [100_000] })(response, request, 1);
      else if (count === 2) server.file(CONTENT, { etag: '"one"', headers })(response, request, count);
      else server.file(CONTENT)(response, request, count);
    });
    await expectContent(get(server.url('/f')));
    expect(ranges()).toEqual([undefined, 'bytes=100000-', undefined]);
  });

  test('begins anew when the rest comes from elsewhere', async () => {
    server.on('/f', (response, _, count) => {
      response.writeHead(302, { location: count === 1 ? '/one' : '/two' }).end();
    });
    server.serve('/one', CONTENT, { etag: '"same"', dropAfter: [100_000] });
    server.serve('/two', OTHER, { etag: '"same"' });
    await expectContent(get(server.url('/f')), OTHER);
  });

  test('is resumed where a redirect leads, with whatever query it now has', async () => {
    server.on('/f', (response, _, count) => {
      response.writeHead(307, { location: `/signed?token=${String(count)}` }).end();
    });
    server.serve('/signed', CONTENT, { etag: '"one"', dropAfter: [100_000] });
    await expectContent(get(server.url('/f')));
    expect(server.seen.map(({ url, headers }) => [url, headers.range])).toEqual([
      ['/f', undefined],
      ['/signed?token=1', undefined],
      ['/f', 'bytes=100000-'],
      ['/signed?token=2', 'bytes=100000-'],
    ]);
  });

  test('begins anew when the server says there is no such range', async () => {
    server.on('/f', (response, request, count) => {
      if (count === 2) response.writeHead(416).end();
      else server.file(CONTENT, { etag: '"one"', dropAfter: [100_000] })(response, request, count);
    });
    await expectContent(get(server.url('/f')));
    expect(ranges()).toEqual([undefined, 'bytes=100000-', undefined]);
  });

  test('in the middle of chunks is not taken for the whole', async () => {
    server.on('/f', (response, _, count) => {
      response.write(CONTENT.subarray(0, 1000));
      if (count === 1) setTimeout(() => response.destroy(), 20);
      else response.end(CONTENT.subarray(1000));
    });
    await expectContent(get(server.url('/f')));
  });

  test('is given up after some attempts that bring nothing', async () => {
    server.serve('/f', CONTENT, { etag: '"one"', dropAfter: Array<number>(20).fill(10) });
    const error = await failureOf(get(server.url('/f?key=secret')));
    expect(error.code).toBe('STACK3003');
    expect(error.message).toMatch(/^cannot download 'http:\/\/127\.0\.0\.1:\d+\/f': /);
    expect(server.seen).toHaveLength(5);
    expect([error.message, error.hint, ...retries].join()).not.toContain('secret');
  });

  test('goes on for as long as it gets further', async () => {
    const large = Buffer.alloc(9 * 1024 * 1024, 'x');
    server.serve('/f', large, { etag: '"one"', dropAfter: Array<number>(8).fill(1024 * 1024) });
    await expectContent(get(server.url('/f')), large);
    expect(retries.length).toBeGreaterThan(5);
  });

  test('because nothing came for a while is tried again', async () => {
    server.on('/f', (response, request, count) => {
      if (count === 1) response.writeHead(200, { 'content-length': 10 }).write('12345');
      else server.file(CONTENT)(response, request, count);
    });
    await expectContent(get(server.url('/f'), { idle: 500 }));
    expect(retries).toEqual([expect.stringMatching(/Body Timeout/i)]);
  });

  test('by the user is over at once', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    server.serve('/f', CONTENT, { dropAfter: [10] });
    server.on('/slow', (response) => {
      response.writeHead(200, { 'content-length': 10 }).write('12345', () => {
        controller.abort(reason);
      });
    });
    await expect(get(server.url('/slow'), { signal: controller.signal })).rejects.toBe(reason);
    fs.rmSync(target);
    await expect(get(server.url('/f'), { signal: controller.signal })).rejects.toBe(reason);
    const waiting = new AbortController();
    fs.rmSync(target);
    setTimeout(() => {
      waiting.abort(reason);
    }, 200);
    await expect(get(server.url('/f'), { signal: waiting.signal, backoff: 60_000 })).rejects.toBe(reason);
  });
});

describe('a server', () => {
  test.each([500, 502, 503, 504, 429, 408])('that answers %d is asked again', async (status) => {
    server.on('/f', (response, request, count) => {
      if (count === 1) response.writeHead(status).end('sorry');
      else server.file(CONTENT)(response, request, count);
    });
    await expectContent(get(server.url('/f')));
    expect(retries).toEqual([expect.stringMatching(`answers with status ${String(status)}$`)]);
  });

  test.each([400, 401, 403, 404, 410, 204, 304])('that answers %d is not', async (status) => {
    server.on('/f', (response) => response.writeHead(status).end());
    const error = await failureOf(get(server.url('/f')));
    expect(error).toMatchObject({
      code: 'STACK3003',
      message: expect.stringMatching(`: it answers with status ${String(status)}$`) as string,
    });
    expect(server.seen).toHaveLength(1);
  });

  test('is left alone for as long as it asks, within bounds', async () => {
    server.on('/f', (response, request, count) => {
      if (count === 1) response.writeHead(429, { 'retry-after': '1' }).end();
      else if (count === 2) response.writeHead(503, { 'retry-after': '100000' }).end();
      else if (count === 3) response.writeHead(503, { 'retry-after': 'soon' }).end();
      else server.file(CONTENT)(response, request, count);
    });
    const before = performance.now();
    await expectContent(get(server.url('/f'), { wait: 1500 }));
    expect(performance.now() - before).toBeGreaterThanOrEqual(2490);
  });

  test('that is not there is an error', async () => {
    const gone = await FaultServer.start();
    const url = gone.url('/f');
    await gone.stop();
    expect(await failureOf(get(url))).toMatchObject({
      code: 'STACK3003',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
    expect(retries).toHaveLength(4);
  });

  test('that speaks something else is an error', async () => {
    server.on('/f', (response) => response.socket?.end('SSH-2.0-OpenSSH\r\n'));
    expect(await failureOf(get(server.url('/f')))).toMatchObject({ code: 'STACK3003' });
  });
});

describe('a redirect', () => {
  test.each([301, 302, 303, 307, 308])('of status %d is followed', async (status) => {
    server.on('/a/f', (response) => response.writeHead(status, { location: '../b?x#y' }).end('see there'));
    server.serve('/b', CONTENT);
    await expectContent(get(server.url('/a/f')));
    expect(server.seen.map(({ url }) => url)).toEqual(['/a/f', '/b?x']);
  });

  test('in a circle is not followed for ever', async () => {
    server.on('/f', (response) => response.writeHead(302, { location: '/f?secret' }).end());
    expect(await failureOf(get(server.url('/f')))).toMatchObject({
      code: 'STACK3003',
      message: expect.stringMatching(/\/f': it redirects more than 10 times$/) as string,
    });
    expect(server.seen).toHaveLength(11);
  });

  test.each(['file:///etc/passwd', 'ftp://h/x', 'http://u:secret@127.0.0.1/', 'http://[secret', 'data:,secret'])(
    'to %s is refused',
    async (location) => {
      server.on('/f', (response) => response.writeHead(302, { location }).end());
      const error = await failureOf(get(server.url('/f')));
      expect(error.message).toMatch(/it redirects to what is not an http or https URL without a password$/);
      expect(JSON.stringify(error)).not.toContain('secret');
    },
  );

  test('to nowhere is an error', async () => {
    server.on('/f', (response) => response.writeHead(302).end());
    expect((await failureOf(get(server.url('/f')))).message).toMatch(/it answers with status 302$/);
  });
});

describe('a proxy', () => {
  test('is asked for everything but what no_proxy names', async () => {
    server.on('http://nowhere.invalid/f', server.file(CONTENT));
    server.serve('/direct', CONTENT);
    process.env['http_proxy'] = server.url('');
    process.env['no_proxy'] = '127.0.0.1';
    await expectContent(get('http://nowhere.invalid/f?q'));
    expect(server.seen).toMatchObject([{ url: 'http://nowhere.invalid/f?q', headers: { host: 'nowhere.invalid' } }]);
    fs.rmSync(target);
    await expectContent(get(server.url('/direct')));
    expect(server.seen[1]?.url).toBe('/direct');
  });

  test('that is no URL is an error that does not repeat it', async () => {
    process.env['http_proxy'] = 'http://user:secret@h:port';
    const error = await failureOf(get('http://nowhere.invalid/f'));
    expect(error).toMatchObject({ code: 'STACK1005', message: 'http_proxy or https_proxy is not a URL' });
    expect(error.cause).toBeUndefined();
    expect(JSON.stringify(error)).not.toContain('secret');
  });
});
