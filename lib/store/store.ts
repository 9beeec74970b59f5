import { promises as fs } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { errnoOf, isFullDisk, makeDirectories, messageOf, StackError, writeFailure } from '../core';
import { digestOf, hexOf, isDigest } from '../oci';
import { Exclusive } from './exclusive';
import { leftoversIn, newTemporaryDirectory } from './temporary';

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
 * Everything in it can be made again, and nothing in it is changed once it has its final name. A blob gets that name only when
 * it is complete and on the disk; what was not durable at a crash is missing afterwards, never wrong. A process killed at any
 * point leaves at most a temporary directory, which a later one removes. Several processes may use one store.
 */
export class Store {
  /**
   * Opens a store, making it if need be.
   * @throws StackError STACK7001 when the directory cannot be used, STACK7002 when the disk is full
   */
  public static async open(directory = defaultStoreDirectory()): Promise<Store> {
    const store = new Store(path.join(directory, STORE_VERSION));
    try {
      for (const room of ['blobs/sha256', 'records', 'tmp', 'runs', 'state']) {
        await makeDirectories(path.join(store.directory, room), 0o700);
      }
      for (const leftover of await leftoversIn(path.join(store.directory, 'tmp'))) {
        await fs.rm(leftover, { recursive: true, force: true });
      }
    } catch (error) {
      if (errnoOf(error) === 'ENOSPC') throw writeFailure('STACK7001', `the store '${directory}'`, error);
      throw new StackError('STACK7001', `cannot use the store '${directory}': ${messageOf(error)}`, {
        hint: 'set STACK_HOME to a directory you can write to',
        cause: error,
      });
    }
    return store;
  }

  private readonly exclusive = new Exclusive();

  private constructor(
    /** Holds everything of the store. */
    public readonly directory: string,
  ) {}

  /** Where a blob is, or would be. */
  public blobPath(digest: string): string {
    return path.join(this.directory, 'blobs', 'sha256', safeHex(digest));
  }

  /**
   * Whether a blob is here, with this size if one is given.
   * @throws StackError STACK7001 when the store cannot be read
   */
  public async hasBlob(digest: string, size?: number): Promise<boolean> {
    const actual = await this.blobSize(digest);
    return actual !== undefined && (size === undefined || actual === size);
  }

  /**
   * Bytes of a blob; undefined when it is not here.
   * @throws StackError STACK7001 when the store cannot be read
   */
  public async blobSize(digest: string): Promise<number | undefined> {
    const file = this.blobPath(digest);
    try {
      return (await fs.stat(file)).size;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw readFailure(`blob ${digest}`, error);
    }
  }

  /**
   * Takes a finished file in as a blob by renaming it. The caller vouches for digest and size.
   * @throws StackError STACK7001, STACK7002
   */
  public async adopt(temporaryFile: string, digest: string, size: number): Promise<void> {
    try {
      const handle = await fs.open(temporaryFile, 'r');
      try {
        const stat = await handle.stat();
        if (stat.size !== size) {
          throw new StackError(
            'STACK9001',
            `a blob of ${String(size)} bytes was announced, ${String(stat.size)} were written`,
          );
        }
        await handle.chmod(0o444);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await fs.rename(temporaryFile, this.blobPath(digest));
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
      await this.place(this.blobPath(digest), content, { mode: 0o444, flush: true });
    } catch (error) {
      throw writeFailure('STACK7001', 'a blob to the store', error);
    }
    return digest;
  }

  /** Removes a blob that turned out to be corrupt. */
  public async removeBlob(digest: string): Promise<void> {
    try {
      await fs.rm(this.blobPath(digest), { force: true });
    } catch (error) {
      throw writeFailure('STACK7001', `blob ${digest} to the store`, error);
    }
  }

  /**
   * A new private directory inside the store, for its caller to remove; after a crash a later process does.
   * @throws StackError STACK7001, STACK7002
   */
  public async temporaryDirectory(): Promise<string> {
    try {
      return await newTemporaryDirectory(path.join(this.directory, 'tmp'));
    } catch (error) {
      throw writeFailure('STACK7001', 'a temporary directory in the store', error);
    }
  }

  /**
   * Runs work with a temporary directory and removes it afterwards, whatever happens.
   * @throws what the work throws; StackError STACK7002 when that is a full disk
   */
  public async withTemporaryDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
    const directory = await this.temporaryDirectory();
    try {
      return await work(directory);
    } catch (error) {
      throw isFullDisk(error) ? writeFailure('STACK7001', 'to the local store', error) : error;
    } finally {
      await fs.rm(directory, { recursive: true, force: true });
    }
  }

  /**
   * A new private directory for what a script changes, for its caller to remove. Its files may have owners that are not
   * ours, so that {@link leftoverRuns} are for whoever can remove them.
   * @throws StackError STACK7001, STACK7002
   */
  public async runDirectory(): Promise<string> {
    try {
      return await newTemporaryDirectory(path.join(this.directory, 'runs'));
    } catch (error) {
      throw writeFailure('STACK7001', 'a directory for a script in the store', error);
    }
  }

  /** Run directories whose processes are no more. */
  public leftoverRuns(): Promise<readonly string[]> {
    return leftoversIn(path.join(this.directory, 'runs'));
  }

  /**
   * Runs work that makes something in the store while nobody else in this process is at work under the same key. What two need
   * at a time is made once, if each looks first whether it is there.
   */
  public async exclusively<T>(key: string, work: () => Promise<T>): Promise<T> {
    return this.exclusive.run(key, work);
  }

  /**
   * A directory that stays, for state that is neither blob nor record, such as package lists.
   * @throws StackError STACK7001, STACK7002
   */
  public async stateDirectory(name: string): Promise<string> {
    const directory = path.join(this.directory, 'state', name);
    try {
      await makeDirectories(directory, 0o700);
    } catch (error) {
      throw writeFailure('STACK7001', `the directory '${directory}'`, error);
    }
    return directory;
  }

  /**
   * The record a key stands for, as it was written: for the caller to check. Undefined when there is none or it is damaged.
   * @throws StackError STACK7001 when the store cannot be read
   */
  public async readRecord(kind: string, key: string): Promise<unknown> {
    const file = this.recordPath(kind, key);
    let text: string;
    try {
      text = await fs.readFile(file, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw readFailure(`a record of ${kind}`, error);
    }
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return undefined; // a damaged record is a lost one: the work is done again
    }
  }

  /**
   * Writes a record. Equal keys mean equal work, so the last writer wins.
   * @throws StackError STACK7001, STACK7002
   */
  public async writeRecord(kind: string, key: string, record: unknown): Promise<void> {
    const file = this.recordPath(kind, key);
    try {
      await makeDirectories(path.dirname(file), 0o700);
      await this.place(file, JSON.stringify(record), { mode: 0o600 });
    } catch (error) {
      throw writeFailure('STACK7001', 'a record to the store', error);
    }
  }

  /** Writes a file aside, where it is found if we are killed, and gives it its name when it is complete. */
  private async place(
    file: string,
    content: string | Buffer,
    options: { mode: number; flush?: boolean },
  ): Promise<void> {
    await this.withTemporaryDirectory(async (directory) => {
      const temporary = path.join(directory, 'new');
      await fs.writeFile(temporary, content, options);
      await fs.rename(temporary, file);
    });
  }

  private recordPath(kind: string, key: string): string {
    return path.join(this.directory, 'records', kind, `${safeHex(key)}.json`);
  }
}

/** No digest from outside gets into a path unchecked, whoever forgot to check it. */
function safeHex(digest: unknown): string {
  if (!isDigest(digest)) throw new StackError('STACK9001', `${JSON.stringify(digest)} is not a sha256 digest`);
  return hexOf(digest);
}

function readFailure(what: string, error: unknown): StackError {
  return new StackError('STACK7001', `cannot read ${what} in the store: ${messageOf(error)}`, { cause: error });
}
