import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { scopeOf } from '../scopes';
import { AccessControl, type FakeAuth } from './access-control';
import { goodBehavior, type FakeBehavior, type LoggedRequest } from './behavior';
import { BlobHandler } from './blobs';
import { Dropped, Exchange, refusal, type Answer } from './exchange';
import { ManifestHandler } from './manifests';
import { FakeStorage, type FakeRepository } from './storage';

/** How a fake registry is started. */
export interface FakeOptions {
  /** Who may come in. @default everybody */
  readonly auth?: FakeAuth;
  /** Key and certificate in PEM: it then speaks https. @default http */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** What is different from a good registry. It can be changed later, too. */
  readonly behavior?: Partial<FakeBehavior>;
}

/**
 * A registry inside this process, for tests: keeps everything in memory, each repository on its own, writes a log of all
 * requests and misbehaves as it is told. It listens on 127.0.0.1 only.
 */
export class FakeRegistry {
  public static async start(options: FakeOptions = {}): Promise<FakeRegistry> {
    const registry = new FakeRegistry(options);
    await listen(registry.server);
    await listen(registry.other);
    return registry;
  }

  /** Every request, in the order they came. */
  public readonly log: LoggedRequest[] = [];
  /** What kind of registry this is, to be changed at will. */
  public readonly behavior: FakeBehavior;
  private readonly storage = new FakeStorage();
  private readonly server: Server;
  /** The other origin that readers of blobs may be sent to. */
  private readonly other: Server;
  private readonly access: AccessControl;
  private readonly blobs: BlobHandler;
  private readonly manifests: ManifestHandler;
  private readonly leaks: string[] = [];
  private readonly faults: unknown[] = [];
  private moments = 0;

  private constructor(private readonly options: FakeOptions) {
    this.behavior = { ...goodBehavior(), ...options.behavior };
    const main = this.listener((exchange) => this.route(exchange));
    this.server = options.tls === undefined ? createServer(main) : createTlsServer(options.tls, main);
    this.other = createServer(this.listener((exchange) => Promise.resolve(this.elsewhere(exchange))));
    const origin = (): string => `${options.tls === undefined ? 'http' : 'https'}://${this.host}`;
    this.access = new AccessControl(options.auth, origin);
    this.blobs = new BlobHandler(this.storage, this.behavior, origin, () => `http://${hostOf(this.other)}`);
    this.manifests = new ManifestHandler(this.storage, this.behavior, origin);
  }

  /** Host and port, as they stand in references. */
  public get host(): string {
    return hostOf(this.server);
  }

  /** What is in a repository, named without the host. */
  public repository(name: string): FakeRepository {
    return this.storage.repository(name);
  }

  /** Forgets all tokens, as if they had expired. */
  public expireTokens(): void {
    this.access.expireTokens();
  }

  /** Ids of uploads that were neither finished nor cancelled. */
  public get openUploads(): readonly string[] {
    return [...this.storage.uploads.keys()];
  }

  /**
   * Ends it.
   * @throws Error when credentials were sent to the other origin, or the fake itself has failed
   */
  public async stop(): Promise<void> {
    for (const server of [this.server, this.other]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    if (this.leaks.length > 0) throw new Error(`credentials were sent to another origin: ${this.leaks.join(', ')}`);
    if (this.faults.length > 0) throw new Error('the fake registry has failed', { cause: this.faults[0] });
  }

  private listener(handle: (exchange: Exchange) => Promise<Answer>): RequestListener {
    return (request, response) => {
      void this.serve(request, response, handle);
    };
  }

  private async serve(
    request: IncomingMessage,
    response: ServerResponse,
    handle: (exchange: Exchange) => Promise<Answer>,
  ): Promise<void> {
    const { method = '', url: path = '', headers, socket } = request;
    const logged: LoggedRequest = { method, path, headers, status: 0, bytes: 0, began: this.moment(), ended: 0 };
    this.log.push(logged);
    const fault = this.behavior.fault(logged);
    const exchange = new Exchange(request, response, logged, this.behavior, fault);
    response.once('close', () => (logged.ended = this.moment()));
    try {
      if (this.behavior.latency > 0) await sleep(this.behavior.latency);
      if (fault !== undefined && 'status' in fault) {
        await exchange.body();
        await exchange.answer(refusal(fault.status, fault.code ?? 'UNKNOWN_FAULT', fault.headers));
      } else {
        await exchange.answer(await handle(exchange));
      }
    } catch (error) {
      if (!(error instanceof Dropped)) this.faults.push(error);
      socket.destroy();
    }
  }

  private async route(exchange: Exchange): Promise<Answer> {
    const { method } = exchange.request;
    const path = decodeURIComponent(exchange.url.pathname);
    if (path === '/token') return this.access.token(exchange);
    const [, name = '', kind = '', rest = ''] = /^\/v2\/(.+)\/(blobs|manifests|tags|referrers)\/(.*)$/.exec(path) ?? [];
    const uploads = /^\/v2\/(.+)\/blobs\/uploads\/(.*)$/.exec(path);
    const repository = uploads?.[1] ?? name;
    const from = exchange.url.searchParams.get('from');
    const isReading = method === 'GET' || method === 'HEAD';
    const refused = this.access.check(exchange, [
      scopeOf(
        repository,
        isReading && uploads === null ? 'pull' : method === 'DELETE' && uploads === null ? 'delete' : 'push',
      ),
      ...(from === null ? [] : [scopeOf(from, 'pull')]),
    ]);
    if (refused !== undefined) {
      await exchange.body();
      return refused;
    }
    if (uploads !== null) {
      return uploads[2] === ''
        ? this.blobs.begin(exchange, repository)
        : this.blobs.upload(exchange, repository, uploads[2] ?? '');
    }
    switch (kind) {
      case 'blobs':
        return this.blobs.blob(exchange, name, rest);
      case 'manifests':
        return this.manifests.manifest(exchange, name, rest);
      case 'tags':
        return this.manifests.tags(exchange, name);
      case 'referrers':
        return this.manifests.referrers(name, rest);
      default:
        return path === '/v2/' ? { status: 200 } : refusal(404, 'NAME_UNKNOWN');
    }
  }

  private elsewhere(exchange: Exchange): Answer {
    if (exchange.header('authorization') !== undefined) this.leaks.push(exchange.logged.path);
    const [, name = '', digest = ''] = /^\/(.+)\/([^/]+)$/.exec(exchange.url.pathname) ?? [];
    const content = this.storage.repository(name).blobs.get(digest);
    return content === undefined ? { status: 404 } : this.blobs.content(exchange, digest, content);
  }

  private moment(): number {
    this.moments += 1;
    return this.moments;
  }
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
}

function hostOf(server: Server): string {
  return `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}
