import { requireSafeAddress } from './addresses';
import type { Challenge } from './challenge';
import type { Credential } from './credential';
import { RequestFailure, responseFailure } from './failure';
import { readBody, readStart, type Http, type HttpRequest, type HttpResponse } from './http';
import { printableUrl } from './printable';
import { parseRetryAfter, retrying, type RetryPolicy } from './retry';
import { covers } from './scopes';

/** Where a registry says its tokens are made. */
export interface TokenService {
  readonly realm: URL;
  readonly service: string | undefined;
}

const MAX_ANSWER = 64 * 1024;
const MAX_REDIRECTS = 10;
/** Seconds a token lives if its service does not say, and at least (distribution, auth/token). */
const MIN_LIFETIME = 60;
/** Part of a token's life after which it is not used any more. */
const USED_LIFE = 0.8;

interface Token {
  readonly owner: string;
  readonly scopes: readonly string[];
  readonly text: string;
  readonly asked: number;
  readonly expires: number;
}

/** The tokens of one registry. Whoever wants the same one at the same time waits for one request. */
export class Tokens {
  private tokens: readonly Token[] = [];
  private readonly pending = new Map<string, Promise<string>>();

  /** @param registry the address of the registry itself */
  public constructor(
    private readonly http: Http,
    private readonly registry: URL,
    private readonly policy: RetryPolicy,
  ) {}

  /**
   * The service a Bearer challenge names.
   * @throws StackError STACK6111 when nobody should send credentials there, STACK6110
   */
  public serviceOf(challenge: Challenge): TokenService {
    const realm = challenge.parameters.get('realm') ?? '';
    if (!URL.canParse(realm)) {
      throw new RequestFailure('STACK6110', `${this.registry.host} wants a token but does not say where to get one`);
    }
    const url = new URL(realm);
    requireSafeAddress(url, this.registry, true);
    return { realm: url, service: challenge.parameters.get('service') };
  }

  /**
   * A token for some scopes, the most important first: some services honour only that one.
   * @throws StackError STACK6104 and those of any request
   */
  public async get(
    service: TokenService,
    scopes: readonly string[],
    credential: Credential | undefined,
  ): Promise<string> {
    const owner = JSON.stringify([service.realm.href, service.service, credential]);
    const known = this.tokens.find(
      (token) => token.owner === owner && token.expires > Date.now() && covers(token.scopes, scopes),
    );
    if (known !== undefined) return known.text;
    const key = JSON.stringify([owner, [...scopes].sort()]);
    const fetching =
      this.pending.get(key) ?? this.fetch(service, scopes, credential, owner).finally(() => this.pending.delete(key));
    this.pending.set(key, fetching);
    return fetching;
  }

  /** Forgets the tokens that were there when a request was sent: one of them was refused, so all are in doubt. */
  public forget(sent: number): void {
    this.tokens = this.tokens.filter(({ asked }) => asked > sent);
  }

  private async fetch(
    service: TokenService,
    scopes: readonly string[],
    credential: Credential | undefined,
    owner: string,
  ): Promise<string> {
    const asked = Date.now();
    const { text, seconds } = await retrying(
      this.policy,
      undefined,
      () => undefined,
      async () => {
        const byRefresh =
          credential?.kind === 'identity' ? await this.post(service, scopes, credential.token) : undefined;
        return parseToken(await this.answer(byRefresh ?? (await this.ask(service, scopes, credential))), service.realm);
      },
    );
    const expires = asked + Math.max(MIN_LIFETIME, seconds) * 1000 * USED_LIFE;
    this.tokens = [...this.tokens.filter((token) => token.expires > asked), { owner, scopes, text, asked, expires }];
    return text;
  }

  /** Changes a refresh token (auth/oauth); undefined when the service only knows the older way. */
  private async post(
    service: TokenService,
    scopes: readonly string[],
    token: string,
  ): Promise<HttpResponse | undefined> {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      service: service.service ?? this.registry.host,
      client_id: 'cdk-stack',
      scope: scopes.join(' '),
      refresh_token: token,
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    const response = await this.http.send({
      method: 'POST',
      url: service.realm,
      headers,
      body: Buffer.from(form.toString()),
    });
    if (response.status !== 404 && response.status !== 405) return response;
    await readStart(response, MAX_ANSWER);
    return undefined;
  }

  private async ask(
    service: TokenService,
    scopes: readonly string[],
    credential: Credential | undefined,
  ): Promise<HttpResponse> {
    const url = new URL(service.realm);
    if (service.service !== undefined) url.searchParams.set('service', service.service);
    for (const scope of scopes) url.searchParams.append('scope', scope);
    const basic = credential === undefined ? undefined : basicOf(credential);
    return this.follow({ method: 'GET', url, headers: basic === undefined ? {} : { authorization: basic } });
  }

  private async follow(request: HttpRequest): Promise<HttpResponse> {
    let next = request;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const response = await this.http.send(next);
      const location = response.header('location');
      if (response.status < 300 || response.status >= 400 || location === undefined) return response;
      await readStart(response, MAX_ANSWER);
      if (!URL.canParse(location, next.url.href)) break;
      const url = new URL(location, next.url);
      requireSafeAddress(url, this.registry, true);
      next = { ...next, url, headers: url.origin === next.url.origin ? next.headers : {} };
    }
    throw new RequestFailure('STACK6110', `the token service ${request.url.host} redirects without end`);
  }

  private async answer(response: HttpResponse): Promise<Buffer> {
    if (response.status === 200) return readBody(response, MAX_ANSWER);
    const { content: body } = await readStart(response, MAX_ANSWER);
    const failure = responseFailure({
      what: `get a token for ${this.registry.host}`,
      request: `the token service ${printableUrl(response.url)}`,
      registry: this.registry.host,
      // What is wrong with credentials has many statuses here; to us it is one.
      status: [400, 403].includes(response.status) ? 401 : response.status,
      body,
      retryAfter: parseRetryAfter(response.header('retry-after')),
    });
    throw failure;
  }
}

/** The `Authorization` header of a credential that is shown as it is. */
export function basicOf(credential: Credential): string {
  switch (credential.kind) {
    case 'bearer':
      return `Bearer ${credential.token}`;
    case 'identity':
      return `Basic ${Buffer.from(`<token>:${credential.token}`).toString('base64')}`;
    case 'password':
      return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`;
  }
}

function parseToken(content: Buffer, realm: URL): { readonly text: string; readonly seconds: number } {
  let answer: Readonly<Record<string, unknown>>;
  try {
    answer = (JSON.parse(content.toString('utf8')) ?? {}) as Record<string, unknown>;
  } catch {
    answer = {}; // its text is not shown: it may be a token
  }
  const text = answer['token'] ?? answer['access_token'];
  const seconds = answer['expires_in'];
  if (typeof text !== 'string' || !/^[\x21-\x7e]+$/.test(text)) {
    throw new RequestFailure('STACK6110', `the token service ${realm.host} sent no token`);
  }
  return { text, seconds: typeof seconds === 'number' ? seconds : MIN_LIFETIME };
}
