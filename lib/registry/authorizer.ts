import { formatRepository, type Repository } from '../oci';
import { parseChallenges } from './challenge';
import type { Credential, CredentialSource } from './credential';
import { basicOf, type TokenService, type Tokens } from './tokens';

/** Knows what one registry wants to see before it answers. Nothing is shown to it before it has asked. */
export class Authorizer {
  private scheme: { readonly kind: 'basic' } | { readonly kind: 'bearer'; readonly service: TokenService } | undefined;
  private readonly credentials = new Map<string, Promise<Credential | undefined>>();

  public constructor(
    private readonly source: CredentialSource,
    private readonly tokens: Tokens,
  ) {}

  /**
   * The `Authorization` header for a request; undefined: none.
   * @throws StackError STACK6104, STACK6105 and those of requests
   */
  public async header(repository: Repository, scopes: readonly string[]): Promise<string | undefined> {
    if (this.scheme === undefined) return undefined;
    const credential = await this.credentialFor(repository);
    if (this.scheme.kind === 'basic' || credential?.kind === 'bearer') return credential && basicOf(credential);
    return `Bearer ${await this.tokens.get(this.scheme.service, scopes, credential)}`;
  }

  /**
   * Learns from a refusal.
   * @param challenges values of its WWW-Authenticate headers
   * @param shown the `Authorization` header that was refused
   * @param sent when it was sent
   * @returns whether another one could do better
   * @throws StackError STACK6110, STACK6111
   */
  public async learn(
    challenges: readonly string[],
    shown: string | undefined,
    sent: number,
    repository: Repository,
  ): Promise<boolean> {
    const offered = parseChallenges(challenges);
    const bearer = offered.find(({ scheme }) => scheme === 'bearer');
    if (bearer !== undefined) {
      this.scheme = { kind: 'bearer', service: this.tokens.serviceOf(bearer) };
      if (shown !== undefined) this.tokens.forget(sent);
      return shown === undefined || (await this.credentialFor(repository))?.kind !== 'bearer';
    }
    if (!offered.some(({ scheme }) => scheme === 'basic')) return false;
    this.scheme = { kind: 'basic' };
    return shown === undefined && (await this.credentialFor(repository)) !== undefined;
  }

  private credentialFor(repository: Repository): Promise<Credential | undefined> {
    const key = formatRepository(repository);
    const found = this.credentials.get(key) ?? this.source(repository);
    this.credentials.set(key, found);
    return found;
  }
}
