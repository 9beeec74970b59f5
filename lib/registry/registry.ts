import { StackError } from '../core';
import {
  formatReference,
  hostPlatform,
  isSupportedDigest,
  parseReference,
  parseRepository,
  type Descriptor,
  type Platform,
  type Repository,
} from '../oci';
import type { Access } from './access';
import { readBlob } from './blob-reader';
import { DEFAULT_CHUNKS, type ChunkOptions } from './blob-upload';
import type { CredentialSource } from './credential';
import { defaultCredentials } from './credentials';
import type { Expected } from './digests';
import type { HostOptions } from './dispatchers';
import type { RegistryListener } from './events';
import { Hosts } from './hosts';
import { readStart } from './http';
import { DEFAULT_LANES, type LaneLimits } from './lane';
import { listTags } from './lists';
import { findManifest, readManifest, type FetchedManifest } from './manifests';
import { pullImage, type PulledImage } from './pull';
import { Publishing, type Publication } from './publish';
import type { BlobTransfer, PushPlan } from './push-plan';
import { listReferrers } from './referrers';
import { DEFAULT_RETRY, type RetryPolicy } from './retry';
import { scopeOf } from './scopes';

/** How a client works. Everything has a default that fits public registries. */
export interface RegistryOptions {
  /** Where credentials come from. @default those of the environment, Docker and Podman: {@link defaultCredentials} */
  readonly credentials?: CredentialSource;
  /** Options by host, such as `ghcr.io` or `localhost:5000`. @default none */
  readonly hosts?: Readonly<Record<string, HostOptions>>;
  readonly retry?: Partial<RetryPolicy>;
  /** Most requests to one host at a time. */
  readonly lanes?: Partial<LaneLimits>;
  /** When blobs are uploaded in chunks. */
  readonly chunks?: Partial<ChunkOptions>;
  /** Milliseconds of silence after which a connection counts as broken. No limit is set on how long a transfer takes. @default 120000 */
  readonly idleTimeout?: number;
  /** What the client says it is. @default `cdk-stack` with its version */
  readonly userAgent?: string;
  /** Environment for credentials, certificates and proxies. @default that of the process */
  readonly env?: NodeJS.ProcessEnv;
  /** Told what is going on; must not throw. @default nobody is told */
  readonly onEvent?: RegistryListener;
}

/** Options of one piece of work. */
export interface WorkOptions {
  /** Ends the work. */
  readonly signal?: AbortSignal | undefined;
}

/** What is about to be published. */
export interface Push {
  readonly plan: PushPlan;
  /**
   * Does it, once.
   * @throws StackError as {@link Registry.publish}
   */
  readonly execute: () => Promise<Pushed>;
}

/** What was published, and how. */
export interface Pushed extends Pick<PushPlan, 'manifests' | 'tags'> {
  /** How each blob got where it is, in the order of the plan: what could not be mounted was uploaded. */
  readonly blobs: readonly BlobTransfer[];
}

/**
 * A client for OCI registries (distribution-spec 1.1): reads images, and publishes many at once so that every blob is uploaded
 * once. One client keeps connections, tokens and pace of all registries it is used with; close it at the end.
 */
export class Registry {
  private readonly hosts: Hosts;
  private readonly listener: RegistryListener;
  private readonly chunks: ChunkOptions;

  public constructor(options: RegistryOptions = {}) {
    const env = options.env ?? process.env;
    this.listener = options.onEvent ?? ((): void => undefined);
    this.chunks = { ...DEFAULT_CHUNKS, ...options.chunks };
    this.hosts = new Hosts({
      hosts: options.hosts ?? {},
      credentials: options.credentials ?? defaultCredentials(env),
      retry: { ...DEFAULT_RETRY, ...options.retry },
      lanes: { ...DEFAULT_LANES, ...options.lanes },
      idleTimeout: options.idleTimeout ?? 120_000,
      userAgent: options.userAgent ?? `cdk-stack/${ownVersion()}`,
      env,
      listener: this.listener,
    });
  }

  /**
   * What a reference names now: digest, size and media type of a manifest or index.
   * @throws StackError STACK6107 when it is not there; STACK6101 to STACK6113
   */
  public async resolve(reference: string, options: WorkOptions = {}): Promise<Descriptor> {
    const found = await this.tryResolve(reference, options);
    if (found !== undefined) return found;
    throw new StackError('STACK6107', `'${formatReference(parseReference(reference))}' is not in the registry`, {
      hint: 'look at the name, the tag, and whether the account in use may see it',
    });
  }

  /**
   * Like {@link resolve}, but undefined when it is not there.
   * @throws StackError STACK6101 to STACK6113
   */
  public async tryResolve(reference: string, options: WorkOptions = {}): Promise<Descriptor | undefined> {
    const parsed = parseReference(reference);
    return this.reading(parsed, options, (access) => findManifest(access, { ...parsed, ...access.repository }));
  }

  /**
   * A manifest or index, of at most 4 MiB, byte for byte and verified.
   * @throws StackError STACK6107, STACK6005; STACK6101 to STACK6113
   */
  public async manifest(reference: string, options: WorkOptions = {}): Promise<FetchedManifest> {
    const parsed = parseReference(reference);
    return this.reading(parsed, options, (access) => readManifest(access, { ...parsed, ...access.repository }));
  }

  /**
   * The manifest and config of an image for one platform.
   * @param options.platform default: that of this machine, with Linux
   * @throws StackError STACK6107, STACK6108, STACK6005; STACK6101 to STACK6113
   */
  public async image(
    reference: string,
    options: WorkOptions & { readonly platform?: Platform | undefined } = {},
  ): Promise<PulledImage> {
    const parsed = parseReference(reference);
    const platform = options.platform ?? hostPlatform();
    return this.reading(parsed, options, (access) => pullImage(access, { ...parsed, ...access.repository }, platform));
  }

  /**
   * Streams a blob, mending broken connections. Digest and size are verified at its end: use nothing before.
   * @param repository `HOST/NAME`
   * @throws StackError STACK6107, STACK6109; STACK6101 to STACK6113
   */
  public async *blob(repository: string, blob: Expected, options: WorkOptions = {}): AsyncGenerator<Buffer> {
    requireDigest(blob.digest);
    const accesses = this.readable(parseRepository(repository), options);
    for (const [index, access] of accesses.entries()) {
      let hasBegun = false;
      try {
        for await (const piece of readBlob(access, blob)) {
          hasBegun = true;
          yield piece;
        }
        return;
      } catch (error) {
        if (hasBegun || index === accesses.length - 1) throw error;
      }
    }
  }

  /**
   * Finds out what {@link publish} would do now, so that it can be looked at before it is done.
   * @throws StackError STACK6101 to STACK6113
   */
  public async prepare(publications: readonly Publication[], options: WorkOptions = {}): Promise<Push> {
    const accessTo = (repository: string, signal: AbortSignal): Access =>
      this.access(parseRepository(repository), signal);
    const publishing = new Publishing(publications, accessTo, this.chunks, options.signal);
    const plan = await publishing.plan();
    return { plan, execute: async () => ({ ...plan, blobs: await publishing.execute(plan) }) };
  }

  /**
   * Publishes images and indexes, all together: each blob is uploaded once to each registry and mounted everywhere else, and
   * tags are set when all else is there. What is there already is left alone.
   * @returns what was done
   * @throws StackError STACK6101 to STACK6115, STACK3002, STACK3003, STACK6005; the signal's reason when aborted. No tag names
   * anything incomplete then.
   */
  public async publish(publications: readonly Publication[], options: WorkOptions = {}): Promise<Pushed> {
    const { execute } = await this.prepare(publications, options);
    return execute();
  }

  /**
   * The tags of a repository.
   * @param repository `HOST/NAME`
   * @throws StackError STACK6107; STACK6101 to STACK6113
   */
  public tags(repository: string, options: WorkOptions = {}): AsyncGenerator<string> {
    return listTags(this.access(parseRepository(repository), options.signal));
  }

  /**
   * The manifests that refer to one, such as signatures.
   * @param repository `HOST/NAME`
   * @param options.artifactType only those of this type
   * @throws StackError STACK6101 to STACK6113
   */
  public async referrers(
    repository: string,
    digest: string,
    options: WorkOptions & { readonly artifactType?: string } = {},
  ): Promise<readonly Descriptor[]> {
    requireDigest(digest);
    return listReferrers(this.access(parseRepository(repository), options.signal), digest, options.artifactType);
  }

  /**
   * Deletes a tag, or with a digest a manifest and all its tags. Many registries do not allow it.
   * @throws StackError STACK6107 when it is not there, STACK6113 when the registry does not do that; STACK6101 to STACK6113
   */
  public async delete(reference: string, options: WorkOptions = {}): Promise<void> {
    const { digest, tag = 'latest', ...repository } = parseReference(reference);
    const access = this.access(repository, options.signal);
    const call = {
      what: `delete '${formatReference({ ...repository, digest, tag: digest === undefined ? tag : undefined })}'`,
      method: 'DELETE' as const,
      target: `${repository.name}/manifests/${digest ?? tag}`,
      repository,
      scopes: [scopeOf(repository.name, 'delete')],
      expected: [200, 202, 204],
      signal: options.signal,
    };
    await access.host.send(call, (response) => readStart(response, 0));
  }

  /** Closes all connections. */
  public async close(): Promise<void> {
    await this.hosts.close();
  }

  private access(repository: Repository, signal: AbortSignal | undefined): Access {
    return { host: this.hosts.get(repository.registry), repository, listener: this.listener, signal };
  }

  /** The ways to read from a repository: its mirrors, then itself. */
  private readable(repository: Repository, { signal }: WorkOptions): readonly Access[] {
    const mirrors = this.hosts.mirrorsOf(repository.registry).map((mirror) => ({
      ...this.access(parseRepository(`${mirror}/${repository.name}`), signal),
      host: this.hosts.get(mirror, repository.registry),
    }));
    return [...mirrors, this.access(repository, signal)];
  }

  /** Asks mirrors first; what they do not have or cannot give, the registry itself is asked for. */
  private async reading<T>(
    repository: Repository,
    options: WorkOptions,
    read: (access: Access) => Promise<T>,
  ): Promise<T> {
    const accesses = this.readable({ registry: repository.registry, name: repository.name }, options);
    for (const access of accesses.slice(0, -1)) {
      try {
        const found = await read(access);
        if (found !== undefined) return found;
      } catch (error) {
        options.signal?.throwIfAborted();
        if (!StackError.is(error)) throw error;
        // The registry itself is asked next, and what it says counts.
      }
    }
    const [own] = accesses.slice(-1);
    return read(own ?? this.access(repository, options.signal));
  }
}

function ownVersion(): string {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- outside of lib/, where an import cannot reach
  return (require('../../package.json') as { readonly version: string }).version;
}

function requireDigest(digest: string): void {
  if (isSupportedDigest(digest)) return;
  throw new StackError('STACK6101', `'${digest}' is not a sha256 or sha512 digest`);
}
