import * as http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the tests look at it. */
export interface Seen {
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
}

/** Answers one request; the count starts at 1 and is that of the path. */
export type Answer = (response: http.ServerResponse, request: http.IncomingMessage, count: number) => void;

/** What a file server gets wrong. */
export interface Faults {
  readonly etag?: string;
  readonly lastModified?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  /**
   * Breaks the connection after so many bytes of the body, once the client has them (see {@link FaultServer.reached}); one
   * number for each request, then no more.
   */
  readonly dropAfter?: readonly number[];
  /** Does as if there were no Range header. */
  readonly noRanges?: true;
}

/** A server on the loopback whose every answer a test decides. */
export class FaultServer {
  public static async start(): Promise<FaultServer> {
    const server = new FaultServer();
    await new Promise<void>((resolve) => server.server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  public readonly seen: Seen[] = [];
  private readonly dropping = new Map<http.ServerResponse, number>();
  private readonly answers = new Map<string, Answer>();
  private readonly counts = new Map<string, number>();
  private readonly server = http.createServer((request, response) => {
    const url = request.url ?? '';
    const path = url.replace(/\?.*$/, '');
    this.seen.push({ url, headers: request.headers });
    const count = (this.counts.get(path) ?? 0) + 1;
    this.counts.set(path, count);
    const answer = this.answers.get(path);
    if (answer === undefined) response.writeHead(404).end();
    else answer(response, request, count);
  });

  public get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  public url(path: string): string {
    return `http://127.0.0.1:${String(this.port)}${path}`;
  }

  public on(path: string, answer: Answer): void {
    this.answers.set(path, answer);
  }

  /** Serves content, with ranges, and with faults. */
  public serve(path: string, content: string | Buffer, faults: Faults = {}): void {
    this.on(path, this.file(content, faults));
  }

  /** Answers with a file as servers do. */
  public file(content: string | Buffer, faults: Faults = {}): Answer {
    const bytes = Buffer.from(content);
    return (response, request, count) => {
      const { etag, lastModified, headers, dropAfter = [], noRanges } = faults;
      const condition = request.headers['if-range'];
      const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
      const isSame = condition === undefined || condition === (etag ?? lastModified);
      const start = asked !== undefined && isSame && noRanges === undefined ? Number(asked) : undefined;
      if (etag !== undefined) response.setHeader('etag', etag);
      if (lastModified !== undefined) response.setHeader('last-modified', lastModified);
      const body = bytes.subarray(start ?? 0);
      const range = `bytes ${String(start)}-${String(bytes.length - 1)}/${String(bytes.length)}`;
      response.writeHead(start === undefined ? 200 : 206, {
        'content-length': body.length,
        ...(start === undefined ? {} : { 'content-range': range }),
        ...headers,
      });
      const drop = dropAfter[count - 1];
      if (drop === undefined) response.end(body);
      else this.drop(response, body.subarray(0, drop), (start ?? 0) + drop);
    };
  }

  /** Tells how much of the file the client has: what it did not read yet when a connection breaks is lost to it. */
  public reached(bytes: number): void {
    for (const [response, position] of this.dropping) {
      if (bytes < position) continue;
      this.dropping.delete(response);
      response.destroy();
    }
  }

  public async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private drop(response: http.ServerResponse, body: Buffer, position: number): void {
    this.dropping.set(response, position);
    response.write(body);
  }
}
