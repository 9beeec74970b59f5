import { spawn, type ChildProcess } from 'node:child_process';

/** Bytes of the one blob it has, which are zeros. */
export const LARGE = 2 * 1024 ** 3;
/** As `head -c 2147483648 /dev/zero | sha256sum` tells. */
export const LARGE_DIGEST = 'sha256:a7c744c13cc101ed66c29f672f92455547889cc586ce6d44fe76ae824958ea51';

/** Keeps nothing but manifests and small blobs: what it gets and sends may be larger than its memory. */
const SERVER = `
  const { createHash } = require('node:crypto');
  const [large, largeDigest] = [Number(process.argv[1]), process.argv[2]];
  const piece = Buffer.alloc(1024 * 1024);
  const kept = new Map();
  const uploads = new Map();
  const log = [];
  const digestOf = (content) => 'sha256:' + createHash('sha256').update(content).digest('hex');
  const read = async (request) => {
    let size = 0;
    let start = [];
    for await (const chunk of request) {
      size += chunk.length;
      if (size <= piece.length) start.push(chunk);
      else start = [];
    }
    return { size, content: Buffer.concat(start) };
  };
  const sendLarge = async (response) => {
    response.writeHead(200, { 'content-length': large });
    for (let sent = 0; sent < large && !response.destroyed; sent += piece.length) {
      if (!response.write(piece)) await require('node:events').once(response, 'drain').catch(() => undefined);
    }
    response.end();
  };
  const server = require('node:http').createServer({ requestTimeout: 0, keepAliveTimeout: 600_000 }, async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://x');
    const last = decodeURIComponent(pathname.split('/').at(-1));
    if (pathname === '/log') return response.end(JSON.stringify(log));
    const { size, content } = await read(request);
    log.push({ method: request.method, path: request.url, bytes: size });
    const answer = (status, headers = {}) => response.writeHead(status, headers).end();
    if (request.method === 'POST') {
      uploads.set(String(uploads.size), 0);
      return answer(202, { location: '/v2/x/blobs/uploads/' + (uploads.size - 1) });
    }
    if (request.method === 'PATCH') {
      uploads.set(last, uploads.get(last) + size);
      return answer(202, { location: pathname, range: '0-' + (uploads.get(last) - 1) });
    }
    if (request.method === 'PUT' && pathname.includes('/uploads/')) {
      const digest = searchParams.get('digest');
      const total = uploads.get(last) + size;
      if (digest === largeDigest ? total !== large : digestOf(content) !== digest) return answer(400);
      kept.set(digest, { content });
      return answer(201);
    }
    if (request.method === 'PUT') {
      const entry = { content, type: request.headers['content-type'] };
      kept.set(last, entry).set(digestOf(content), entry);
      return answer(201);
    }
    if (last === largeDigest && request.method === 'GET') return sendLarge(response);
    const found = kept.get(last);
    if (found === undefined) return answer(404);
    response.writeHead(200, {
      'content-type': found.type ?? 'application/octet-stream',
      'content-length': found.content.length,
      ...(found.type === undefined ? {} : { 'docker-content-digest': digestOf(found.content) }),
    });
    response.end(found.content);
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

/**
 * A registry in a process of its own that throws large blobs away, and has one to read in every repository. It keeps connections
 * for ten minutes, and says so.
 */
export class DiscardingRegistry {
  public static async start(): Promise<DiscardingRegistry> {
    const child = spawn(process.execPath, ['-e', SERVER, String(LARGE), LARGE_DIGEST], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const port = await new Promise<number>((resolve) => child.stdout.once('data', (text) => resolve(Number(text))));
    return new DiscardingRegistry(port, child);
  }

  private constructor(
    public readonly port: number,
    private readonly child: ChildProcess,
  ) {}

  public get host(): string {
    return `127.0.0.1:${String(this.port)}`;
  }

  /** Puts something there, under a path behind `/v2/`. */
  public async put(where: string, content: Buffer, mediaType: string): Promise<void> {
    const headers = { 'content-type': mediaType };
    const { ok } = await fetch(`http://${this.host}/v2/${where}`, { method: 'PUT', body: content, headers });
    if (!ok) throw new Error(`the registry refuses ${where}`);
  }

  /** Every request so far. */
  public async log(): Promise<{ readonly method: string; readonly path: string; readonly bytes: number }[]> {
    return (await (await fetch(`http://${this.host}/log`)).json()) as never;
  }

  public async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await ended;
  }
}
