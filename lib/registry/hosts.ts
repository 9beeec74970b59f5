import { apiHost, registryOfHost } from '../oci';
import { Authorizer } from './authorizer';
import type { CredentialSource } from './credential';
import { Dispatchers, type HostOptions } from './dispatchers';
import type { RegistryListener } from './events';
import { baseUrl, Host } from './host';
import { Http } from './http';
import { HostLanes, type LaneLimits } from './lane';
import type { RetryPolicy } from './retry';
import { Tokens } from './tokens';

/** What all hosts have in common. */
export interface HostsOptions {
  readonly hosts: Readonly<Record<string, HostOptions>>;
  readonly credentials: CredentialSource;
  readonly retry: RetryPolicy;
  readonly lanes: LaneLimits;
  readonly idleTimeout: number;
  readonly userAgent: string;
  readonly env: NodeJS.ProcessEnv;
  readonly listener: RegistryListener;
}

/** The registries in use, each with one set of lanes, tokens and connections. */
export class Hosts {
  private readonly known = new Map<string, Host>();
  private readonly byHost: ReadonlyMap<string, HostOptions>;
  private readonly dispatchers: Dispatchers;
  private readonly http: Http;

  public constructor(private readonly options: HostsOptions) {
    this.byHost = new Map(Object.entries(options.hosts).map(([host, each]) => [apiHost(registryOfHost(host)), each]));
    this.dispatchers = new Dispatchers(this.byHost, options.env);
    this.http = new Http(this.dispatchers, options.idleTimeout, options.userAgent);
  }

  /** @param mirrorOf the registry it stands in for */
  public get(registry: string, mirrorOf?: string): Host {
    const key = JSON.stringify([registry, mirrorOf]);
    const host = this.known.get(key) ?? this.make(registry, mirrorOf);
    this.known.set(key, host);
    return host;
  }

  /** Registries to ask before a registry itself when something is read. */
  public mirrorsOf(registry: string): readonly string[] {
    return this.byHost.get(apiHost(registry))?.mirrors ?? [];
  }

  /** Closes all connections. */
  public async close(): Promise<void> {
    await this.dispatchers.close();
  }

  private make(registry: string, mirrorOf: string | undefined): Host {
    const { credentials, retry, lanes, listener } = this.options;
    const host = apiHost(registry);
    const base = baseUrl(host, this.byHost.get(host)?.plainHttp);
    return new Host({
      base,
      http: this.http,
      authorizer: new Authorizer(credentials, new Tokens(this.http, base, retry)),
      lanes: new HostLanes(lanes),
      policy: retry,
      listener,
      mirrorOf,
    });
  }
}
