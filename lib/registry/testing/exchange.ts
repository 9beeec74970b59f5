import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeBehavior, Fault, LoggedRequest } from './behavior';

/** An answer to be sent. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** An answer with an error of the distribution-spec. */
export function refusal(status: number, code: string, headers: Readonly<Record<string, string>> = {}): Answer {
  const body = Buffer.from(JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] }));
  return { status, headers: { 'content-type': 'application/json', ...headers }, body };
}

/** Thrown when the connection was dropped on purpose. */
export class Dropped extends Error {}

const PIECE = 64 * 1024;

/** One request and its answer, with what goes wrong between them. */
export class Exchange {
  public readonly url: URL;
  private readonly socket;

  public constructor(
    public readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    public readonly logged: LoggedRequest,
    private readonly behavior: FakeBehavior,
    private readonly fault: Fault | undefined,
  ) {
    this.url = new URL(logged.path, 'http://registry');
    this.socket = request.socket;
  }

  public header(name: string): string | undefined {
    return [this.request.headers[name]].flat()[0];
  }

  /**
   * Reads the body piece by piece.
   * @throws Dropped when the connection broke, on purpose or not
   */
  public async read(onPiece: (piece: Buffer) => void): Promise<void> {
    const limit =
      this.fault !== undefined && 'dropRequestAfter' in this.fault ? this.fault.dropRequestAfter : undefined;
    try {
      for await (const piece of this.request as AsyncIterable<Buffer>) {
        const part = limit === undefined ? piece : piece.subarray(0, Math.max(0, limit - this.logged.bytes));
        this.logged.bytes += part.length;
        onPiece(part);
        if (limit !== undefined && this.logged.bytes >= limit) this.drop();
      }
    } catch (error) {
      throw error instanceof Dropped ? error : new Dropped('the client has hung up');
    }
    if (limit !== undefined) this.drop();
  }

  /** Reads the body whole. */
  public async body(): Promise<Buffer> {
    const pieces: Buffer[] = [];
    await this.read((piece) => pieces.push(piece));
    return Buffer.concat(pieces);
  }

  public async answer({ status, headers = {}, body = Buffer.alloc(0) }: Answer): Promise<void> {
    const { response, fault, behavior } = this;
    const isHead = this.request.method === 'HEAD';
    const hasLength = behavior.contentLength || !(this.request.method === 'GET' || isHead) || status >= 300;
    const cut = fault !== undefined && 'dropAnswerAfter' in fault ? fault.dropAnswerAfter : undefined;
    if (cut === 0) this.drop();
    response.writeHead(status, { ...headers, ...(hasLength ? { 'content-length': String(body.length) } : {}) });
    this.logged.status = status;
    if (!isHead) {
      const pause = fault !== undefined && 'slowAnswer' in fault ? fault.slowAnswer : 0;
      const end = Math.min(body.length, cut ?? body.length);
      for (let at = 0; at < end; at += PIECE) {
        if (pause > 0) await sleep(pause);
        if (!response.write(body.subarray(at, Math.min(end, at + PIECE)))) await drained(response);
      }
      if (cut !== undefined && cut < body.length) this.drop();
    }
    response.end();
  }

  private drop(): never {
    this.socket.destroy();
    throw new Dropped('the connection is dropped');
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
