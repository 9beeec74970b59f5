import { randomBytes } from 'node:crypto';
import { promises as fs } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import {
  errnoOf,
  isAlive,
  messageOf,
  ownIdentity,
  StackError,
  syncDirectory,
  writeFailure,
  writeFileAtomic,
  type ProcessIdentity,
} from '../core';
import { digestOf, hexOf } from '../oci';

/** Layout of the store's directory; another number is another store. */
const STORE_VERSION = 'v1';

/** Where the store is unless told otherwise: `$STACK_HOME`, else `cdk-stack` in the XDG cache directory. */
export function defaultStoreDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const home = env['STACK_HOME'];
  if (home !== undefined && home !== '') return path.resolve(home);
  const cache = env['XDG_CACHE_HOME'];
  return path.join(
    cache !== undefined && path.isAbsolute(cache) ? cache : path.join(os.homedir(), '.cache'),
    'cdk-stack',
  );
}

/**
 * The local content-addressed store: blobs by digest, and small JSON records by key.
 *
 * Everything in it can be made again, nothing in it is changed once it has its final name, and it gets that name only when
 * it is complete and synced: a process killed at any point leaves at most a temporary directory, which the next one removes.
 * Several processes may use one store.
 */
export class Store {
  /**
   * Opens a store, making it if need be.
   * @throws StackError STACK7001 when the directory cannot be used, STACK7002 when the disk is full
   */
  public static async open(directory = defaultStoreDirectory()): Promise<Store> {
    const root = path.join(directory, STORE_VERSION);
    const store = new Store(root);
    try {
      for (const room of ['blobs/sha256', 'records', 'tmp', 'state'])
        await fs.mkdir(path.join(root, room), { recursive: true, mode: 0o700 });
      await store.removeLeftovers();
    } catch (error) {
      if (errnoOf(error) === 'ENOSPC') throw writeFailure('STACK7001', `the store '${directory}'`, error);
      throw new StackError('STACK7001', `cannot use the store '${directory}': ${messageOf(error)}`, {
        hint: 'set STACK_HOME to a directory you can write to',
        cause: error,
      });
    }
    return store;
  }

  private constructor(private readonly root: string) {}

  /** Where a blob is, or would be. `digest` must be well-formed. */
  public blobPath(digest: string): string {
    return path.join(this.root, 'blobs', 'sha256', hexOf(digest));
  }

  /** Whether a blob is here, with this size if one is given. */
  public async hasBlob(digest: string, size?: number): Promise<boolean> {
    try {
      const stat = await fs.stat(this.blobPath(digest));
      return size === undefined || stat.size === size;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    }
  }

  /**
   * Takes a finished file in as a blob by renaming it. The caller vouches for digest and size.
   * @throws StackError STACK7001, STACK7002
   */
  public async adopt(temporaryFile: string, digest: string, size: number): Promise<void> {
    try {
      const stat = await fs.stat(temporaryFile);
      if (stat.size !== size)
        throw new StackError(
          'STACK9001',
          `a blob of ${String(size)} bytes was announced, ${String(stat.size)} were written`,
        );
      await fs.chmod(temporaryFile, 0o444);
      await fs.rename(temporaryFile, this.blobPath(digest));
      await syncDirectory(path.dirname(this.blobPath(digest)));
    } catch (error) {
      throw writeFailure('STACK7001', `blob ${digest} to the store`, error);
    }
  }

  /**
   * Adds a small blob.
   * @returns its digest
   * @throws StackError STACK7001, STACK7002
   */
  public async addBlob(content: string | Buffer): Promise<string> {
    const digest = digestOf(content);
    if (await this.hasBlob(digest, Buffer.byteLength(content))) return digest;
    try {
      await writeFileAtomic(this.blobPath(digest), content, 0o444);
    } catch (error) {
      throw writeFailure('STACK7001', 'a blob to the store', error);
    }
    return digest;
  }

  /** Removes a blob that turned out to be corrupt. */
  public async removeBlob(digest: string): Promise<void> {
    await fs.rm(this.blobPath(digest), { force: true });
  }

  /** A new private directory inside the store, for its caller to remove; after a crash the next process does. */
  public async temporaryDirectory(): Promise<string> {
    const { pid, started } = ownIdentity();
    const directory = path.join(this.root, 'tmp', `${String(pid)}-${started}-${randomBytes(6).toString('hex')}`);
    try {
      await fs.mkdir(directory, { mode: 0o700 });
    } catch (error) {
      throw writeFailure('STACK7001', 'a temporary directory in the store', error);
    }
    return directory;
  }

  /** Runs work with a temporary directory and removes it afterwards, whatever happens. */
  public async withTemporaryDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
    const directory = await this.temporaryDirectory();
    try {
      return await work(directory);
    } catch (error) {
      throw ['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '') ? writeFailure('STACK7001', 'to the store', error) : error;
    } finally {
      await fs.rm(directory, { recursive: true, force: true });
    }
  }

  /** A directory that stays, for state that is neither blob nor record, such as package lists. */
  public async stateDirectory(name: string): Promise<string> {
    const directory = path.join(this.root, 'state', name);
    await fs.mkdir(directory, { recursive: true, mode: 0o700 });
    return directory;
  }

  /** The record a key stands for, as it was written; undefined when there is none or it cannot be read. */
  public async readRecord(kind: string, key: string): Promise<unknown> {
    let text: string;
    try {
      text = await fs.readFile(this.recordPath(kind, key), 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return undefined; // a damaged record is a lost one: the work is done again
    }
  }

  /** Writes a record. Equal keys mean equal work, so the last writer wins. */
  public async writeRecord(kind: string, key: string, record: unknown): Promise<void> {
    const file = this.recordPath(kind, key);
    try {
      await fs.mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
      await writeFileAtomic(file, JSON.stringify(record), 0o600);
    } catch (error) {
      throw writeFailure('STACK7001', 'a record to the store', error);
    }
  }

  private recordPath(kind: string, key: string): string {
    return path.join(this.root, 'records', kind, `${hexOf(key)}.json`);
  }

  /** Removes what dead processes left in `tmp`. */
  private async removeLeftovers(): Promise<void> {
    const directory = path.join(this.root, 'tmp');
    for (const name of await fs.readdir(directory)) {
      const match = /^(\d+)-(\d+)-/.exec(name);
      const owner: ProcessIdentity = { pid: Number(match?.[1] ?? 0), started: match?.[2] ?? '' };
      if (!isAlive(owner)) await fs.rm(path.join(directory, name), { recursive: true, force: true });
    }
  }
}
