import { randomBytes } from 'node:crypto';
import { covers } from '../scopes';
import { refusal, type Answer, type Exchange } from './exchange';

/** Who may come in. */
export interface FakeAuth {
  readonly kind: 'basic' | 'bearer';
  readonly username: string;
  readonly password: string;
  /** Lets anybody read. @default false */
  readonly anonymousPull?: boolean;
  /** A refresh token that is as good as the password. @default none */
  readonly refreshToken?: string;
  /** Whether the token service knows refresh tokens in the newer way, with POST. @default true */
  readonly oauth?: boolean;
  /** Seconds a token is said to live. @default not said */
  readonly expiresIn?: number;
  /** Address of the token service as the registry tells it. @default its own `/token` */
  readonly realm?: string;
}

/** Refuses who may not come in, and makes tokens. */
export class AccessControl {
  private readonly tokens = new Map<string, readonly string[]>();

  public constructor(
    private readonly auth: FakeAuth | undefined,
    private readonly origin: () => string,
  ) {}

  /** The refusal of a request that lacks a right; undefined: it may go on. */
  public check(exchange: Exchange, scopes: readonly string[]): Answer | undefined {
    if (this.auth === undefined) return undefined;
    const shown = exchange.header('authorization') ?? '';
    if (this.auth.kind === 'basic') {
      return shown === this.basic() ? undefined : this.challenge('Basic realm="fake"');
    }
    const granted = this.tokens.get(shown.replace(/^Bearer /, ''));
    if (granted !== undefined && covers(granted, scopes)) return undefined;
    const realm = this.auth.realm ?? `${this.origin()}/token`;
    return this.challenge(`Bearer realm="${realm}",service="fake",scope="${scopes.join(' ')}"`);
  }

  /** Makes a token (distribution, auth/token and auth/oauth). */
  public async token(exchange: Exchange): Promise<Answer> {
    if (this.auth === undefined) return refusal(404, 'UNSUPPORTED');
    const form = new URLSearchParams((await exchange.body()).toString());
    if (exchange.request.method === 'POST') {
      if (this.auth.oauth === false) return refusal(405, 'UNSUPPORTED');
      const isKnown = this.auth.refreshToken !== undefined && form.get('refresh_token') === this.auth.refreshToken;
      return isKnown ? this.grant((form.get('scope') ?? '').split(' '), 'access_token') : refusal(401, 'UNAUTHORIZED');
    }
    const scopes = exchange.url.searchParams.getAll('scope').flatMap((each) => each.split(' '));
    const shown = exchange.header('authorization');
    if (shown === this.basic() || shown === this.basic('<token>', this.auth.refreshToken))
      return this.grant(scopes, 'token');
    if (shown !== undefined || this.auth.anonymousPull !== true) return refusal(401, 'UNAUTHORIZED');
    return this.grant(
      scopes.filter((scope) => scope.endsWith(':pull')),
      'token',
    );
  }

  /** Forgets all tokens, as if they had expired. */
  public expireTokens(): void {
    this.tokens.clear();
  }

  private grant(scopes: readonly string[], member: string): Answer {
    const token = randomBytes(16).toString('hex');
    this.tokens.set(token, scopes);
    const expiry = this.auth?.expiresIn === undefined ? {} : { expires_in: this.auth.expiresIn };
    const body = Buffer.from(JSON.stringify({ [member]: token, ...expiry }));
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  }

  private basic(username = this.auth?.username, password = this.auth?.password): string {
    return `Basic ${Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64')}`;
  }

  private challenge(text: string): Answer {
    return refusal(401, 'UNAUTHORIZED', { 'www-authenticate': text });
  }
}
