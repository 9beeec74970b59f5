import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { controlStanza, debDigest, DebianSource, openDataTar, packageTree } from '../../lib/build/debian';
import { StackError, type StackEvent } from '../../lib/core';
import { readArchive, type Tree } from '../../lib/pack';
import { LOCK_FILE_NAME, LockFile, type DebianPlan, type LockedPackage } from '../../lib/plan';
import { Store } from '../../lib/store';
import { asRoot } from './as-root';
import { DebianRepository } from './debian-repository';

/** A store, an app's directory and a repository of packages, in a temporary directory. */
export class DebianWorld {
  public readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), 'debian-'));
  public readonly app = path.join(this.directory, 'app');
  public readonly lockFile = path.join(this.app, LOCK_FILE_NAME);
  public readonly repository = new DebianRepository(path.join(this.directory, 'repository'));
  public readonly events: StackEvent[] = [];
  private readonly environment = { ...process.env };

  public constructor() {
    fs.mkdirSync(this.app);
    // The host's configuration, as apt sees it here: no patience with mirrors that are down.
    process.env['APT_CONFIG'] = path.join(this.directory, 'host.conf');
    this.configureHost('Acquire::Retries "0";');
  }

  public remove(): void {
    process.env = this.environment;
    asRoot('rm', '-rf', this.directory);
  }

  /** Adds to the host's apt configuration. */
  public configureHost(text: string): void {
    fs.appendFileSync(path.join(this.directory, 'host.conf'), `${text}\n`);
  }

  /** Lets no tool be found any more. */
  public removeTools(): void {
    process.env['PATH'] = path.join(this.directory, 'no-tools');
  }

  public removeStore(): void {
    fs.rmSync(path.join(this.directory, 'store'), { recursive: true });
  }

  public openStore(): Promise<Store> {
    return Store.open(path.join(this.directory, 'store'));
  }

  /** What one deploy has, started afresh. */
  public async deploy(options: { frozen?: boolean; signal?: AbortSignal } = {}): Promise<DebianSource> {
    const [store, lockFile] = [await this.openStore(), await LockFile.load(this.app)];
    const listener = (event: StackEvent): void => void this.events.push(event);
    return new DebianSource({ store, lockFile, listener, frozen: false, ...options });
  }

  /** Recipe of an image of packages of the repository. */
  public plan(packages: string[], changes: Partial<DebianPlan> = {}): DebianPlan {
    const base = { type: 'debian-packages', name: 'x', buildOnly: false, dependencies: 'none' } as const;
    return { ...base, platform: 'linux/amd64', sources: this.repository.sources, packages, ...changes };
  }

  /** Provides the packages of one image, in a deploy of its own. */
  public async provide(
    packages: string[],
    changes: Partial<DebianPlan> = {},
    frozen = false,
  ): Promise<readonly LockedPackage[]> {
    return (await this.deploy({ frozen })).provide('images/x', this.plan(packages, changes));
  }

  /** The tree of an image of packages that were provided. */
  public async treeOf(packages: readonly LockedPackage[], exclude: string[] = []): Promise<Tree> {
    const store = await this.openStore();
    const contents = packages.map(async (each) => {
      const { name } = each;
      const file = store.blobPath(debDigest(each));
      const copy = path.join(fs.mkdtempSync(path.join(this.directory, 'tar-')), name);
      const { tree } = await readArchive(openDataTar(file, name), { copy, name, layer: false });
      return { name, control: await controlStanza(file, name), entries: tree };
    });
    return packageTree(await Promise.all(contents), { exclude, epoch: 315532800 });
  }

  /** Text of the lock file; undefined when there is none. */
  public lockText(): string | undefined {
    return fs.existsSync(this.lockFile) ? fs.readFileSync(this.lockFile, 'utf8') : undefined;
  }

  /** All blobs of the store by their hex digests, and what is left in its temporary directory. */
  public storeFiles(): string[] {
    const root = path.join(this.directory, 'store/v1');
    const temporary = fs.readdirSync(path.join(root, 'tmp')).map((name) => `tmp/${name}`);
    return [...fs.readdirSync(path.join(root, 'blobs/sha256')).sort(), ...temporary];
  }
}

/** `name version` of packages. */
export function named(packages: readonly LockedPackage[]): string[] {
  return packages.map(({ name, version }) => `${name} ${version}`);
}

/** The error some work ends in. */
export async function failureOf(work: Promise<unknown>): Promise<StackError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!StackError.is(error)) throw new Error(`no StackError but ${String(error)}`);
  return error;
}

/** A port of the loopback address where nothing listens. */
export async function closedPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
