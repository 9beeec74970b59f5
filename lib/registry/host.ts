import { redactReference } from '../core';
import type { Repository } from '../oci';
import { requireSafeAddress, isLoopback } from './addresses';
import type { Authorizer } from './authorizer';
import type { RegistryListener } from './events';
import { RequestFailure, responseFailure } from './failure';
import { readStart, type Body, type Http, type HttpResponse, type Method } from './http';
import type { HostLanes, LaneKind } from './lane';
import { printableText, printableUrl } from './printable';
import { parseRetryAfter, retrying, type RetryPolicy } from './retry';

/** A request to a registry. */
export interface Call {
  /** What is wanted, behind "cannot", for messages. */
  readonly what: string;
  readonly method: Method;
  /** A path behind `/v2/`, or an address the registry gave. */
  readonly target: string | URL;
  readonly repository: Repository;
  /** What a token must allow, the most important first. */
  readonly scopes: readonly string[];
  /** Statuses that are an answer; all others are failures. */
  readonly expected: readonly number[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body | undefined;
  readonly lane?: LaneKind;
  readonly signal?: AbortSignal | undefined;
}

/** What a host is made of. */
export interface HostParts {
  readonly base: URL;
  readonly http: Http;
  readonly authorizer: Authorizer;
  readonly lanes: HostLanes;
  readonly policy: RetryPolicy;
  readonly listener: RegistryListener;
  /** The registry this one stands in for, which it is told with every request (distribution-spec, *Registry Proxying*). */
  readonly mirrorOf?: string | undefined;
}

const MAX_ERROR = 64 * 1024;
const MAX_REDIRECTS = 10;
const SLOW_DOWN: ReadonlySet<number> = new Set([429, 503]);

/** One registry: sends requests to it with credentials, in its lanes, along redirects and again after passing failures. */
export class Host {
  private readonly warned = new Set<string>();

  public constructor(private readonly parts: HostParts) {}

  /** Where this registry answers. */
  public get base(): URL {
    return this.parts.base;
  }

  /** How often and when to try again. */
  public get policy(): RetryPolicy {
    return this.parts.policy;
  }

  /**
   * Sends a request and reads the answer. A request with a streamed body is sent only once: whoever sends it knows better
   * from where to go on.
   * @param read reads the answer's body; what it throws counts as the request's failure
   * @throws StackError of codes 61xx; the signal's reason when aborted
   */
  public async send<T>(call: Call, read: (response: HttpResponse) => Promise<T>): Promise<T> {
    const { lanes, policy, listener, base } = this.parts;
    const isReplayable = call.body === undefined || Buffer.isBuffer(call.body);
    const once = (): Promise<T> => lanes.run(call.lane ?? 'small', call.signal, () => this.authorized(call, read));
    const onRetry = (failure: RequestFailure, milliseconds: number): void => {
      listener({ code: 'request-retried', registry: base.host, reason: failure.message, milliseconds });
      this.slowDownAfter(failure, milliseconds);
    };
    return retrying(isReplayable ? policy : { ...policy, attempts: 1 }, call.signal, onRetry, once);
  }

  /** Lets all requests to this host wait if a failure says that there are too many. */
  public slowDownAfter({ status }: RequestFailure, milliseconds: number): void {
    if (status === undefined || !SLOW_DOWN.has(status)) return;
    this.parts.lanes.slowDown(milliseconds);
    this.parts.listener({ code: 'registry-paused', registry: this.parts.base.host, milliseconds });
  }

  private async authorized<T>(call: Call, read: (response: HttpResponse) => Promise<T>): Promise<T> {
    const { authorizer } = this.parts;
    for (let refusals = 0; ; refusals += 1) {
      const authorization = await authorizer.header(call.repository, call.scopes);
      const sent = Date.now();
      const response = await this.followed(call, authorization);
      this.tellWarnings(response);
      if (call.expected.includes(response.status)) return read(response);
      const { content: body } = await readStart(response, MAX_ERROR);
      const isOurs = response.status === 401 && response.url.origin === this.parts.base.origin;
      const canRetry =
        isOurs &&
        refusals === 0 &&
        (await authorizer.learn(response.headers('www-authenticate'), authorization, sent, call.repository));
      if (!canRetry) throw this.failure(call, response, body);
    }
  }

  /** Follows redirects. Credentials stay with the registry's own origin (distribution-spec, *Pulling blobs*, *Pushing blobs*). */
  private async followed(call: Call, authorization: string | undefined): Promise<HttpResponse> {
    const { base, http } = this.parts;
    let url = new URL(typeof call.target === 'string' ? `/v2/${call.target}` : call.target, base);
    if (this.parts.mirrorOf !== undefined) url.searchParams.set('ns', this.parts.mirrorOf);
    requireSafeAddress(url, base, false);
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const isOwn = url.origin === base.origin;
      const response = await http.send({
        method: call.method,
        url,
        headers: { ...call.headers, ...(isOwn && authorization !== undefined ? { authorization } : {}) },
        body: call.body,
        signal: call.signal,
      });
      const location = isRedirect(response.status, call.method) ? response.header('location') : undefined;
      if (location === undefined) return response;
      await readStart(response, MAX_ERROR);
      url = resolveLocation(location, url, base);
    }
    throw new RequestFailure('STACK6110', `cannot ${call.what}: ${base.host} redirects without end`);
  }

  private failure(call: Call, response: HttpResponse, body: Buffer): RequestFailure {
    return responseFailure({
      what: call.what,
      request: `${call.method} ${printableUrl(response.url)}`,
      registry: call.repository.registry,
      status: response.status,
      body,
      retryAfter: parseRetryAfter(response.header('retry-after')),
    });
  }

  private tellWarnings(response: HttpResponse): void {
    for (const line of response.headers('warning').slice(0, 10)) {
      const message = printableText(/^299 - "((?:[^"\\]|\\.)*)"/.exec(line)?.[1]?.replace(/\\(.)/g, '$1') ?? '');
      if (message === '' || this.warned.has(message) || this.warned.size >= 100) continue;
      this.warned.add(message);
      this.parts.listener({ code: 'registry-warning', registry: this.parts.base.host, message });
    }
  }
}

/**
 * An address that a registry gave, relative or not.
 * @throws StackError STACK6110, STACK6111
 */
export function resolveLocation(location: string, from: URL, base: URL): URL {
  if (!URL.canParse(location, from.href)) {
    throw new RequestFailure(
      'STACK6110',
      `${from.host} names an address that is none: '${printableText(redactReference(location))}'`,
    );
  }
  const url = new URL(location, from);
  requireSafeAddress(url, base, false);
  return url;
}

/** The address of a registry: https, but http for this machine. */
export function baseUrl(host: string, plainHttp: boolean | undefined): URL {
  const url = new URL(`https://${host}/`);
  if (plainHttp ?? isLoopback(url.hostname)) return new URL(`http://${host}/`);
  return url;
}

function isRedirect(status: number, method: Method): boolean {
  // 301 to 303 may change a method into GET, which is right for those that read only.
  return (
    status === 307 || status === 308 || ([301, 302, 303].includes(status) && (method === 'GET' || method === 'HEAD'))
  );
}
