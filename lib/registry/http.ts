import { Readable } from 'node:stream';
import { request as dispatch } from 'undici';
import type { Dispatchers } from './dispatchers';
import { connectionFailure, RequestFailure } from './failure';

/** Methods the distribution-spec uses. */
export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A body: bytes, or a stream of known length that is opened when it is sent. */
export type Body = Buffer | { readonly length: number; readonly open: () => AsyncIterable<Uint8Array> };

/** One request. */
export interface HttpRequest {
  readonly method: Method;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Body | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The answer to it. Its body must be read or dropped. */
export interface HttpResponse {
  readonly status: number;
  readonly url: URL;
  readonly body: Readable;
  /** Value of a header; several lines of one name are joined with commas. */
  header(name: string): string | undefined;
  /** Every line of a header. */
  headers(name: string): readonly string[];
}

/** Sends single requests, without credentials, redirects or repetitions of its own. Timeouts count silence, not duration. */
export class Http {
  public constructor(
    private readonly dispatchers: Dispatchers,
    private readonly idleTimeout: number,
    private readonly userAgent: string,
  ) {}

  /** @throws StackError STACK6102, STACK6103; the signal's reason when aborted */
  public async send({ method, url, headers, body, signal }: HttpRequest): Promise<HttpResponse> {
    signal?.throwIfAborted();
    const stream =
      body === undefined || Buffer.isBuffer(body) ? undefined : Readable.from(body.open(), { objectMode: false });
    try {
      const response = await dispatch(url, {
        method,
        dispatcher: await this.dispatchers.for(url),
        headers: {
          'user-agent': this.userAgent,
          ...headers,
          ...(body === undefined ? {} : { 'content-length': String(body.length) }),
        },
        body: stream ?? (Buffer.isBuffer(body) ? body : null),
        signal: signal ?? null,
        headersTimeout: this.idleTimeout,
        bodyTimeout: this.idleTimeout,
      });
      // Whoever reads it gets its error; one who gives up must not bring down the process.
      response.body.on('error', () => undefined);
      const lines = (name: string): readonly string[] => [response.headers[name] ?? []].flat();
      return {
        status: response.statusCode,
        url,
        body: response.body,
        headers: lines,
        header: (name) => (lines(name).length === 0 ? undefined : lines(name).join(', ')),
      };
    } catch (error) {
      signal?.throwIfAborted();
      throw connectionFailure(url.host, error);
    } finally {
      stream?.destroy();
    }
  }
}

/**
 * Reads an answer whole.
 * @throws StackError STACK6110 when it is longer than `limit`, STACK6102 when it breaks off
 */
export async function readBody(response: HttpResponse, limit: number): Promise<Buffer> {
  const { content, isWhole } = await readStart(response, limit);
  if (isWhole) return content;
  throw new RequestFailure(
    'STACK6110',
    `${response.url.host} sent more than ${String(limit)} bytes where at most that are accepted`,
  );
}

/** Reads the beginning of an answer, and drops the rest. */
export async function readStart(
  response: HttpResponse,
  limit: number,
): Promise<{ readonly content: Buffer; readonly isWhole: boolean }> {
  const pieces: Buffer[] = [];
  let left = limit;
  try {
    for await (const piece of response.body as AsyncIterable<Buffer>) {
      pieces.push(piece.subarray(0, left));
      left -= piece.length;
      if (left < 0) break;
    }
  } catch (error) {
    throw connectionFailure(response.url.host, error);
  }
  return { content: Buffer.concat(pieces), isWhole: left >= 0 };
}
