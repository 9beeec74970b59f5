import type * as undici from 'undici';
import { errnoOf, messageOf, StackError } from '../../core';
import { parseUrl, shownUrl } from '../../plan';
import { Interruption } from './interruption';
import { MAX_REDIRECTS, type DownloadLimits } from './limits';

/** What a server answered: 200, 206 or 416; all else is an error. */
export interface HttpResponse {
  readonly status: number;
  /** The URL that gave it, after redirects, without its query. */
  readonly from: string;
  header(name: string): string | undefined;
  /** The body, as it comes. @throws Interruption, StackError STACK3003 */
  readonly body: AsyncIterable<Buffer>;
  /** Lets go of a body nobody wants. */
  discard(): Promise<void>;
}

/** Loaded by the first download: it takes as long to load as all the rest. */
function library(): typeof undici {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a static import would be paid by every deploy
  return require('undici') as typeof undici;
}

/** Gets URLs, through the proxies that `http_proxy`, `https_proxy` and `no_proxy` (in either case) name. */
export class HttpClient {
  private dispatcher: undici.Dispatcher | undefined;

  public constructor(private readonly limits: DownloadLimits) {}

  /**
   * Asks for a URL, following redirects.
   * @throws Interruption where another attempt may succeed; StackError STACK3003 where it would not, STACK1005 for a proxy that is
   *   no URL
   */
  public async get(
    url: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    let place = url;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const response = await this.request(place, headers, signal);
      const { statusCode: status } = response;
      if (status === 200 || status === 206 || status === 416) return responseOf(response, place);
      await discard(response);
      const location = headerOf(response, 'location');
      if (![301, 302, 303, 307, 308].includes(status) || location === undefined) throw refusal(place, response);
      place = redirected(place, location);
    }
    throw unreadable(url, `it redirects more than ${String(MAX_REDIRECTS)} times`);
  }

  private async request(
    url: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<undici.Dispatcher.ResponseData> {
    const dispatcher = (this.dispatcher ??= this.connect());
    try {
      return await library().request(url, {
        dispatcher,
        // Bytes as they are, so that their hash is the one that is published beside them.
        headers: { 'accept-encoding': 'identity', 'user-agent': 'cdk-stack', ...headers },
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      throw failure(url, error);
    }
  }

  private connect(): undici.Dispatcher {
    const { idle } = this.limits;
    try {
      // Proxies forward plain http as it is; many allow tunnels to port 443 alone.
      return new (library().EnvHttpProxyAgent)({ headersTimeout: idle, bodyTimeout: idle, proxyTunnel: false });
    } catch {
      // The cause would repeat the value, with its password.
      throw new StackError('STACK1005', 'http_proxy or https_proxy is not a URL', {
        hint: 'write one such as http://proxy.example:3128',
      });
    }
  }
}

function responseOf(response: undici.Dispatcher.ResponseData, url: string): HttpResponse {
  return {
    status: response.statusCode,
    from: shownUrl(url),
    header: (name) => headerOf(response, name),
    body: bodyOf(response, url),
    discard: () => discard(response),
  };
}

async function* bodyOf({ body }: undici.Dispatcher.ResponseData, url: string): AsyncGenerator<Buffer> {
  const chunks = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await chunks.next().catch((error: unknown) => {
        throw failure(url, error);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await chunks.return?.();
  }
}

async function discard({ body }: undici.Dispatcher.ResponseData): Promise<void> {
  await body.dump({ limit: 16 * 1024 }).catch(() => undefined); // nobody wants it, so nobody minds
}

function headerOf({ headers }: undici.Dispatcher.ResponseData, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

function redirected(from: string, location: string): string {
  const target = URL.canParse(location, from) ? new URL(location, from).href : '';
  const parsed = parseUrl(target);
  if (!('url' in parsed)) throw unreadable(from, 'it redirects to what is not an http or https URL without a password');
  if (from.startsWith('https:') && !parsed.url.startsWith('https:')) {
    throw unreadable(
      from,
      `it redirects from https to '${shownUrl(parsed.url)}', which anybody could change on its way`,
    );
  }
  return parsed.url;
}

/** The error for a status that is no success. */
function refusal(url: string, response: undici.Dispatcher.ResponseData): Error {
  const { statusCode: status } = response;
  const reason = `'${shownUrl(url)}' answers with status ${String(status)}`;
  if (status >= 500 || [408, 425, 429].includes(status)) {
    return new Interruption(reason, retryAfter(headerOf(response, 'retry-after')));
  }
  const hint =
    status === 401 || status === 403
      ? 'it may want credentials, or be signed for a time that is over; use a URL that anybody can read'
      : undefined;
  return unreadable(url, `it answers with status ${String(status)}`, hint);
}

/** Milliseconds of a Retry-After header (RFC 9110, 10.2.3): seconds, or a date. */
function retryAfter(value: string | undefined): number {
  if (value === undefined) return 0;
  const milliseconds = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : 0;
}

/** Codes of undici for a connection that is gone, or over which nothing came. */
const BROKEN = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'HPE_INVALID_EOF_STATE',
]);

function failure(url: string, error: unknown): Error {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  const reason = messageOf(error) || code;
  const isTransient = BROKEN.has(code) || (errnoOf(error) !== undefined && code !== 'ENOTFOUND');
  if (isTransient) return new Interruption(`'${shownUrl(url)}': ${reason}`, 0, { cause: error });
  return unreadable(url, reason, undefined, error);
}

/** The error for a URL that cannot be downloaded. */
export function unreadable(url: string, reason: string, hint?: string, cause?: unknown): StackError {
  return new StackError('STACK3003', `cannot download '${shownUrl(url)}': ${reason}`, { hint, cause });
}
