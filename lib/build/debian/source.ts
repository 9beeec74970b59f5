import * as path from 'node:path';
import { StackError, type Listener } from '../../core';
import type { DebianPlan, LockedPackage, LockFile } from '../../plan';
import { Apt } from './apt';
import { formatProblem } from './apt-output';
import { debDigest, fetchPackages } from './fetch';
import { formatSpec, lockKey, packageRequest, sourcesId, type PackageRequest } from './request';
import { resolvePackages } from './resolve';
import type { PackageStore } from './store';

/** What the Debian packages of a deploy share. */
export interface DebianSourceOptions {
  readonly store: PackageStore;
  readonly lockFile: LockFile;
  readonly listener: Listener;
  /** Fail instead of adding an entry to the lock file. */
  readonly frozen: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Gets the Debian packages of images: through the lock file and the store if they have them, else through apt.
 * One instance serves a whole deploy; package lists are updated at most once, and no package is downloaded twice.
 */
export class DebianSource {
  private readonly environments = new Map<string, Promise<Apt>>();
  private readonly requests = new Map<string, Promise<readonly LockedPackage[]>>();
  private readonly downloads = new Map<string, Promise<void>>();

  public constructor(private readonly options: DebianSourceOptions) {}

  /**
   * The packages of an image, sorted by name. Each is then a blob of the store, under {@link debDigest}.
   * A lock file entry is written once all its packages are there; when anything fails, lock file and store stay as they were.
   *
   * @param image construct path of the image, for events
   * @throws StackError STACK2006, STACK3001, STACK3010 to STACK3014, STACK3020, STACK3021, STACK7001, STACK7002
   */
  public async provide(image: string, plan: DebianPlan): Promise<readonly LockedPackage[]> {
    const request = packageRequest(plan);
    const key = lockKey(request);
    let work = this.requests.get(key);
    if (work === undefined) {
      work = this.provideRequest(image, request, key);
      this.requests.set(key, work);
    }
    return work;
  }

  /**
   * Asks apt what an image's packages are now, and locks that, in memory, with all of them in the store.
   * @throws StackError as {@link provide}
   */
  public async update(image: string, plan: DebianPlan): Promise<void> {
    const request = packageRequest(plan);
    const key = lockKey(request);
    const packages = await this.resolve(image, request);
    await this.fetch(image, packages, request, key);
    this.options.lockFile.setDebian(key, packages);
  }

  private async provideRequest(image: string, request: PackageRequest, key: string): Promise<readonly LockedPackage[]> {
    const { lockFile, listener, frozen } = this.options;
    if (lockFile.debian(key) === undefined) await lockFile.reload();
    const locked = lockFile.debian(key);
    if (locked === undefined && frozen) {
      throw new StackError('STACK3021', `the lock file has no entry '${key}'`, {
        hint: 'deploy once without --frozen and commit the lock file',
      });
    }
    const packages = locked ?? (await this.resolve(image, request));
    await this.fetch(image, packages, request, key);
    if (locked === undefined) {
      lockFile.setDebian(key, packages);
      await lockFile.save();
      listener({ code: 'packages-locked', image, count: packages.length });
    }
    return packages;
  }

  private async resolve(image: string, request: PackageRequest): Promise<readonly LockedPackage[]> {
    const { listener } = this.options;
    listener({ code: 'packages-resolving', image, packages: request.packages.map(formatSpec) });
    const { packages, problems } = await resolvePackages(request, await this.environment(request));
    for (const problem of problems) {
      const message = `a package source was left out: ${formatProblem(problem)}`;
      listener({ code: 'warning', id: 'debian-source-left-out', message, image });
    }
    return packages;
  }

  /** Fetches what the store lacks. What another image is fetching already is waited for. */
  private async fetch(
    image: string,
    packages: readonly LockedPackage[],
    request: PackageRequest,
    key: string,
  ): Promise<void> {
    const { store, listener } = this.options;
    const missing: LockedPackage[] = [];
    for (const each of packages) if (!(await store.hasBlob(debDigest(each)))) missing.push(each);
    if (missing.length === 0) return;
    const others = missing.flatMap(({ sha256 }) => this.downloads.get(sha256) ?? []);
    if (others.length > 0) {
      // What fails for another image, perhaps for a package of its own, is tried again for this one.
      await Promise.allSettled(others);
      await this.fetch(image, packages, request, key);
      return;
    }
    const work = this.environment(request).then((apt) =>
      fetchPackages(missing, { apt, store, suite: request.suite, key }),
    );
    for (const { sha256 } of missing) this.downloads.set(sha256, work);
    try {
      await work;
    } finally {
      for (const { sha256 } of missing) this.downloads.delete(sha256);
    }
    for (const { name, size } of missing) listener({ code: 'package-fetched', image, name, size });
  }

  /** The apt environment for an architecture and sources; package lists of different ones do not mix. */
  private environment({ architecture, sources }: PackageRequest): Promise<Apt> {
    const name = `${sources === undefined ? 'host' : sourcesId(sources)}-${architecture}`;
    let environment = this.environments.get(name);
    if (environment === undefined) {
      const { store, signal } = this.options;
      environment = store
        .stateDirectory('apt')
        .then((directory) => Apt.prepare({ directory: path.join(directory, name), architecture, sources, signal }));
      this.environments.set(name, environment);
    }
    return environment;
  }
}
